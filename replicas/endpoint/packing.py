"""Exact placement of copies on instances: the proof that all of them fit, or that no placement does.

Each copy lies whole on one instance, so the sum of what the copies need is no proof: 3 copies of 5
accelerators do not fit 2 instances of 8, although 15 is less than 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

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

    Complete search, depth first. Only instances filled to the brim are tried (a copy moved to an earlier instance
    that has room for it never hurts), components with the same needs are one kind, remainders whose sum does not fit
    what is left are given up at once, and a remainder that led nowhere is not tried again. So the work is bounded by
    the number of distinct remainders, not by the number of orders.
    """
    kinds = list(dict.fromkeys(needs))
    demand = tuple(sum(count for need, count in zip(needs, copies, strict=True) if need == kind) for kind in kinds)
    if _least_instances(kinds, demand, instance) > instances:
        return None
    empty = (0,) * len(kinds)
    tried: set[tuple[Counts, int]] = set()
    placed: list[Counts] = []
    ways = [_full_instances(kinds, demand, instance)]
    remaining = [demand]
    while ways:
        if remaining[-1] == empty:
            return _deal(needs, copies, kinds, placed + [empty] * (instances - len(placed)))
        filled = next(ways[-1], None) if len(placed) < instances else None
        if filled is None:
            ways.pop()
            remaining.pop()
            if placed:
                placed.pop()
            continue
        rest = tuple(have - used for have, used in zip(remaining[-1], filled, strict=True))
        left = instances - len(placed) - 1
        if (rest, left) in tried or _least_instances(kinds, rest, instance) > left:
            continue
        tried.add((rest, left))
        placed.append(filled)
        remaining.append(rest)
        ways.append(_full_instances(kinds, rest, instance))
    return None


def _least_instances(kinds: Sequence[Resources], copies: Counts, instance: Resources) -> int:
    """A number of instances below which there is no placement: by the sums, and by each kind alone."""
    pairs = [(kind, count) for kind, count in zip(kinds, copies, strict=True) if count]
    bounds = [0]
    for kind, count in pairs:
        alone = instance.holds(kind)
        bounds.append(-(-count // alone) if alone else count + 10**9)
    for have, want in (
        (instance.accelerators, sum(kind.accelerators * count for kind, count in pairs)),
        (instance.cpus, sum(kind.cpus * count for kind, count in pairs)),
        (instance.memory_mib, sum(kind.memory_mib * count for kind, count in pairs)),
    ):
        if have:
            bounds.append(ceil(Fraction(want) / have))
    return max(bounds)


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
    least = _least_instances(needs, copies, instance)
    return next(n for n in range(max(1, least), sum(copies) + 1) if place(needs, copies, instance, n) is not None)


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
