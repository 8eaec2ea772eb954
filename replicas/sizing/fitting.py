"""Computes the number of copies of each component: the requested number, or as many as fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Budget, Counts, NotJudged, Resources, place
from replicas.sizing import claims


@dataclass(frozen=True)
class Demand:
    """The copies of one component that are to be placed."""

    need: Resources
    """Resources of one copy."""
    copies: int | None
    """Requested number of copies; None for as many as fit."""


@dataclass(frozen=True)
class Fit:
    """Number of copies and placement of each component. The placement is empty if they do not fit or the search gave
    up.
    """

    copies: Counts
    placement: tuple[Counts, ...] = ()
    unjudged: NotJudged | None = None
    """Result of a search that ended before it found out how many copies fit; None otherwise."""


class _NotJudgedError(Exception):
    """The search ended before it found out whether one more copy fits."""

    def __init__(self, packing: NotJudged) -> None:
        super().__init__(packing.why)
        self.packing = packing


def fit(demands: Sequence[Demand], instance: Instance, instances: int) -> Fit:
    """Place the requested copies; then add copies of the other components in turn, as long as one more fits."""
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
    """Return the largest number of copies that can be added to every growing component at once."""
    low, high = 0, 1
    while fits(_grown(copies, growing, high)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(_grown(copies, growing, middle)) else (low, middle)
    return low


def _grown(copies: Counts, growing: Sequence[int], more: int) -> Counts:
    return tuple(count + more * (index in growing) for index, count in enumerate(copies))
