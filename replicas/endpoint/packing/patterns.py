"""Computes layouts of one instance, greedy placements, and lower bounds of the number of instances.

A layout is the number of copies of each reservation on one instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replicas.endpoint.packing.budget import Budget
from replicas.endpoint.packing.outcomes import Runs
from replicas.endpoint.packing.resources import Counts

Vector = tuple[int, int, int]
"""Accelerators, CPU and memory, as integers (CPU in fractions of a core)."""


@dataclass(frozen=True)
class Bound:
    """A lower bound of the number of instances: each copy has a weight, and an instance holds at most the
    weight `per_instance`.

    Each resource gives a bound: the weight of a copy is the amount it reserves, and `per_instance` is the amount on an
    instance. The linear relaxation gives the strongest bound.
    """

    weights: Counts
    per_instance: int

    def least_instances(self, demand: Counts) -> int:
        """Return the lower bound: total weight / `per_instance`, rounded up."""
        return -(-self.value(demand) // self.per_instance)

    def value(self, counts: Counts) -> int:
        """Return the total weight of copies."""
        return sum(weight * count for weight, count in zip(self.weights, counts, strict=True))


def sum_bounds(claims: Sequence[Vector], room: Vector) -> list[Bound]:
    """Return one lower bound of the number of instances for each resource, from the total amount that copies reserve.

    At least one copy of every reservation must fit an empty instance.
    """
    return [
        Bound(tuple(claim[index] for claim in claims), have)
        for index, have in enumerate(room)
        if any(claim[index] for claim in claims)
    ]


def resource_bounds(claims: Sequence[Vector], room: Vector) -> list[Bound]:
    """Return lower bounds of the number of instances: one for each resource, from the total amount that the copies
    reserve, and one for each reservation, from how many of its copies fit an empty instance.

    At least one copy of every reservation must fit an empty instance.
    """
    single = [
        Bound(tuple(int(index == other) for other in range(len(claims))), copies_in(claim, room))
        for index, claim in enumerate(claims)
    ]
    return sum_bounds(claims, room) + single


def copies_in(claim: Vector, room: Vector) -> int:
    """Return how many copies of a reservation fit the free resources `room`. The reservation must not be empty."""
    return min([have // want for want, have in zip(claim, room, strict=True) if want])


def without(room: Vector, claim: Vector, copies: int) -> Vector:
    """Return the free resources that remain after `copies` of a reservation are placed."""
    return room[0] - claim[0] * copies, room[1] - claim[1] * copies, room[2] - claim[2] * copies


def first_fit(claims: Sequence[Vector], demand: Counts, room: Vector, order: Sequence[int]) -> Runs:
    """Place the copies greedily, one instance after the other. `order` has the indexes of the reservations.

    The placement nearly always has the fewest instances. The running time depends on the number of reservations, not on
    the number of copies: each layout is used for as many instances as the demand allows.
    """
    waiting = list(demand)
    runs = []
    while any(waiting):
        left, row = room, [0] * len(claims)
        for index in order:
            if waiting[index]:
                row[index] = min(waiting[index], copies_in(claims[index], left))
                left = without(left, claims[index], row[index])
        times = min(have // used for have, used in zip(waiting, row, strict=True) if used)
        waiting = [have - used * times for have, used in zip(waiting, row, strict=True)]
        runs.append((tuple(row), times))
    return tuple(runs)


def orders(claims: Sequence[Vector], room: Vector) -> list[list[int]]:
    """Return orders for `first_fit`: the given order, and descending orders by each reserved resource and by the
    largest share of an instance that a copy reserves.
    """
    indices = range(len(claims))
    keys = [[-claim[resource] for claim in claims] for resource in range(len(room))]
    keys.append(
        [-max(10**6 * want // have for want, have in zip(claim, room, strict=True) if have) for claim in claims]
    )
    return [list(indices), *(sorted(indices, key=lambda index, key=key: key[index]) for key in keys)]  # type: ignore[misc]


def patterns(claims: Sequence[Vector], demand: Counts, room: Vector, budget: Budget) -> list[Counts]:
    """Return all layouts of one instance to which no further copy of the demand can be added.

    Raises:
        ExhaustedError: there are more layouts than the budget allows.

    """
    row: list[int] = []
    rooms = [room]
    layouts = []
    while True:
        while len(row) < len(claims):
            budget.spend()
            claim = claims[len(row)]
            row.append(min(demand[len(row)], copies_in(claim, rooms[-1])))
            rooms.append(without(rooms[-1], claim, row[-1]))
        budget.spend()
        if _is_full(claims, demand, rooms[-1], row):
            layouts.append(tuple(row))
        row.pop()  # the last reservation always has as many copies as fit
        rooms.pop()
        while row and not row[-1]:
            row.pop()
            rooms.pop()
        if not row:
            return layouts
        row[-1] -= 1
        rooms[-1] = without(rooms[-2], claims[len(row) - 1], row[-1])


def _is_full(claims: Sequence[Vector], demand: Counts, left: Vector, row: Sequence[int]) -> bool:
    return all(
        copies == most or not copies_in(claim, left) for claim, copies, most in zip(claims, row, demand, strict=True)
    )
