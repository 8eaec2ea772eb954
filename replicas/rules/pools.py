"""Rules about instance pools. SageMaker tries the instance types in order until it has enough instances."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.endpoint.variants import Variant
from replicas.rules import hosts, mixes
from replicas.rules.capacity import is_pooled, never_runs, shortage_on
from replicas.rules.ceilings import at_ceiling
from replicas.rules.declaration import rule
from replicas.rules.demands import types_of
from replicas.rules.finding import Case, Unjudged
from replicas.rules.ranges import ranges_of
from replicas.rules.rolls import with_batches
from replicas.rules.shortage import Shortage
from replicas.sizing import claims


@rule(
    "pool-too-small",
    severity="warning",
    checks="One instance type of the pools cannot hold all copies without the other types (warning).",
    why="if SageMaker gets only {instance_type}, some copies do not fit: all copies fit only with larger "
    "types of the pools",
    source="CreateEndpointConfig, InstancePools: SageMaker uses the first available type, by priority",
    needs_proof=True,
)
def pool_too_small(topology: Topology) -> Iterator[Case | Unjudged]:
    """Each instance type of the pools must hold all copies without the other types, and so must every mix of types."""
    for variant in topology.variants:
        for instance in types_of(variant.instances) if is_pooled(variant) and variant.components else ():
            shortage, room = shortage_on(variant, instance), hosts.hard(instance)
            if shortage.packing(room).fits is False and not never_runs(variant, instance):
                numbers = {"instance_type": instance.name}
                yield Case(subject=variant.endpoint, shortage=shortage, numbers={**numbers, "room": room})
        if is_pooled(variant) and variant.components:
            yield from _unjudged_mixes(variant, topology)


@rule(
    "pool-without-specification",
    checks="A component has no specification for a type of its instance pools.",
    why="no copy can be placed on instances of this type, which are paid for",
    source="CreateInferenceComponent, Specifications: one entry for each instance type",
    needs_proof=True,
)
def pool_without_specification(topology: Topology) -> Iterator[Case]:
    """A component must have a specification for each instance type of the pools."""
    for variant in topology.variants:
        for name in variant.instances.pools if is_pooled(variant) else ():
            for component in variant.components:
                if component.has_known_types and not component.specification_for(name):
                    yield Case(subject=component.subject, numbers={"instance_type": name})


def _unjudged_mixes(variant: Variant, topology: Topology) -> Iterator[Unjudged]:
    """Yield at most one question: whether copies that fit each instance type alone also fit every mix of the types.

    It is about the copies at the start or, if these fit every mix, about the copies at the ceiling.
    """
    types, ranges = types_of(variant.instances), ranges_of(variant, topology)
    start = [shortage_on(variant, instance).on(variant.instances.at_start) for instance in types]
    ceiling = [with_batches(at_ceiling(variant, ranges, instance, ranges)) for instance in types]
    for level, shortages in (("at the start", start), ("at the ceiling", ceiling)):
        if len(types) < 2 or not all(shortage.packing(claims.host(shortage.instance)).fits for shortage in shortages):
            return  # other rules report this instance type
        if not mixes.on_every_mix(shortages).fits:
            yield Unjudged(
                subject=variant.endpoint,
                question=f"whether all copies fit every mix of the pools {level}",
                unknown=Unknown(_why(shortages)),
            )
            return


def _why(shortages: list[Shortage]) -> str:
    types = ", ".join(shortage.instance.name for shortage in shortages)
    enough = mixes.enough_for_every_mix(shortages)
    more = f"; with {enough} instances, the copies fit any mix of these types" if isinstance(enough, int) else ""
    return f"the copies fit if all instances have the same type ({types}), but no single placement fits all types{more}"
