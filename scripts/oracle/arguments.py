"""Check that the engine's own argument parser accepts the environment variables of every plan.

The plans belong to all deployments of the catalogue, and to random components. vLLM's parser reads the variables of
vLLM's and LMI's containers. SGLang's variables are read by the parser of the version that the container has.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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

RANDOM_PLANS = 300
"""Number of random plans for each engine."""
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
}
_ENVIRONMENTS: dict[str, tuple[dict[str, str], ...]] = {
    "vllm": ({}, {}, {"SM_VLLM_ENFORCE_EAGER": "true"}, {"SM_VLLM_ENABLE_PREFIX_CACHING": "false"}),
    "lmi": ({}, {}, {"OPTION_ENFORCE_EAGER": "true"}, {"OPTION_KV_CACHE_DTYPE": "fp8"}),
    "sglang": ({}, {}, {"SM_SGLANG_DISABLE_RADIX_CACHE": "true"}, {"SM_SGLANG_KV_CACHE_DTYPE": "fp8_e5m2"}),
}
ENGINES = tuple(_ENVIRONMENTS)


@dataclass(frozen=True)
class Case:
    """Environment variables of a plan, with the engine and its version."""

    name: str
    engine: str
    version: str
    environment: Mapping[str, str]


def check(python: Path) -> str:
    """Check the variables of every plan with the parsers.

    Raises:
        SystemExit: a parser refuses a variable, reads a value that was not planned, or does not know a variable.

    """
    cases = [*planned(), *(case for engine in ENGINES for case in random_plans(engine))]
    of_parsers: defaultdict[str | None, list[Case]] = defaultdict(list)
    for case in cases:
        of_parsers[case.version if case.engine == "sglang" else None].append(case)
    problems = [
        problem
        for version, asked in of_parsers.items()
        for problem in problems_of(asked, _answers(python, version, asked))
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    counts = (f"{sum(case.engine == engine for case in cases)} of {engine}" for engine in ENGINES)
    versions = sorted(version for version in of_parsers if version)
    return f"environments are accepted: {', '.join(counts)} (versions of sglang's parser: {', '.join(versions)})"


def _answers(python: Path, version: str | None, cases: list[Case]) -> list[dict[str, Any]]:
    """Return the answers of vLLM's parser, or of the parser of one version of SGLang."""
    with tempfile.TemporaryFile("w+") as lines:
        for case in cases:
            line = {"name": case.name, "engine": case.engine, "environment": dict(case.environment)}
            lines.write(json.dumps(line) + "\n")
        lines.seek(0)
        if version is None:
            return list(inside(python, "parse", lines))
        folder = python.parent.parent / "sglang"
        return list(inside(folder / "bin" / "python", "parse_sglang", lines, folder / "versions" / version))


def problems_of(cases: list[Case], answers: list[dict[str, Any]]) -> Iterator[str]:
    """Yield an error message for each variable that a parser refuses, misreads or does not know."""
    for case, answer in zip(cases, answers, strict=True):
        about = f"{case.engine} {case.version}, {case.name}"
        if "refused" in answer:
            yield f"{about}: {answer['refused']}: {dict(case.environment)}"
        yield from (f"{about}: the engine has no variable {name}" for name in answer["unknown_variables"])
        yield from (f"{about}: {name}: {reading}" for name, reading in answer.get("misread", {}).items())


def planned() -> Iterator[Case]:
    """Yield the environment variables of the catalogue's deployments that these engines serve."""
    for deployment in DEPLOYMENTS:
        for component in plan(deployment, to_deploy=False).components:
            engine = component.engine
            if engine.name in ENGINES:
                yield Case(f"{deployment.name}/{component.name}", engine.name, engine.version, component.environment)


def random_plans(engine: str) -> Iterator[Case]:
    """Yield the environment variables of random components of the engine that can be planned."""
    draw = Random(0)  # noqa: S311 (no secret)
    choices = {**_CHOICES, "environment": _ENVIRONMENTS[engine]}
    count = 0
    while count < RANDOM_PLANS:
        given = {name: draw.choice(values) for name, values in choices.items()}
        version = draw.choice(image_versions(engine))
        try:
            component = Component(
                model=draw.choice(model_ids()),
                engine=f"{engine}-{version}",
                copies=1,
                **{name: value for name, value in given.items() if value is not None},
            )
            deployment = Deployment(name="random", instance_type=draw.choice(_INSTANCES), components=[component])
            copy = plan(deployment, to_deploy=False).components[0]
        except (ReplicasError, LookupError, ValueError):
            continue
        count += 1
        yield Case(f"random {count}", engine, version, copy.environment)
