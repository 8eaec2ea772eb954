"""Containers of the stand-in. The image determines the engine; environment variables determine model and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from replicas.catalogue.models import find_model
from replicas.catalogue.tasks import Task
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import (
    Dialect,
    EngineKind,
    engine_names,
    engine_of_image,
    model_of,
    read_settings,
    repository_and_tag,
)
from replicas.engines.answering import ServedModel
from replicas.errors import ServingError, SizingError
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.forecast.simulation import Outcome, simulate
from replicas.forecast.stand_in.copies import StandInCopy
from replicas.load import Load
from replicas.planning.planner import plan

_NUMBERS = ("max_input_tokens", "max_total_tokens", "max_batch_prefill_tokens", "max_sequences", "gpu_memory_share")


@dataclass(frozen=True)
class StandInContainer:
    """The container of a component's copies."""

    engine: CopyEngine
    dialect: Dialect
    model: ServedModel
    accepts_chat: bool
    """True if the container has the chat completions path."""

    def start(self, speed: float) -> StandInCopy:
        """Return the idle container of one copy, `speed` times faster than the forecast."""
        return StandInCopy(self.engine, self.dialect, self.model, accepts_chat=self.accepts_chat, speed=speed)

    def benchmark(self, *, copies: int, routing: str, load: Load, duration_seconds: float) -> Outcome:
        """Simulate a load on `copies` copies.

        Raises:
            ForecastError: the load cannot be simulated.

        """
        return simulate(
            self.engine,
            copies=copies,
            load=replace(
                load,
                max_input_tokens=self.model.max_input_tokens,
                max_total_tokens=min(self.model.max_total_tokens, self.engine.limits.kv_cache_tokens),
            ),
            duration_seconds=duration_seconds,
            seed=0,
            routing="RANDOM" if routing == "RANDOM" else "LEAST_OUTSTANDING_REQUESTS",
        )


class StandInEngine:
    """Stand-in for every engine that can be planned."""

    def container(
        self,
        *,
        copy: str,  # noqa: ARG002 (the copies of a component are alike)
        image: str,
        environment: Mapping[str, str],
        instance_type: str,
        accelerators: int,
        repository: str | None,
    ) -> StandInContainer:
        """Return the container of a component's copies.

        Args:
            copy: id of the copy.
            image: address of the container image.
            environment: the container's variables.
            instance_type: type of the copy's instance.
            accelerators: number of accelerators of the copy.
            repository: repository of the copy's weights in S3; None if it is not known or the weights are not in S3.

        Raises:
            ServingError: the image, the model or the instance is not known.

        """
        return _container(image, tuple(sorted(environment.items())), instance_type, accelerators, repository)


@cache
def _container(
    image: str,
    variables: tuple[tuple[str, str], ...],
    instance_type: str,
    accelerators: int,
    repository: str | None,
) -> StandInContainer:
    environment = dict(variables)
    kind, version = _engine(image)
    dialect = kind.dialect(environment, repository_and_tag(image)[1])
    if dialect is None:
        raise ServingError(f"image {image}: its request format is not known")
    model = _model(environment, image, repository)
    component = Component(
        model=model,
        engine=f"{kind.name}-{version}",
        copies=1,
        tensor_parallel=accelerators,
        cpus=0.25,  # the placement has already checked the requested CPUs and memory
        memory_mib=128,
        task=_task(kind, environment, model),
        **_settings(kind, environment),
    )
    deployment = Deployment(name="stand-in", instance_type=instance_type, components=[component])
    try:
        planned = plan(deployment, to_deploy=False)
        copy = planned.components[0]
        engine = copy_engine(copy, planned.instance)
    except (SizingError, LookupError) as fault:
        raise ServingError(str(fault)) from None
    served = ServedModel(
        id=copy.model.id,
        max_input_tokens=copy.max_input_tokens,
        max_total_tokens=copy.max_total_tokens,
        has_chat_template=copy.model.chat is not False,
        task=copy.task,
        embedding_size=copy.model.architecture.hidden_size,
        takes_images=copy.model.takes_images,
    )
    return StandInContainer(engine, dialect, served, copy.accepts_chat)


def _engine(image: str) -> tuple[EngineKind, str]:
    """Return the engine of an image and its version."""
    kind = engine_of_image(image)
    if kind is None or kind.versions is None:
        names = ", ".join(engine_names())
        raise ServingError(f"image {image} has no stand-in: stand-ins exist for {names}")
    version = kind.version_of(repository_and_tag(image)[1])
    if version is None:
        raise ServingError(f"image {image}: the tag does not contain the version of {kind.title}")
    return kind, version


def _model(environment: Mapping[str, str], image: str, staged: str | None) -> str:
    """Return the repository of the model that a container serves."""
    given = model_of(environment, image)
    model = staged if given and given.startswith("/") else given
    if model is None:
        raise ServingError(
            "no stand-in for this container: its model is named neither by its variables nor by the manifest that "
            "`replicas stage` writes next to weights in S3"
        )
    return model


def _task(kind: EngineKind, environment: Mapping[str, str], model: str) -> Task | None:
    try:
        return kind.task(environment, find_model(model).task)
    except LookupError:
        return None  # the plan reports that the model is not known


def _settings(kind: EngineKind, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the component settings that a container's variables give."""
    given = read_settings(kind, environment, has_local_weights=False)
    for option in _NUMBERS:
        for entry in given.not_followed:
            if entry.name in kind.variables.of_option(option):
                raise ServingError(f"{option}: {entry.value!r} is not a number that {kind.title} accepts")
    settings = {
        "max_input_tokens": given.max_input_tokens,
        "max_total_tokens": given.max_total_tokens,
        "max_batch_prefill_tokens": given.prefill_tokens,
        "max_sequences": given.sequences,
        "gpu_memory_share": given.memory_share,
        "quantization": given.quantization,
    }
    return {option: value for option, value in settings.items() if value is not None}
