"""Do the copies fit the instances?

Three bounds, from the laxest: what the host has (above it nothing runs), less where a smaller claim has been seen
refused; and what has been seen accepted or follows from a careful rule (`replicas.sizing.claims`). Between the two
nobody knows, which is a warning. What a template does not tell counts as nothing: if even the rest does not fit,
that is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import NotJudged
from replicas.endpoint.values import Unknown, at, number_of, text_of
from replicas.rules import hosts
from replicas.rules.demands import (
    Demand,
    demands_of,
    instance_of,
    instance_type_of,
    is_scaled,
    most_instances,
    pool_types_of,
    specification_for,
)
from replicas.rules.pools import judge_pools
from replicas.rules.report import Finding, Unresolved
from replicas.rules.shortage import Question
from replicas.sizing import claims
from replicas.template.endpoints import Component, Specification, Variant

_MOST_LISTED_INSTANCES = 5000
"""Instances whose copies a report lists one by one."""


@dataclass(frozen=True)
class Capacity:
    """The instances of one variant, what is wanted on them, and whether it fits."""

    variant: Variant
    instance: Instance | None
    instances: int | None
    demands: tuple[Demand, ...]
    placement: tuple[Mapping[str, int], ...] | None
    """Set where it is proven that all copies fit, and not more instances are in use than a report lists."""
    findings: tuple[Finding, ...]
    unresolved: tuple[Unresolved, ...]


def capacity_of(variant: Variant) -> Capacity:
    """Judge one variant."""
    demands = demands_of(variant)
    instance = instance_of(variant)
    instances = most_instances(variant)
    if not demands:
        return Capacity(variant, instance, instances, (), None, (), ())
    if pool_types_of(variant) and instance is None:
        outcomes = list(judge_pools(variant))
        pool_findings = tuple(outcome for outcome in outcomes if isinstance(outcome, Finding))
        pool_open = tuple(outcome for outcome in outcomes if isinstance(outcome, Unresolved))
        unknown = tuple(_unresolved_counts(variant, demands, instances))
        return Capacity(variant, None, instances, demands, None, pool_findings, (*pool_open, *unknown))
    unresolved = list(_unresolved(variant, demands, instance, instances))
    if instance is None:
        return Capacity(variant, instance, instances, demands, None, (), tuple(unresolved))
    question = Question(variant, demands, instance, instances)
    careful, hard = question.packing(claims.host(instance)), question.packing(hosts.hard(instance))
    findings: list[Finding] = []
    placement = None
    if hard.fits is False:
        findings.append(
            question.finding("over-committed", hosts.hard(instance), hosts.why_not_enough(instance), certain=True)
        )
    elif careful.fits is False:
        certain = question.packing(hosts.nearly_all(instance)).fits is False
        if hard.fits is None:
            unresolved.append(_not_judged(variant, hard))
        findings.append(
            question.finding("over-claimed", claims.host(instance), hosts.why_careful(instance), certain=certain)
        )
    elif careful.fits is None:
        unresolved.append(_not_judged(variant, careful))
    elif (
        instances is not None
        and all(demand.is_known for demand in demands)
        and careful.instances_in_use <= _MOST_LISTED_INSTANCES
    ):
        ids = [demand.component.logical_id for demand in demands]
        placement = tuple(
            {logical_id: count for logical_id, count in zip(ids, row, strict=True) if count}
            for row, times in careful.runs
            if any(row)
            for _ in range(times)
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
        yield Unresolved(config, "not judged: the variant has no InstanceType")
    elif instance is None:
        yield Unresolved(config, f"not judged: instance type {text_of(name)} is not in the table")
    yield from _unresolved_counts(variant, demands, instances)


def _unresolved_counts(variant: Variant, demands: Sequence[Demand], instances: int | None) -> Iterator[Unresolved]:
    if instances is None:
        path = ("ManagedInstanceScaling", "MaxInstanceCount") if is_scaled(variant) else ("InitialInstanceCount",)
        count = at(variant.properties, *path)
        given = count if isinstance(count, Unknown) else Unknown("it is not given")
        yield _open(variant.config.logical_id, path[-1], given)
    for demand in demands:
        yield from _unresolved_of(demand.component, instance_type_of(variant))


def _unresolved_of(component: Component, instance_type: str | None) -> Iterator[Unresolved]:
    if component.resource.condition is not None:
        yield _open(component.logical_id, "its condition", component.resource.condition)
    copies = number_of(component.resource.get("RuntimeConfig", "CopyCount"))
    if isinstance(copies, Unknown):
        yield _open(component.logical_id, "CopyCount", copies)
    specifications = list(component.specifications)
    if instance_type is not None:
        chosen = specification_for(component, instance_type)
        if chosen is None:
            yield Unresolved(component.logical_id, f"not judged: it has no one specification for {instance_type}")
        specifications = [chosen] if chosen else []
    for specification in specifications:
        yield from _unresolved_claims(component, specification)


def _unresolved_claims(component: Component, specification: Specification) -> Iterator[Unresolved]:
    compute = specification.compute
    if isinstance(compute, Unknown):
        yield _open(component.logical_id, "ComputeResourceRequirements", compute)
        return
    for key in ("NumberOfAcceleratorDevicesRequired", "NumberOfCpuCoresRequired", "MinMemoryRequiredInMb"):
        claim = number_of(at(compute, key))
        if isinstance(claim, Unknown):
            yield _open(component.logical_id, key, claim)


def _not_judged(variant: Variant, packing: NotJudged) -> Unresolved:
    return Unresolved(variant.endpoint.logical_id, f"whether all copies fit is not judged: {packing.why}")


def _open(logical_id: str, name: str, unknown: Unknown) -> Unresolved:
    what = f"{name} is not known ({unknown.why}): whether all copies fit is not judged"
    return Unresolved(logical_id, what, unknown.parameters)
