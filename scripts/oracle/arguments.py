"""Hold every environment that a plan writes for vLLM against the engine's real argument parser.

The plans are those of all deployments of the catalogue, and of random components.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from deployments import DEPLOYMENTS
from replicas.catalogue.models import model_ids
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import image_versions
from replicas.errors import ReplicasError
from replicas.planning.planner import plan
from scripts.oracle.asking import inside

ENGINE = "vllm"
RANDOM_PLANS = 300
_INSTANCES = (
    "ml.g5.2xlarge",
    "ml.g5.12xlarge",
    "ml.g6e.12xlarge",
    "ml.g6e.48xlarge",
    "ml.p4d.24xlarge",
    "ml.p5.48xlarge",
)
_CHOICES: dict[str, tuple[Any, ...]] = {
    "tensor_parallel": (None, 1, 2, 4, 8),
    "quantization": (None, None, "fp8", "bitsandbytes-nf4", "awq", "gptq"),
    "max_total_tokens": (None, 2048, 8192, 20_000),
    "max_batch_prefill_tokens": (None, 512, 2048, 16_384),
    "max_sequences": (None, 1, 64, 700),
    "gpu_memory_share": (None, 0.5, 0.875, 0.95),
    "revision": (None, None, "main"),
    "environment": ({}, {}, {"SM_VLLM_ENFORCE_EAGER": "true"}, {"SM_VLLM_ENABLE_PREFIX_CACHING": "false"}),
}


def check(python: Path) -> str:
    """Ask the parser about every plan, and print what it refuses.

    Raises:
        SystemExit: it refuses a plan, reads it otherwise than planned, or does not know a variable.

    """
    environments = {**dict(planned()), **dict(random_plans())}
    problems = []
    with tempfile.TemporaryFile("w+") as lines:
        for name, environment in environments.items():
            lines.write(json.dumps({"name": name, "environment": environment}) + "\n")
        lines.seek(0)
        for answer in inside(python, "parse", lines):
            if "refused" in answer:
                problems.append(f"{answer['name']}: {answer['refused']}: {environments[answer['name']]}")
            problems += [
                f"{answer['name']}: {name} is no variable of the engine" for name in answer["unknown_variables"]
            ]
    if problems:
        raise SystemExit("\n".join(problems))
    return f"{len(environments)} environments are taken"


def planned() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the environments of the catalogue's deployments that the engine serves."""
    for deployment in DEPLOYMENTS:
        for component in plan(deployment, to_deploy=False).components:
            if component.engine.name == ENGINE:
                yield f"{deployment.name}/{component.name}", dict(component.environment)


def random_plans() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the environments of random components that can be planned."""
    draw = Random(0)  # noqa: S311 (no secret)
    count = 0
    while count < RANDOM_PLANS:
        given = {name: draw.choice(values) for name, values in _CHOICES.items()}
        try:
            component = Component(
                model=draw.choice(model_ids()),
                engine=f"{ENGINE}-{draw.choice(image_versions(ENGINE))}",
                copies=1,
                **{name: value for name, value in given.items() if value is not None},
            )
            deployment = Deployment(name="random", instance_type=draw.choice(_INSTANCES), components=[component])
            copy = plan(deployment, to_deploy=False).components[0]
        except (ReplicasError, LookupError, ValueError):
            continue
        count += 1
        yield f"random {count}", dict(copy.environment)
