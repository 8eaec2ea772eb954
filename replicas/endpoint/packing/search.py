"""The exact search: fills one instance after the other until all copies are placed or all fillings are tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.endpoint.packing.budget import Budget
from replicas.endpoint.packing.patterns import Bound
from replicas.endpoint.packing.resources import Counts


def search(
    fillings: Sequence[Counts], demand: Counts, instances: int, bounds: Sequence[Bound], budget: Budget
) -> list[Counts] | None:
    """Return fillings of at most `instances` instances that hold the demand; None if no placement exists.

    The search is complete and depth first. All instances are equal, so the next instance may be the one that holds a
    copy of the first claim that is not yet placed. Only full fillings are tried: moving a copy to an earlier instance
    with room for it never makes a placement worse. The search skips a remaining demand that a bound rules out, or that
    already failed with the same number of instances or more.

    Raises:
        ExhaustedError: the budget is used up.

    """
    best = bounds[-1]
    with_claim = [
        sorted((filling for filling in fillings if filling[index]), key=best.value, reverse=True)
        for index in range(len(demand))
    ]
    failed: dict[Counts, int] = {}
    chosen: list[Counts] = []
    remaining = [demand]
    choices = [_choices(with_claim, demand, budget)]
    while any(remaining[-1]):
        left = instances - len(chosen) - 1
        filling = next(choices[-1], None) if left >= 0 else None
        if filling is None:
            choices.pop()
            rest = remaining.pop()
            failed[rest] = max(failed.get(rest, 0), left + 1)
            if not chosen:
                return None
            chosen.pop()
            continue
        rest = tuple(have - used for have, used in zip(remaining[-1], filling, strict=True))
        if left <= failed.get(rest, -1) or any(bound.value(rest) > bound.per_instance * left for bound in bounds):
            continue
        chosen.append(filling)
        remaining.append(rest)
        choices.append(_choices(with_claim, rest, budget))
    return chosen


def _choices(with_claim: Sequence[Sequence[Counts]], rest: Counts, budget: Budget) -> Iterator[Counts]:
    """Yield the fillings, cut to the remaining demand, that hold a copy of its first claim."""
    first = next((index for index, count in enumerate(rest) if count), None)
    seen = set()
    for filling in with_claim[first] if first is not None else ():
        budget.spend()
        cut = tuple(map(min, filling, rest))
        if cut not in seen:
            seen.add(cut)
            yield cut
