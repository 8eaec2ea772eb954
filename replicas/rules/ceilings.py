"""Rules about the scaling ceiling: whether the maximum number of copies fits the maximum number of instances."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from replicas.catalogue.instances import Instance
from replicas.endpoint.identity import whole
from replicas.endpoint.packing import NotJudged, Packing
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.endpoint.variants import Variant
from replicas.rules import hosts
from replicas.rules.capacity import shortage_on
from replicas.rules.declaration import rule
from replicas.rules.demands import Demand, types_of
from replicas.rules.finding import Case, Search, Unjudged
from replicas.rules.ranges import Range, ranges_of
from replicas.rules.shortage import MOST_CHANGED, Shortage
from replicas.sizing import claims

_NEVER = "the last copies never start, and their requests queue on the other copies"
_SHARED = "a component reaches its ceiling only while other components are below their ceilings"
_CEILING_FITS = "whether the ceiling of copies fits the instances"


@rule(
    "ceiling-over-committed",
    checks="The ceiling of copies does not fit the instances (warning if components share the capacity).",
    why="Application Auto Scaling still requests these copies: {outcome}",
    needs_proof=True,
)
def ceiling_over_committed(topology: Topology) -> Iterator[Case | Unjudged]:
    """The ceilings of all components must fit the instances.

    The finding is a problem if one component alone cannot reach its ceiling on the only instance type of the variant.
    If each component alone can reach its ceiling, the finding is a warning, because components may share capacity on
    purpose.
    """
    for variant in topology.variants:
        ranges = ranges_of(variant, topology)
        for scaled in ranges.values():
            if scaled.most is None:
                yield Unjudged(
                    subject=scaled.target.subject, question=_CEILING_FITS, quantity="ceiling", unknown=_why(scaled)
                )
        for instance in _judged_types(variant, ranges):
            yield from _over_committed(variant, ranges, instance)


@rule(
    "ceiling-over-claimed",
    severity="warning",
    checks="At the ceiling, copies reserve more CPU or memory than AWS is known to have accepted (warning).",
    why="{why}",
    source="data/claims.json",
    needs_proof=True,
)
def ceiling_over_claimed(topology: Topology) -> Iterator[Case]:
    """Copies at the ceiling must fit the conservative bound (`replicas.sizing.claims`), not only the whole host.

    If the initial copies already exceed the conservative bound, only the rule `over-claimed` reports it.
    """
    for variant in topology.variants:
        ranges = ranges_of(variant, topology)
        for instance in _judged_types(variant, ranges):
            together = at_ceiling(variant, ranges, instance, ranges)
            room = claims.host(instance)
            if (
                together.packing(hosts.hard(instance)).fits
                and together.packing(room).fits is False
                and shortage_on(variant, instance).packing(room).fits is not False
            ):
                numbers = {
                    "room": room,
                    "why": hosts.why_careful(instance),
                    "together": together,
                    "scheduled": _scheduled(ranges),
                }
                yield Case(subject=variant.endpoint, shortage=together, numbers=numbers)


def at_ceiling(variant: Variant, ranges: Mapping[str, Range], instance: Instance, raised: Collection[str]) -> Shortage:
    """Return the copies with the `raised` components at their ceilings and other scaled components at their floors."""
    start = shortage_on(variant, instance)
    return replace(
        start,
        all_demands=tuple(_at(demand, ranges, raised) for demand in start.all_demands),
        settings={**dict.fromkeys(ranges, "floor"), **dict.fromkeys(raised, "ceiling")},
    )


def _over_committed(variant: Variant, ranges: Mapping[str, Range], instance: Instance) -> Iterator[Case | Unjudged]:
    room = hosts.hard(instance)
    if shortage_on(variant, instance).packing(room).fits is False:
        return  # `over-committed` already reports the copies at the start
    together = at_ceiling(variant, ranges, instance, ranges)
    hard, careful = together.packing(room), together.packing(claims.host(instance))
    if hard.fits is not False:
        # Copies that exceed the conservative bound may still fit the whole host.
        answer = hard if careful.fits is False else careful
        yield from _unjudged(together, answer, "whether all copies fit at the ceiling")
        return
    lonely = {name: at_ceiling(variant, ranges, instance, [name]) for name in ranges}
    for name, alone in lonely.items():
        yield from _unjudged(alone, alone.packing(room), f"whether the ceiling of {name} fits")
    never = [name for name, alone in lonely.items() if alone.packing(room).fits is False]
    numbers = {"room": room, "together": together, "scheduled": _scheduled(ranges)}
    is_one_type = variant.instances.type_name is not None
    for position, name in enumerate(never):
        named = {**numbers, "raised": [name], "outcome": _NEVER}
        shortage = replace(lonely[name], finds_changes=position < MOST_CHANGED)
        yield Case(subject=variant.endpoint, shortage=shortage, numbers=named, certain=is_one_type)
    if not never:
        named = {**numbers, "raised": list(ranges), "outcome": _SHARED}
        yield Case(subject=variant.endpoint, shortage=together, numbers=named, certain=False)


def _unjudged(shortage: Shortage, answer: Packing, question: str) -> Iterator[Unjudged]:
    if isinstance(answer, NotJudged):
        yield Unjudged(
            subject=shortage.variant.endpoint,
            question=question,
            search=Search(placed="the ceiling", packing=answer, instance_type=shortage.instance.name),
        )


def _judged_types(variant: Variant, ranges: Mapping[str, Range]) -> list[Instance]:
    return types_of(variant.instances) if any(scaled.most for scaled in ranges.values()) else []


def _at(demand: Demand, ranges: Mapping[str, Range], raised: Collection[str]) -> Demand:
    name = demand.component.subject.name
    if name not in ranges:
        return demand
    bound = ranges[name].most if name in raised else ranges[name].fewest
    return demand if bound is None else replace(demand, copies=bound)


def _scheduled(ranges: Mapping[str, Range]) -> dict[str, tuple[str, int]]:
    """Return (schedule name, copies) of each component that a schedule scales above its ceiling."""
    return {
        name: (entry.name, scaled.most)
        for name, scaled in ranges.items()
        if scaled.most is not None and scaled.ceiling is not None and scaled.most > scaled.ceiling
        for entry in scaled.target.schedules
        if whole(entry.ceiling) == scaled.most
    }


def _why(scaled: Range) -> Unknown:
    """Return why the ceiling is unknown, and the template parameters that determine it."""
    target = scaled.target
    given = [target.ceiling, *(entry.ceiling for entry in target.schedules)]
    return next((value for value in given if isinstance(value, Unknown)), Unknown("it is not a whole number"))
