"""Checks whether copies fit any mix of the instance types of instance pools.

SageMaker tries the instance types in order until it has enough instances, so an endpoint can have a mix of types.

Two bounds decide nearly every case:

- Optimistic: each instance has the maximum of every resource over all types, and each copy its smallest reservation. If
  the copies do not fit, they fit no mix.
- Pessimistic: each copy takes its largest share of an instance over all types. If the copies fit, they fit every mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from replicas.endpoint.packing import Counts, DoesNotFit, NotJudged, Packing, Resources, fewest_instances, place
from replicas.rules import hosts
from replicas.rules.demands import Demand
from replicas.rules.shortage import Shortage
from replicas.sizing import claims

_Shares = tuple[Fraction, Fraction, Fraction]


def fits_no_mix(shortages: Sequence[Shortage]) -> bool:
    """Return True if it is proven that the copies fit no mix of the types.

    `shortages` has the copies' reservations on each type.
    """
    largest = _each(max, (hosts.hard(shortage.instance) for shortage in shortages))
    least = [_each(min, (demand.least_need for demand in column)) for column in _columns(shortages)]
    return place(least, _copies(shortages[0]), largest, shortages[0].instances).fits is False


def on_every_mix(shortages: Sequence[Shortage]) -> Packing:
    """Search for a placement that is valid for any mix of the types. Without such a placement, the copies may still fit
    some combinations of types.
    """
    needs, room = _largest_shares(shortages)
    return place(needs, _copies(shortages[0]), room, shortages[0].instances)


def enough_for_every_mix(shortages: Sequence[Shortage]) -> int | DoesNotFit | NotJudged:
    """Return a number of instances on which the copies fit for every mix of types."""
    needs, room = _largest_shares(shortages)
    return fewest_instances(needs, _copies(shortages[0]), room)


def _largest_shares(shortages: Sequence[Shortage]) -> tuple[list[Resources], Resources]:
    """Return each copy's largest share of an instance over all types, and the size of an instance, as integers.

    Copies whose shares add up to one instance or less fit an instance of any type.
    """
    rooms = [claims.host(shortage.instance) for shortage in shortages]
    shares = [
        [_share(demand.least_need, room) for demand, room in zip(column, rooms, strict=True)]
        for column in _columns(shortages)
    ]
    largest = [tuple(max(share[resource] for share in column) for resource in range(3)) for column in shares]
    whole = [lcm(*(share[resource].denominator for share in largest)) for resource in range(3)]
    needs = [Resources(int(share[0] * whole[0]), share[1] * whole[1], int(share[2] * whole[2])) for share in largest]
    return needs, Resources(whole[0], Fraction(whole[1]), whole[2])


def _share(need: Resources, room: Resources) -> _Shares:
    return (
        Fraction(need.accelerators, room.accelerators),
        need.cpus / room.cpus,
        Fraction(need.memory_mib, room.memory_mib),
    )


def _columns(shortages: Sequence[Shortage]) -> list[tuple[Demand, ...]]:
    """Return one tuple for each component: its demands on all instance types.

    The list contains every tuple twice: the second one is for the extra copies of a rolling update.
    """
    demands = [(*shortage.all_demands, *shortage.all_demands) for shortage in shortages]
    return list(zip(*demands, strict=True))


def _copies(shortage: Shortage) -> Counts:
    extra = dict(shortage.extra)
    return (
        *(demand.least_copies for demand in shortage.all_demands),
        *(extra.get(demand.component.subject, 0) for demand in shortage.all_demands),
    )


def _each(choose: Callable[..., Any], amounts: Iterable[Resources]) -> Resources:
    several = list(amounts)
    return Resources(
        choose(amount.accelerators for amount in several),
        choose(amount.cpus for amount in several),
        choose(amount.memory_mib for amount in several),
    )
