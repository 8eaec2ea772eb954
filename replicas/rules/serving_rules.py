"""Rules about what runs in the containers: tensor-parallel degree, host memory, drivers, environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from replicas.catalogue import data
from replicas.endpoint.values import Unknown, at, number_of
from replicas.rules.demands import Demand, demands_of, initial_instances, instance_of, instance_type_of
from replicas.rules.report import Finding, Unresolved
from replicas.template.endpoints import Container, Specification, Variant, View, container_of

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


def tensor_parallel(view: View) -> Iterator[Finding | Unresolved]:
    """The engine's degree is the number of accelerators that the copy claims."""
    for component in view.components:
        for specification in component.specifications:
            accelerators = number_of(at(specification.compute, "NumberOfAcceleratorDevicesRequired"))
            if not component.is_adapter and isinstance(accelerators, Fraction) and accelerators.denominator == 1:
                yield from _degree_findings(component.logical_id, specification, int(accelerators))


def _degree_findings(
    logical_id: str, specification: Specification, accelerators: int
) -> Iterator[Finding | Unresolved]:
    container = specification.container
    repository = container.repository or ""
    read = [name for part, name in _DEGREES.items() if part in repository] or list(_DEGREES.values())
    for name in read:
        given = container.variable(name)
        if isinstance(given, Unknown) and name in container.environment:
            what = f"{name} is not known ({given.why}): whether it equals the accelerators of a copy is not judged"
            yield Unresolved(logical_id, what, given.parameters)
        if not isinstance(given, str):
            continue
        # LMI's "max" is all that the copy has, whatever the number.
        degree, multiple = number_of(given), _vllm_multiple(container, name)
        if isinstance(degree, Fraction) and degree * multiple != accelerators:
            yield Finding(
                "tensor-parallel-mismatch",
                logical_id,
                f"{name}={given}, NumberOfAcceleratorDevicesRequired={accelerators}",
                "the engine shards over more accelerators than the copy has and ends, or leaves paid ones idle",
                f"{name}={accelerators}" if multiple == 1 else f"degrees whose product is {accelerators}",
            )
    name = _DEGREES["vllm"]
    if "vllm" in repository and accelerators > 1 and container.variable(name) is None:
        if _vllm_multiple(container, name) == accelerators:
            return
        ignored = "; SM_NUM_GPUS is not read by this image" if "SM_NUM_GPUS" in container.environment else ""
        yield Finding(
            "tensor-parallel-missing",
            logical_id,
            f"{name} is not set for {repository} with NumberOfAcceleratorDevicesRequired={accelerators}{ignored}",
            f"vLLM runs at degree 1: {accelerators - 1} of {accelerators} accelerators of each copy stand idle",
            f"{name}={accelerators}",
        )


def _vllm_multiple(container: Container, name: str) -> Fraction:
    """By how much vLLM's other kinds of parallelism multiply the degree; 1 for other engines."""
    multiple = Fraction(1)
    for other in _VLLM_MULTIPLES if name == _DEGREES["vllm"] else ():
        factor = number_of(container.variable(other))
        multiple *= factor if isinstance(factor, Fraction) else 1
    return multiple


def lmcache(view: View) -> Iterator[Finding]:
    """Each copy of huggingface-vllm takes half of the host's memory for a cache, however many there are."""
    for variant in view.variants:
        caching = [demand for demand in demands_of(variant) if _may_cache(demand)]
        copies = sum(demand.copies or 0 for demand in caching)
        together = _most_together(variant, caching)
        starting = initial_instances(variant)
        for demand in caching:
            container = demand.component.specifications[0].container
            if together < 2 or _is_mended(container, together):
                continue
            yield Finding(
                "lmcache-per-copy",
                demand.component.logical_id,
                f"{copies} copies of huggingface-vllm, up to {together} on one instance; HF_ENABLE_LMCACHE is not 0",
                f"each copy sets 50 % of the host's memory aside for its cache: {together * 50} % together",
                f"HF_ENABLE_LMCACHE=0, or HF_LMCACHE_CPU_FRACTION={float(_LMCACHE_SHARE / together):.2g} or less",
                # With an instance for each copy they may lie apart.
                certain=starting is not None and copies > starting,
            )


