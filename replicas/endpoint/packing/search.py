"""The exact search: instance after instance, until all copies are placed or no filling is left to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.endpoint.packing.budget import Budget
from replicas.endpoint.packing.patterns import Bound
from replicas.endpoint.packing.resources import Counts


def search(
    fillings: Sequence[Counts], demand: Counts, instances: int, bounds: Sequence[Bound], budget: Budget
) -> list[Counts] | None:
    """Fillings of at most so many instances that hold the demand, or None: no placement exists.

    Complete, depth first. Instances are alike, so the next instance may be the one with a copy of the first claim that
    still waits. Only full fillings are tried: a copy that moves to an earlier instance with room for it never hurts.
    Remainders that a bound rules out are left, and so is a remainder that failed with as many instances before.

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
    """The full fillings of what waits that have a copy of the first claim of it."""
    first = next((index for index, count in enumerate(rest) if count), None)
    seen = set()
    for filling in with_claim[first] if first is not None else ():
        budget.spend()
        cut = tuple(map(min, filling, rest))
        if cut not in seen:
            seen.add(cut)
            yield cut
