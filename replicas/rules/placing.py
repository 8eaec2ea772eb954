"""The exact placement of `replicas.endpoint.packing`, with bounds: other people's templates may ask for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from replicas.endpoint.packing import Counts, Resources, place

_MOST_STATES = 4096
"""Distinct remainders that the exact search is let loose on: below it, it ends within a second."""
_MOST_INSTANCES = 100
"""Instances that the exact search is let loose on."""
_MOST_ROWS = 5000
"""Instances that are filled one by one at all."""


@dataclass(frozen=True)
class Packing:
    """Whether copies fit (None: too many to tell), and where each lies."""

    fits: bool | None
    rows: Sequence[Counts] = ()


def pack(needs: Sequence[Resources], copies: Counts, room: Resources, instances: int) -> Packing:
    """The exact placement, with quick answers first: templates of others may ask for a million copies."""
    instances = min(instances, sum(copies))
    if not any(copies):
        return Packing(True)
    for need, count in zip(needs, copies, strict=True):
        if count > room.holds(need) * instances:
            return Packing(False)
    if not total_of([room], (instances,)).holds(total_of(needs, copies)):
        return Packing(False)
    rows = _first_fit(needs, copies, room, min(instances, _MOST_ROWS))
    if rows is None:
        if instances > _MOST_INSTANCES or prod(count + 1 for count in copies) > _MOST_STATES:
            return Packing(None)
        rows = place(needs, copies, room, instances)
    return Packing(False) if rows is None else Packing(True, rows)


def total_of(needs: Sequence[Resources], copies: Counts) -> Resources:
    """The sum of what copies need."""
    pairs = list(zip(needs, copies, strict=True))
    return Resources(
        sum(need.accelerators * count for need, count in pairs),
        sum((need.cpus * count for need, count in pairs), Fraction(0)),
        sum(need.memory_mib * count for need, count in pairs),
    )


def _first_fit(needs: Sequence[Resources], copies: Counts, room: Resources, instances: int) -> list[Counts] | None:
    """Each instance filled with the largest copies first: finds nearly every placement, disproves none."""
    largest_first = sorted(range(len(needs)), key=lambda index: (-needs[index].accelerators, -needs[index].memory_mib))
    waiting = list(copies)
    rows: list[Counts] = []
    while any(waiting) and len(rows) < instances:
        left, row = room, [0] * len(needs)
        for index in largest_first:
            row[index] = min(waiting[index], left.holds(needs[index]))
            waiting[index] -= row[index]
            left = left.less(needs[index], row[index])
        rows.append(tuple(row))
    return None if any(waiting) else rows


def most_copies(needs: Sequence[Resources], copies: Counts, index: int, room: Resources, instances: int) -> int:
    """The most copies of one component, below what is wanted, that fit beside the others; 0 where none do."""
    fitting, too_many = 0, copies[index]
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if pack(needs, (*copies[:index], middle, *copies[index + 1 :]), room, instances).fits:
            fitting = middle
        else:
            too_many = middle
    return fitting


def fewest_instances(needs: Sequence[Resources], copies: Counts, room: Resources) -> int | None:
    """The smallest number of instances that holds all; None where one copy is too large, or there are too many."""
    too_few, enough = 0, sum(copies)
    if not pack(needs, copies, room, enough).fits:
        return None
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if pack(needs, copies, room, middle).fits:
            enough = middle
        else:
            too_few = middle
    return enough