def _may_cache(demand: Demand) -> bool:
    """True for huggingface-vllm, unless its cache is surely off."""
    specifications = demand.component.specifications
    if len(specifications) != 1 or specifications[0].container.repository != "huggingface-vllm":
        return False
    return specifications[0].container.variable("HF_ENABLE_LMCACHE") != "0"


def _most_together(variant: Variant, demands: Sequence[Demand]) -> int:
    """The most of these copies that one instance of the variant can come to hold."""
    instance = instance_of(variant)
    left, together = instance.accelerators if instance else 0, 0
    for demand in sorted(demands, key=lambda demand: demand.accelerators or 0):
        if demand.copies and demand.accelerators:
            fitting = min(demand.copies, left // demand.accelerators)
            left, together = left - fitting * demand.accelerators, together + fitting
    return together


def _is_mended(container: Container, together: int) -> bool:
    """True where the cache is small enough, or nobody knows."""
    share = container.variable("HF_LMCACHE_CPU_FRACTION")
    if isinstance(share, Unknown) or isinstance(container.variable("HF_ENABLE_LMCACHE"), Unknown):
        return True
    fraction = number_of(share)
    return isinstance(fraction, Fraction) and fraction * together <= _LMCACHE_SHARE


def driver(view: View) -> Iterator[Finding | Unresolved]:
    """CUDA 13 needs a driver that the default AMI of the older families does not have."""
    amis = data.load("amis")
    for variant in view.variants:
        instance_type = instance_type_of(variant) or ""
        if instance_type.removeprefix("ml.").split(".")[0] not in amis["families"]:
            continue
        newest = max((_cuda_major(container) for container in _containers_of(variant)), default=0)
        good = [ami["name"] for ami in amis["amis"] if int(ami["runs_cuda"].split(".")[0]) >= newest]
        if newest < 13 or not good:
            continue
        given = at(variant.properties, "InferenceAmiVersion")
        if isinstance(given, Unknown):
            what = (
                f"InferenceAmiVersion is not known ({given.why}): whether its driver runs CUDA {newest} is not judged"
            )
            yield Unresolved(variant.config.logical_id, what, given.parameters)
        elif given not in good:
            shown = "no InferenceAmiVersion" if given is None else f"InferenceAmiVersion={given}"
            yield Finding(
                "ami-too-old",
                variant.config.logical_id,
                f"{shown} on {instance_type} for an image with CUDA {newest}",
                "the driver is too old for it: the container fails to start and writes no log",
                f"InferenceAmiVersion={good[0]}",
            )


def _containers_of(variant: Variant) -> Iterator[Container]:
    if variant.container:
        yield variant.container
    for component in variant.components:
        for specification in component.specifications:
            yield specification.container


def _cuda_major(container: Container) -> int:
    """13 for a tag with cu130; 0 where the tag does not tell."""
    found = _CUDA_IN_TAG.search(container.tag or "")
    return int(found[1]) if found else 0


def environment_values(view: View) -> Iterator[Finding]:
    """A value takes 1,024 characters, on a model and on a component."""
    environments = [(model.logical_id, container_of(model).environment) for model in view.of_type("Model")]
    environments += [
        (component.logical_id, specification.own_environment)
        for component in view.components
        for specification in component.specifications
        if isinstance(specification.own_environment, Mapping)
    ]
    for logical_id, environment in environments:
        for name, value in environment.items():
            if isinstance(value, str) and len(value) > _LONGEST_VALUE:
                yield Finding(
                    "environment-value-too-long",
                    logical_id,
                    f"the value of {name} has {len(value)} characters",
                    f"SageMaker takes {_LONGEST_VALUE} at most",
                    "a file beside the weights, or a shorter value",
                )
