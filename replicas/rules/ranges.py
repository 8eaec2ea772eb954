"""Computes the range of copies of a scaled component, including scheduled changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from replicas.endpoint.components import Component, ScalingTarget
from replicas.endpoint.identity import whole
from replicas.endpoint.topology import Topology
from replicas.endpoint.variants import Variant


@dataclass(frozen=True, kw_only=True)
class Range:
    """The range of copies of one component. A limit is None if it is unknown."""

    target: ScalingTarget
    floor: int | None
    ceiling: int | None
    fewest: int | None
    """The lowest floor at any time, including floors that scheduled actions set."""
    most: int | None
    """The highest ceiling at any time, including ceilings that scheduled actions set."""
    wakes_by_schedule: bool
    """True if a scheduled action raises the floor to 1 or more, or to an unknown number."""


def range_of(component: Component, topology: Topology) -> Range | None:
    """Return the range of a component; None if no scalable target certainly scales it."""
    target = topology.target_of(component)
    if target is None:
        return None
    floor, ceiling = whole(target.floor, least=0), whole(target.ceiling, least=0)
    floors = [whole(entry.floor, least=0) for entry in target.schedules if entry.floor is not None]
    ceilings = [whole(entry.ceiling, least=0) for entry in target.schedules if entry.ceiling is not None]
    return Range(
        target=target,
        floor=floor,
        ceiling=ceiling,
        fewest=_extreme(min, [floor, *floors]),
        most=_extreme(max, [ceiling, *ceilings]),
        wakes_by_schedule=any(least is None or least > 0 for least in floors),
    )


def ranges_of(variant: Variant, topology: Topology) -> Mapping[str, Range]:
    """Return the ranges of the scaled components of a variant, by component name."""
    ranges = {component.subject.name: range_of(component, topology) for component in variant.components}
    return {name: copies for name, copies in ranges.items() if copies}


def _extreme(choose: Callable[[list[int]], int], numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return choose(known) if len(known) == len(numbers) else None
