"""What runs in the containers: tensor-parallel degree, host memory, drivers, environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from replicas.catalogue import data
from replicas.endpoint.components import Claims, Specification
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, number_of
from replicas.endpoint.variants import Variant
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.demands import Demand, demands_of, instance_of
from replicas.rules.finding import Case, Unjudged

_DEGREES = {
    "tgi": "SM_NUM_GPUS",
    "vllm": "SM_VLLM_TENSOR_PARALLEL_SIZE",
    "djl-inference": "OPTION_TENSOR_PARALLEL_DEGREE",
}
"""Which variable an image reads its tensor-parallel degree from, by a part of the repository's name."""

_VLLM_MULTIPLES = ("SM_VLLM_PIPELINE_PARALLEL_SIZE", "SM_VLLM_DATA_PARALLEL_SIZE")
"""vLLM takes the product of these and the tensor-parallel degree."""

_CUDA_IN_TAG = re.compile(r"(?:^|-)cu(\d{2})\d(?:-|$)")
_LONGEST_VALUE = 1024
_LMCACHE_SHARE = Fraction(1, 2)


@rule(
    "tensor-parallel-mismatch",
    checks="The engine's tensor-parallel degree is not the copy's accelerators.",
    why="the engine shards over more accelerators than the copy has and ends, or leaves paid ones idle",
)
def tensor_parallel_mismatch(topology: Topology) -> Iterator[Case | Unjudged]:
    """The engine's degree is the number of accelerators that the copy claims."""
    for subject, specification, accelerators in _sharded(topology):
        container = specification.container
        repository = container.repository or ""
        read = [name for part, name in _DEGREES.items() if part in repository] or list(_DEGREES.values())
        for name in read:
            given = container.variable(name)
            if isinstance(given, Unknown) and name in container.environment:
                question = "whether it equals the accelerators of a copy"
                yield Unjudged(subject=subject, question=question, quantity="degree", unknown=given, given=name)
            if not isinstance(given, str):
                continue
            # LMI's "max" is all that the copy has, whatever the number.
            degree, multiple = number_of(given), _vllm_multiple(container, name)
            if isinstance(degree, Fraction) and degree * multiple != accelerators:
                numbers = {"variable": name, "degree": given, "accelerators": accelerators}
                yield Case(subject=subject, kind="" if multiple == 1 else "product", numbers=numbers)


@rule(
    "tensor-parallel-missing",
    checks="vLLM has several accelerators and is not told to use them.",
    why="vLLM runs at degree 1: {idle} of {accelerators} accelerators of each copy stand idle",
)
def tensor_parallel_missing(topology: Topology) -> Iterator[Case]:
    """VLLM is given its degree."""
    name = _DEGREES["vllm"]
    for subject, specification, accelerators in _sharded(topology):
        container = specification.container
        repository = container.repository or ""
        if "vllm" not in repository or accelerators < 2 or container.variable(name) is not None:
            continue
        if _vllm_multiple(container, name) != accelerators:
            numbers = {
                "variable": name,
                "repository": repository,
                "accelerators": accelerators,
                "idle": accelerators - 1,
                "ignored": "; SM_NUM_GPUS is not read by this image" if "SM_NUM_GPUS" in container.environment else "",
            }
            yield Case(subject=subject, numbers=numbers)


def _sharded(topology: Topology) -> Iterator[tuple[Subject, Specification, int]]:
    """Specifications whose accelerators are known and whole."""
    for component in topology.hosting_components:
        for specification in component.specifications:
            claims = specification.claims
            accelerators = claims.accelerators if isinstance(claims, Claims) else None
            if isinstance(accelerators, Fraction) and accelerators.denominator == 1:
                yield component.subject, specification, int(accelerators)


def _vllm_multiple(container: Container, name: str) -> Fraction:
    """By how much vLLM's other kinds of parallelism multiply the degree; 1 for other engines."""
    multiple = Fraction(1)
    for other in _VLLM_MULTIPLES if name == _DEGREES["vllm"] else ():
        factor = number_of(container.variable(other))
        multiple *= factor if isinstance(factor, Fraction) else 1
    return multiple


