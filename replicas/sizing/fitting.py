"""Computes the number of copies of each component: the requested number, or as many copies as fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Budget, Counts, NotJudged, Resources, place
from replicas.sizing import claims


@dataclass(frozen=True)
class Demand:
    """The requested copies of one component."""

    need: Resources
    """Resources of one copy."""
    copies: int | None
    """Requested number of copies; None for as many copies as fit."""
    least: int = 1
    """Smallest number of copies if `copies` is None."""


@dataclass(frozen=True)
class Fit:
    """Number of copies and placement of each component.

    The placement is empty if the copies do not fit, or if the search ended without a result.
    """

    copies: Counts
    placement: tuple[Counts, ...] = ()
    unjudged: NotJudged | None = None
    """Result of a search that exhausted its budget before it knew how many copies fit; None otherwise."""


class _NotJudgedError(Exception):
    """The search exhausted its budget before it knew whether one more copy fits."""

    def __init__(self, packing: NotJudged) -> None:
        super().__init__(packing.why)
        self.packing = packing


def fit(demands: Sequence[Demand], instance: Instance, instances: int) -> Fit:
    """Place the requested copies and the minimum of the other components, then add copies of the latter in turn.

    Copies are added as long as one more fits. A component with a minimum gets more copies only after the other growing
    components have reached the same number.
    """
    host = claims.host(instance)
    needs = [demand.need for demand in demands]
    levels: Counts = (1,) * len(demands)
    packing = place(needs, _copies(demands, levels), host, instances)
    if not packing.fits:
        return Fit(_copies(demands, levels))
    growing = [index for index, demand in enumerate(demands) if demand.copies is None]
    budget = Budget()

    def fits(levels: Counts) -> bool:
        nonlocal packing
        answer = place(needs, _copies(demands, levels), host, instances, budget=budget)
        if isinstance(answer, NotJudged):
            raise _NotJudgedError(answer)
        packing = answer if answer.fits else packing
        return answer.fits

    try:
        while growing:
            levels = _grown(levels, growing, _most(levels, growing, fits))
            for index in list(growing):
                one_more = _grown(levels, [index], 1)
                if fits(one_more):
                    levels = one_more
                else:
                    growing.remove(index)
    except _NotJudgedError as unjudged:
        return Fit(_copies(demands, levels), (), unjudged.packing)
    return Fit(_copies(demands, levels), tuple(packing.rows))


def _copies(demands: Sequence[Demand], levels: Counts) -> Counts:
    """Return the copies of each component: the requested number or, if none is requested, the number in `levels`, but
    at least the minimum of the component.
    """
    return tuple(
        max(level, demand.least) if demand.copies is None else demand.copies
        for demand, level in zip(demands, levels, strict=True)
    )


def _most(levels: Counts, growing: Sequence[int], fits: Callable[[Counts], bool]) -> int:
    """Return the largest number of copies by which all components in `growing` can grow together."""
    low, high = 0, 1
    while fits(_grown(levels, growing, high)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(_grown(levels, growing, middle)) else (low, middle)
    return low


def _grown(levels: Counts, growing: Sequence[int], more: int) -> Counts:
    return tuple(level + more * (index in growing) for index, level in enumerate(levels))
