"""How many copies: as many as are asked for, or as fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Budget, Counts, NotJudged, Resources, place
from replicas.sizing import claims


@dataclass(frozen=True)
class Demand:
    """What one component asks to be placed."""

    need: Resources
    """Of each copy."""
    copies: int | None
    """None: as many as fit."""


@dataclass(frozen=True)
class Fit:
    """Copies of each component, and where each lies: nothing is placed where they do not fit, or are not judged."""

    copies: Counts
    placement: tuple[Counts, ...] = ()
    unjudged: NotJudged | None = None
    """Set where it is not judged how many copies fit."""


class _NotJudgedError(Exception):
    """Whether one more copy fits is not judged."""

    def __init__(self, packing: NotJudged) -> None:
        super().__init__(packing.why)
        self.packing = packing


def fit(demands: Sequence[Demand], instance: Instance, instances: int) -> Fit:
    """Place the copies that are asked for; then add copies of the others in turn, as long as one more fits."""
    host = claims.host(instance)
    needs = [demand.need for demand in demands]
    copies = tuple(1 if demand.copies is None else demand.copies for demand in demands)
    packing = place(needs, copies, host, instances)
    if not packing.fits:
        return Fit(copies)
    growing = [index for index, demand in enumerate(demands) if demand.copies is None]
    budget = Budget()

    def fits(copies: Counts) -> bool:
        nonlocal packing
        answer = place(needs, copies, host, instances, budget=budget)
        if isinstance(answer, NotJudged):
            raise _NotJudgedError(answer)
        packing = answer if answer.fits else packing
        return answer.fits

    try:
        while growing:
            copies = _grown(copies, growing, _most(copies, growing, fits))
            for index in list(growing):
                one_more = _grown(copies, [index], 1)
                if fits(one_more):
                    copies = one_more
                else:
                    growing.remove(index)
    except _NotJudgedError as unjudged:
        return Fit(copies, (), unjudged.packing)
    return Fit(copies, tuple(packing.rows))


def _most(copies: Counts, growing: Sequence[int], fits: Callable[[Counts], bool]) -> int:
    """How many copies each of the growing components can get at once: whole rounds of taking turns."""
    low, high = 0, 1
    while fits(_grown(copies, growing, high)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(_grown(copies, growing, middle)) else (low, middle)
    return low


def _grown(copies: Counts, growing: Sequence[int], more: int) -> Counts:
    return tuple(count + more * (index in growing) for index, count in enumerate(copies))
