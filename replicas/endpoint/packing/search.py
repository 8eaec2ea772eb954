"""Exact search: chooses layouts for one instance after the other until all copies are placed or no choice is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.endpoint.packing.budget import Budget
from replicas.endpoint.packing.patterns import Bound
from replicas.endpoint.packing.resources import Counts


def search(
    layouts: Sequence[Counts], demand: Counts, instances: int, bounds: Sequence[Bound], budget: Budget
) -> list[Counts] | None:
    """Return layouts of at most `instances` instances that place all copies; None if no placement exists.

    The search is complete and depth-first. All instances are identical, so each step chooses the instance with a copy
    of the first reservation that is not fully placed. Only full layouts are tried, because moving a copy to an earlier
    instance with free capacity never makes a placement worse. The search skips a remaining demand that a bound rules
    out, or that failed before with the same number of instances or more.

    Raises:
        ExhaustedError: the budget is used up.

    """
    best = bounds[-1]
    with_claim = [
        sorted((layout for layout in layouts if layout[index]), key=best.value, reverse=True)
        for index in range(len(demand))
    ]
    failed: dict[Counts, int] = {}
    chosen: list[Counts] = []
    remaining = [demand]
    choices = [_choices(with_claim, demand, budget)]
    while any(remaining[-1]):
        left = instances - len(chosen) - 1
        layout = next(choices[-1], None) if left >= 0 else None
        if layout is None:
            choices.pop()
            rest = remaining.pop()
            failed[rest] = max(failed.get(rest, 0), left + 1)
            if not chosen:
                return None
            chosen.pop()
            continue
        rest = tuple(have - used for have, used in zip(remaining[-1], layout, strict=True))
        if left <= failed.get(rest, -1) or any(bound.value(rest) > bound.per_instance * left for bound in bounds):
            continue
        chosen.append(layout)
        remaining.append(rest)
        choices.append(_choices(with_claim, rest, budget))
    return chosen


def _choices(with_claim: Sequence[Sequence[Counts]], rest: Counts, budget: Budget) -> Iterator[Counts]:
    """Yield the layouts that contain the first reservation with remaining copies, each cut to the remaining copies."""
    first = next((index for index, count in enumerate(rest) if count), None)
    seen = set()
    for layout in with_claim[first] if first is not None else ():
        budget.spend()
        cut = tuple(map(min, layout, rest))
        if cut not in seen:
            seen.add(cut)
            yield cut
