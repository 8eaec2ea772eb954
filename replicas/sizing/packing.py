"""Exact placement of copies on instances: the proof that all of them fit, or that no placement does.

Each copy lies whole on one instance, so the sum of what the copies need is no proof: 3 copies of 5
accelerators do not fit 2 instances of 8, although 15 is less than 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

Counts = tuple[int, ...]
"""Copies of each component, in the order of the components."""


@dataclass(frozen=True)
class Resources:
    """What a copy claims or an instance yields."""

    accelerators: int
    cpus: Fraction
    """Exact, for SageMaker takes quarters of a core and sums of floats drift."""
    memory_mib: int

    @staticmethod
    def of(accelerators: int, cpus: float, memory_mib: int) -> Resources:
        """From the numbers as a user writes them."""
        return Resources(accelerators, Fraction(cpus).limit_denominator(10_000), memory_mib)

    def holds(self, need: Resources) -> int:
        """How many copies of one need fit in these resources."""
        limits = [
            int(have / want)
            for have, want in (
                (Fraction(self.accelerators), Fraction(need.accelerators)),
                (self.cpus, need.cpus),
                (Fraction(self.memory_mib), Fraction(need.memory_mib)),
            )
            if want
        ]
        return min(limits, default=0)

    def less(self, need: Resources, copies: int) -> Resources:
        """What is left after some copies are placed."""
        return Resources(
            self.accelerators - copies * need.accelerators,
            self.cpus - copies * need.cpus,
            self.memory_mib - copies * need.memory_mib,
        )


def place(needs: Sequence[Resources], copies: Counts, instance: Resources, instances: int) -> list[Counts] | None:
    """A placement of all copies on equal instances, or None: then there is none.

    Complete search. Only instances filled to the brim are tried (a copy moved to an earlier instance that has
    room for it never hurts), components with the same needs are one kind, and what is left over is remembered,
    so the work is bounded by the number of distinct remainders, not by the number of orders.
    """
    kinds = list(dict.fromkeys(needs))
    demand = tuple(sum(count for need, count in zip(needs, copies, strict=True) if need == kind) for kind in kinds)

    @cache
    def rest(remaining: Counts, left: int) -> tuple[Counts, ...] | None:
        if not any(remaining):
            return ((0,) * len(remaining),) * left
        if left == 0:
            return None
        for filled in _full_instances(kinds, remaining, instance):
            tail = rest(tuple(have - used for have, used in zip(remaining, filled, strict=True)), left - 1)
            if tail is not None:
                return (filled, *tail)
        return None

    found = rest(demand, instances)
    return None if found is None else _deal(needs, copies, kinds, found)


def _deal(needs: Sequence[Resources], copies: Counts, kinds: list[Resources], found: Sequence[Counts]) -> list[Counts]:
    """The placement of kinds, given out to the components of each kind in their order."""
    waiting = list(copies)
    placement = []
    for slots_of_kind in found:
        slots = dict(zip(kinds, slots_of_kind, strict=True))
        row = []
        for index, need in enumerate(needs):
            taken = min(waiting[index], slots[need])
            waiting[index] -= taken
            slots[need] -= taken
            row.append(taken)
        placement.append(tuple(row))
    return placement


def fewest_instances(needs: Sequence[Resources], copies: Counts, instance: Resources) -> int | None:
    """The smallest number of instances that holds all copies; None where a copy does not fit an empty one."""
    if any(wanted and not instance.holds(need) for need, wanted in zip(needs, copies, strict=True)):
        return None
    return next(count for count in range(1, sum(copies) + 1) if place(needs, copies, instance, count) is not None)


def _full_instances(needs: Sequence[Resources], remaining: Counts, room: Resources) -> Iterator[Counts]:
    """Every way to fill one instance so that no further copy of `remaining` fits."""

    def fill(index: int, room: Resources) -> Iterator[Counts]:
        if index == len(needs):
            yield ()
            return
        for taken in range(min(remaining[index], room.holds(needs[index])), -1, -1):
            for others in fill(index + 1, room.less(needs[index], taken)):
                yield (taken, *others)

    for filled in fill(0, room):
        left = room
        for need, taken in zip(needs, filled, strict=True):
            left = left.less(need, taken)
        brimful = all(
            taken == wanted or not left.holds(need)
            for need, taken, wanted in zip(needs, filled, remaining, strict=True)
        )
        if brimful and any(filled):
            yield filled
