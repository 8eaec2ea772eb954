"""Answers one packing question: groups identical reservations, converts them to integers, applies bounds, searches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from math import lcm

from replicas.endpoint.packing import patterns, relaxation
from replicas.endpoint.packing.budget import Budget, ExhaustedError
from replicas.endpoint.packing.outcomes import DoesNotFit, Fits, NotJudged, Packing, Runs
from replicas.endpoint.packing.patterns import Bound, Vector
from replicas.endpoint.packing.resources import Counts, Resources
from replicas.endpoint.packing.search import search


class Packer:
    """A packing question: copies to place on identical instances.

    A negative reservation counts as 0. A copy without reservations fits any instance.
    """

    def __init__(self, needs: Sequence[Resources], copies: Counts, instance: Resources, budget: Budget) -> None:
        scale = lcm(instance.cpus.denominator, *(need.cpus.denominator for need in needs))
        self._copies, self._budget = copies, budget
        self._room = _vector(instance, scale)
        self._claim_of = [_vector(need, scale) for need in needs]
        waiting: Counter[Vector] = Counter()
        for claim, count in zip(self._claim_of, copies, strict=True):
            if count and any(claim):
                waiting[claim] += count
        self._claims = list(waiting)
        self._demand = tuple(waiting.values())

    @property
    def is_too_large(self) -> bool:
        """True if a copy does not fit an empty instance."""
        return any(not patterns.copies_in(claim, self._room) for claim in self._claims)

    @cached_property
    def least_instances(self) -> int:
        """Return a lower bound of the number of instances.

        It is the highest of the lower bounds that follow from the total of each resource, and from how many copies of
        each reservation fit one instance.
        """
        together = [bound.least_instances(self._demand) for bound in patterns.sum_bounds(self._claims, self._room)]
        alone = [
            -(-count // patterns.copies_in(claim, self._room))
            for claim, count in zip(self._claims, self._demand, strict=True)
        ]
        return max([int(any(self._copies)), *together, *alone])

    @property
    def enough_instances(self) -> int:
        """Return the number of instances of a greedy placement of all copies. It is nearly always the minimum."""
        return max(int(any(self._copies)), _length(self._greedy))

    def place(self, instances: int) -> Packing:
        """Decide whether all copies fit on this number of instances."""
        if self.is_too_large or self.least_instances > instances:
            return DoesNotFit()
        in_order = patterns.first_fit(self._claims, self._demand, self._room, range(len(self._claims)))
        if _length(in_order) <= instances:
            return self._fits(in_order, instances)
        if self.enough_instances <= instances:
            return self._fits(self._greedy, instances)
        try:
            return self._searched(instances)
        except ExhaustedError:
            return self._not_judged(instances)

    def fewest_instances(self) -> int | DoesNotFit | NotJudged:
        """Return the smallest number of instances that holds all copies."""
        if self.is_too_large:
            return DoesNotFit()
        least, enough = self.least_instances, self.enough_instances
        if least < enough:
            try:
                least = max(bound.least_instances(self._demand) for bound in self._bounds)
                enough = min(enough, _length(self._rounded))
            except ExhaustedError:
                return self._not_judged(least)
        for instances in range(least, enough):
            answer = self.place(instances)
            if isinstance(answer, NotJudged):
                return answer
            if answer.fits:
                return instances
        return enough

    def _not_judged(self, instances: int) -> NotJudged:
        return NotJudged(
            steps=self._budget.steps,
            claims=len(self._claims),
            copies=sum(self._copies),
            instances=instances,
            enough_instances=self.enough_instances,
        )

    def _searched(self, instances: int) -> Packing:
        if max(bound.least_instances(self._demand) for bound in self._bounds) > instances:
            return DoesNotFit()
        if _length(self._rounded) <= instances:
            return self._fits(self._rounded, instances)
        rows = search(self._layouts, self._demand, instances, self._bounds, self._budget)
        return DoesNotFit() if rows is None else self._fits(tuple((row, 1) for row in rows), instances)

    @cached_property
    def _greedy(self) -> Runs:
        return self._shortest(self._demand)

    def _shortest(self, demand: Counts) -> Runs:
        """Return the greedy placement with the fewest instances."""
        orders = patterns.orders(self._claims, self._room)
        return min((patterns.first_fit(self._claims, demand, self._room, order) for order in orders), key=_length)

    @cached_property
    def _layouts(self) -> list[Counts]:
        return patterns.patterns(self._claims, self._demand, self._room, self._budget)

    @cached_property
    def _relaxation(self) -> relaxation.Relaxation:
        return relaxation.relax(self._layouts, self._demand, self._budget)

    @cached_property
    def _rounded(self) -> Runs:
        """Return the whole instances of the relaxation plus a greedy placement of the remaining copies."""
        whole = self._relaxation.whole
        return (*whole, *self._shortest(_less(self._demand, whole)))

    @cached_property
    def _bounds(self) -> list[Bound]:
        """Return all lower bounds, tightened by the layouts.

        The last bound, which comes from the relaxation, is the strongest.
        """
        loose = patterns.resource_bounds(self._claims, self._room)
        tight = [Bound(bound.weights, max(map(bound.value, self._layouts))) for bound in loose]
        return [*tight, self._relaxation.bound]

    def _fits(self, runs: Runs, instances: int) -> Fits:
        """Convert a placement of grouped reservations to a placement of components, in the order of the components."""
        waiting = list(self._copies)
        dealt: list[tuple[Counts, int]] = []
        spare = instances - _length(runs)
        runs = (*runs, ((0,) * len(self._claims), spare)) if spare else runs
        for slots_of_claim, times in runs:
            while times:
                slots = dict(zip(self._claims, slots_of_claim, strict=True))
                row = []
                for claim, count in zip(self._claim_of, waiting, strict=True):
                    row.append(min(count, slots.get(claim, 0)) if any(claim) else count)
                    slots[claim] = slots.get(claim, 0) - row[-1]
                alike = min([times, *(have // used for have, used in zip(waiting, row, strict=True) if used)])
                waiting = [have - used * alike for have, used in zip(waiting, row, strict=True)]
                dealt.append((tuple(row), alike))
                times -= alike
        return Fits(tuple(dealt))


def _vector(amounts: Resources, scale: int) -> Vector:
    return (
        max(0, amounts.accelerators),
        max(0, int(amounts.cpus * scale)),
        max(0, amounts.memory_mib),
    )


def _length(runs: Runs) -> int:
    return sum(times for _, times in runs)


def _less(demand: Counts, runs: Runs) -> Counts:
    left = demand
    for row, times in runs:
        left = tuple(have - used * times for have, used in zip(left, row, strict=True))
    return left
