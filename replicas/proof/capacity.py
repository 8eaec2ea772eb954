"""Do the copies fit the instances?

Three bounds, from the laxest: what the host has (above it nothing runs), less where a smaller claim has been seen
refused; and what has been seen accepted or follows from a careful rule (`replicas.sizing.claims`). Between the two
nobody knows, which is a warning. What a template does not tell counts as nothing: if even the rest does not fit,
that is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from replicas.proof.demands import Demand, demands_of, instance_of, is_scaled, most_instances
from replicas.proof.endpoints import Component, Variant
from replicas.proof.report import Finding, Unresolved
from replicas.proof.resolve import Unknown, at, number_of, text_of
from replicas.proof.shortage import Question
from replicas.sizing import claims, data
from replicas.sizing.instances import Instance
from replicas.sizing.packing import Resources

_NOT_ENOUGH = (
    "a copy never spans instances, and one without room ends as 'There is not enough hardware resources on the "
    "instances' after minutes of paid instances"
)


@dataclass(frozen=True)
class Capacity:
    """The instances of one variant, what is wanted on them, and whether it fits."""

    variant: Variant
    instance: Instance | None
    instances: int | None
    demands: tuple[Demand, ...]
    placement: tuple[Mapping[str, int], ...] | None
    """Set where it is proven that all copies fit."""
    findings: tuple[Finding, ...]
    unresolved: tuple[Unresolved, ...]


def capacity_of(variant: Variant) -> Capacity:
    """Judge one variant."""
    demands = demands_of(variant)
    instance = instance_of(variant)
    instances = most_instances(variant)
    if not demands:
        return Capacity(variant, instance, instances, (), None, (), ())
    unresolved = list(_unresolved(variant, demands, instance, instances))
    if instance is None:
        return Capacity(variant, instance, instances, demands, None, (), tuple(unresolved))
    question = Question(variant, demands, instance, instances)
    careful, hard = question.packing(claims.host(instance)), question.packing(_hard(instance))
    findings: list[Finding] = []
    placement = None
    if hard.fits is False:
        findings.append(question.finding("over-committed", _hard(instance), _why(instance), certain=True))
    elif careful.fits is False:
        bound = claims.claimable(instance)
        why = (
            f"the host has more but keeps part of it for itself, and nobody publishes how much: as far as is known "
            f"copies can have {float(bound.cpus):g} CPUs ({bound.cpus_reason}) and {bound.memory_mib} MiB "
            f"({bound.memory_reason}) of one"
        )
        certain = question.packing(_nearly_all(instance)).fits is False
        findings.append(question.finding("over-claimed", claims.host(instance), why, certain=certain))
    elif careful.fits is None:
        unresolved.append(Unresolved(variant.endpoint.logical_id, "too many copies to prove that all of them fit"))
    elif instances is not None and all(demand.is_known for demand in demands):
        ids = [demand.component.logical_id for demand in demands]
        placement = tuple(
            {logical_id: count for logical_id, count in zip(ids, row, strict=True) if count}
            for row in careful.rows
            if any(row)
        )
    return Capacity(variant, instance, instances, demands, placement, tuple(findings), tuple(unresolved))


def _unresolved(
    variant: Variant, demands: Sequence[Demand], instance: Instance | None, instances: int | None
) -> Iterator[Unresolved]:
    config = variant.config.logical_id
    name = at(variant.properties, "InstanceType")
    if isinstance(name, Unknown):
        yield _open(config, "InstanceType", name)
    elif name is None:
        yield Unresolved(config, "not judged: the variant has no one InstanceType (instance pools are not judged)")
    elif instance is None:
        yield Unresolved(config, f"not judged: instance type {text_of(name)} is not in the table")
    if instances is None:
        path = ("ManagedInstanceScaling", "MaxInstanceCount") if is_scaled(variant) else ("InitialInstanceCount",)
        count = at(variant.properties, *path)
        yield _open(config, path[-1], count if isinstance(count, Unknown) else Unknown("it is not given"))
    for demand in demands:
        yield from _unresolved_of(demand.component)


def _unresolved_of(component: Component) -> Iterator[Unresolved]:
    if component.resource.condition is not None:
        yield _open(component.logical_id, "its condition", component.resource.condition)
    copies = number_of(component.resource.get("RuntimeConfig", "CopyCount"))
    if isinstance(copies, Unknown):
        yield _open(component.logical_id, "CopyCount", copies)
    if len(component.specifications) != 1:
        yield Unresolved(component.logical_id, "not judged: several Specifications (instance pools)")
        return
    compute = component.specifications[0].compute
    if isinstance(compute, Unknown):
        yield _open(component.logical_id, "ComputeResourceRequirements", compute)
        return
    for key in ("NumberOfAcceleratorDevicesRequired", "NumberOfCpuCoresRequired", "MinMemoryRequiredInMb"):
        claim = number_of(at(compute, key))
        if isinstance(claim, Unknown):
            yield _open(component.logical_id, key, claim)


def _open(logical_id: str, name: str, unknown: Unknown) -> Unresolved:
    what = f"{name} is not known ({unknown.why}): whether all copies fit is not judged"
    return Unresolved(logical_id, what, unknown.parameters)


def _nearly_all(instance: Instance) -> Resources:
    """Nine tenths of the host: no claim above that was ever seen to run, for the platform needs its part."""
    host, known = _hard(instance), claims.host(instance)
    return Resources(
        host.accelerators,
        max(host.cpus * Fraction(9, 10), known.cpus),
        max(int(host.memory_mib * Fraction(9, 10)), known.memory_mib),
    )


def _hard(instance: Instance) -> Resources:
    """Above this nothing runs: the host itself, less where a claim below it has been seen refused."""
    refused = _refused_memory(instance)
    memory = instance.memory_mib if refused is None else min(instance.memory_mib, refused - 1)
    return Resources(instance.accelerators, Fraction(instance.vcpus), memory)


def _refused_memory(instance: Instance) -> int | None:
    """The smallest memory claim seen refused where memory was all that could be the reason."""
    return min(
        (
            int(seen["memory_mib"])
            for seen in data.load("claims")["seen"]
            if seen["instance_type"] == instance.name and not seen["accepted"] and "cpus" not in seen
        ),
        default=None,
    )


def _why(instance: Instance) -> str:
    refused = _refused_memory(instance)
    if refused is None:
        return _NOT_ENOUGH
    return f"{_NOT_ENOUGH} (on {instance.name} a claim of {refused} MiB has been seen refused)"