@rule(
    "lmcache-per-copy",
    checks="Copies that share a host take half of its memory each.",
    why="each copy sets 50 % of the host's memory aside for its cache: {share} % together",
    source="aws/deep-learning-containers, start-up script of huggingface-vllm",
)
def lmcache_per_copy(topology: Topology) -> Iterator[Case]:
    """Each copy of huggingface-vllm takes half of the host's memory for a cache, however many there are."""
    for variant in topology.variants:
        caching = [demand for demand in demands_of(variant) if _may_cache(demand)]
        copies = sum(demand.copies or 0 for demand in caching)
        together = _most_together(variant, caching)
        starting = variant.instances.at_start
        for demand in caching:
            container = demand.component.specifications[0].container
            if together < 2 or _is_mended(container, together):
                continue
            numbers = {
                "copies": copies,
                "together": together,
                "share": together * 50,
                "fraction": f"{float(_LMCACHE_SHARE / together):.2g}",
            }
            # With an instance for each copy they may lie apart.
            certain = starting is not None and copies > starting
            yield Case(subject=demand.component.subject, numbers=numbers, certain=certain)


def _may_cache(demand: Demand) -> bool:
    """True for huggingface-vllm, unless its cache is surely off."""
    specification = demand.component.only_specification
    if specification is None or specification.container.repository != "huggingface-vllm":
        return False
    return specification.container.variable("HF_ENABLE_LMCACHE") != "0"


def _most_together(variant: Variant, demands: Sequence[Demand]) -> int:
    """The most of these copies that one instance of the variant can come to hold."""
    instance = instance_of(variant.instances)
    left, together = instance.accelerators if instance else 0, 0
    for demand in sorted(demands, key=lambda demand: demand.accelerators or 0):
        if demand.copies and demand.accelerators:
            fitting = min(demand.copies, left // demand.accelerators)
            left, together = left - fitting * demand.accelerators, together + fitting
    return together


def _is_mended(container: Container, together: int) -> bool:
    """True where the cache is small enough, or its size is not known."""
    share = container.variable("HF_LMCACHE_CPU_FRACTION")
    if isinstance(share, Unknown) or isinstance(container.variable("HF_ENABLE_LMCACHE"), Unknown):
        return True
    fraction = number_of(share)
    return isinstance(fraction, Fraction) and fraction * together <= _LMCACHE_SHARE


@rule(
    "ami-too-old",
    checks="An image with CUDA 13 runs on a driver too old for it.",
    why="the driver is too old for it: the container fails to start and writes no log",
    source="data/amis.json",
)
def ami_too_old(topology: Topology) -> Iterator[Case | Unjudged]:
    """CUDA 13 needs a driver that the default AMI of the older families does not have."""
    amis = data.load("amis")
    for variant in topology.variants:
        instance_type = variant.instances.type_name or ""
        if instance_type.removeprefix("ml.").split(".")[0] not in amis["families"]:
            continue
        newest = max((_cuda_major(container) for container in _containers_of(variant)), default=0)
        good = [ami["name"] for ami in amis["amis"] if int(ami["runs_cuda"].split(".")[0]) >= newest]
        if newest < 13 or not good:
            continue
        given, subject = variant.settings.ami, variant.configuration.subject
        if isinstance(given, Unknown):
            question = f"whether its driver runs CUDA {newest}"
            yield Unjudged(subject=subject, question=question, quantity="ami", unknown=given)
        elif given not in good:
            numbers = {"ami": given, "instance_type": instance_type, "cuda": newest, "good": good[0]}
            yield Case(subject=subject, kind="default" if given is None else "", numbers=numbers)


def _containers_of(variant: Variant) -> Iterator[Container]:
    if variant.settings.container:
        yield variant.settings.container
    for component in variant.components:
        for specification in component.specifications:
            yield specification.container


def _cuda_major(container: Container) -> int:
    """13 for a tag with cu130; 0 where the tag does not tell."""
    match = _CUDA_IN_TAG.search(container.tag or "")
    return int(match[1]) if match else 0


@rule(
    "environment-value-too-long",
    checks="A variable has more than 1,024 characters.",
    why="SageMaker takes {most} at most",
    source="SageMaker API reference, ContainerDefinition and InferenceComponentContainerSpecification, Environment",
    enforced=(
        *enforced_by("CreateModel", "documented", "botocore 1.44.5, EnvironmentValue: at most 1024"),
        *enforced_by("CreateInferenceComponent", "documented", "botocore 1.44.5, EnvironmentValue: at most 1024"),
    ),
)
def environment_value_too_long(topology: Topology) -> Iterator[Case]:
    """A value takes 1,024 characters, on a model and on a component."""
    environments = [(model.subject, model.container.environment) for model in topology.models]
    environments += [
        (component.subject, specification.own_container.environment)
        for component in topology.components
        for specification in component.specifications
        if specification.own_container is not None
    ]
    for subject, environment in environments:
        for name, value in environment.items():
            if isinstance(value, str) and len(value) > _LONGEST_VALUE:
                numbers = {"variable": name, "characters": len(value), "most": _LONGEST_VALUE}
                yield Case(subject=subject, numbers=numbers)
