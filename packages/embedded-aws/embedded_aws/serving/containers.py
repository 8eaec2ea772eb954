"""What runs in a copy: the engine by its image, the model and the limits by the container's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from embedded_aws.sagemaker.destinations import ServingCopy
from replicas.catalogue.images import find_image, image_versions
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import ENGINES
from replicas.errors import SizingError
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.planning.planner import plan
from replicas.planning.plans import ComponentPlan

_MODEL_VARIABLES = ("SM_VLLM_MODEL", "HF_MODEL_ID")
_WISHES = {
    "max_input_tokens": ("MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS"),
    "max_total_tokens": ("MAX_TOTAL_TOKENS", "SM_VLLM_MAX_MODEL_LEN"),
    "max_batch_prefill_tokens": ("MAX_BATCH_PREFILL_TOKENS", "SM_VLLM_MAX_NUM_BATCHED_TOKENS"),
    "max_sequences": ("SM_VLLM_MAX_NUM_SEQS",),
}


class NoStandIn(ValueError):  # noqa: N818 (it is a finding about a container)
    """The container of a copy cannot be stood in for; the message says why."""


@dataclass(frozen=True)
class Container:
    """An engine with a model and limits."""

    plan: ComponentPlan
    engine: CopyEngine

    @property
    def model(self) -> str:
        """Repository of the model."""
        return self.plan.model.id


def container_of(copy: ServingCopy, repository: str | None = None) -> Container:
    """What runs in a copy.

    Args:
        copy: with its image and its variables.
        repository: of the weights that it has from S3, where that is known.

    Raises:
        NoStandIn: an image, a model or an instance of which nothing is known.

    """
    return _container(
        copy.image, tuple(sorted(copy.environment.items())), copy.instance_type, copy.accelerators, repository
    )


@cache
def _container(
    image: str,
    environment: tuple[tuple[str, str], ...],
    instance_type: str,
    accelerators: int,
    repository: str | None,
) -> Container:
    variables = dict(environment)
    named = [variables[name] for name in _MODEL_VARIABLES if name in variables]
    model = repository if named and named[0].startswith("/") else named[0] if named else None
    if model is None:
        raise NoStandIn(
            "which model it serves is neither in its variables nor in the manifest that `replicas stage` puts beside "
            "weights in S3: no stand-in for it"
        )
    component = Component(
        model=model,
        engine=_engine(image),
        copies=1,
        tensor_parallel=accelerators,
        cpus=0.25,  # what it claims of the host was proven when it was placed
        memory_mib=128,
        **_wishes(variables),
    )
    try:
        planned = plan(
            Deployment(name="stand-in", instance_type=instance_type, components=[component]), to_deploy=False
        )
        return Container(planned.components[0], copy_engine(planned.components[0], planned.instance))
    except (SizingError, LookupError) as fault:
        raise NoStandIn(str(fault)) from None


def _engine(image: str) -> str:
    for name in ENGINES:
        for version in image_versions(name):
            known = find_image(name, version)
            if known and image.endswith(f"/{known.repository}:{known.tag}"):
                return f"{name}-{version}"
    raise NoStandIn(f"image {image} is none of the engines that there are stand-ins for ({', '.join(ENGINES)})")


def _wishes(variables: Mapping[str, str]) -> dict[str, Any]:
    """The limits that the variables set."""
    found: dict[str, Any] = {}
    for wish, names in _WISHES.items():
        values = [variables[name] for name in names if name in variables]
        if values:
            found[wish] = int(values[0])
    return found
