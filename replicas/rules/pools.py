"""Instance pools: SageMaker takes whichever type it gets, so each type alone has to hold the copies."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.catalogue.instances import Instance, instance_types
from replicas.endpoint.packing import Resources
from replicas.rules import hosts
from replicas.rules.demands import demands_of, most_instances, pool_types_of, specification_for
from replicas.rules.report import Finding, Unresolved
from replicas.rules.shortage import Question
from replicas.sizing import claims
from replicas.template.endpoints import Variant


def judge_pools(variant: Variant) -> Iterator[Finding | Unresolved]:
    """Every type of the pools has a specification of each component, holds a copy, and at best all of them."""
    for name in pool_types_of(variant):
        yield from _without_specification(variant, name)
        instance = instance_types().get(name)
        if instance is None:
            yield Unresolved(variant.config.logical_id, f"not judged: instance type {name} is not in the table")
            continue
        yield from _shortage(Question(variant, demands_of(variant, name), instance, most_instances(variant)))


def _without_specification(variant: Variant, instance_type: str) -> Iterator[Finding]:
    for component in variant.components:
        if not component.has_told_specifications or specification_for(component, instance_type):
            continue
        yield Finding(
            "pool-without-specification",
            component.logical_id,
            f"no specification for {instance_type}, which is in the instance pools of its variant",
            "no copy can be placed on such an instance, and it is paid for",
            f"an entry of Specifications with InstanceType={instance_type}, or the pool left out",
        )


def _shortage(question: Question) -> Iterator[Finding | Unresolved]:
    instance = question.instance
    room = hosts.hard(instance)
    if any(not room.holds(need) for need in question.needs):
        yield question.finding("over-committed", room, hosts.why_not_enough(instance), certain=True)
        return
    hard, careful = question.packing(room), question.packing(claims.host(instance))
    if hard.fits is False:
        yield _pool_too_small(question, room, instance)
    elif careful.fits is False:
        yield question.finding("over-claimed", claims.host(instance), hosts.why_careful(instance), certain=False)
    elif careful.fits is None:
        what = f"whether all copies fit {instance.name} alone is not judged: {careful.why}"
        yield Unresolved(question.variant.endpoint.logical_id, what)


def _pool_too_small(question: Question, room: Resources, instance: Instance) -> Finding:
    why = (
        f"where SageMaker gets {instance.name} alone some copies have no room: they fit only if it gets "
        "the larger types of the pools as well"
    )
    return question.finding("pool-too-small", room, why, certain=False)
