"""Exact placement of copies on identical instances: a placement, a proof that none exists, or "not judged".

A copy cannot be split over instances, so the sum of the reservations proves nothing: 3 copies of 5 accelerators do not
fit 2 instances of 8, although 15 is less than 16.

Every question has a budget of counted steps, about a second of work. No clock is used, so the answer is the same on
every machine. Lower bounds and greedy placements answer nearly every question of realistic size, and their work does
not grow with the number of copies. An exact search within the budget answers the remaining questions.
"""

from __future__ import annotations

from collections.abc import Sequence

from replicas.endpoint.packing.budget import STEPS, Budget
from replicas.endpoint.packing.outcomes import DoesNotFit, Fits, NotJudged, Packing
from replicas.endpoint.packing.packer import Packer
from replicas.endpoint.packing.resources import Counts, Resources, total_of

__all__ = [
    "STEPS",
    "Budget",
    "Counts",
    "DoesNotFit",
    "Fits",
    "NotJudged",
    "Packing",
    "Resources",
    "fewest_instances",
    "most_copies",
    "place",
    "total_of",
]


def place(
    needs: Sequence[Resources], copies: Counts, instance: Resources, instances: int, *, budget: Budget | None = None
) -> Packing:
    """Decide whether all copies fit a number of identical instances, and return a placement if they do.

    Args:
        needs: resources that one copy of each component reserves.
        copies: copies of each component.
        instance: resources of one instance.
        instances: number of instances.
        budget: step limit that several searches share. Default: a new budget for this search.

    """
    return Packer(needs, copies, instance, budget or Budget()).place(instances)


def most_copies(
    needs: Sequence[Resources],
    copies: Counts,
    index: int,
    instance: Resources,
    instances: int,
    *,
    budget: Budget | None = None,
) -> int | DoesNotFit | NotJudged:
    """Return how many copies of one component fit together with all copies of the other components, at most
    `copies[index]`.

    Return `DoesNotFit` if the copies of the other components do not fit even without this component, and `NotJudged`
    if the budget is used up. The arguments are the same as for `place`; `index` is the index of the component.
    """
    budget = budget or Budget()

    def packing(count: int) -> Packing:
        return place(needs, (*copies[:index], count, *copies[index + 1 :]), instance, instances, budget=budget)

    fitting, too_many = -1, copies[index] + 1
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        answer = packing(middle)
        if isinstance(answer, NotJudged):
            return answer
        fitting, too_many = (middle, too_many) if answer.fits else (fitting, middle)
    return DoesNotFit() if fitting < 0 else fitting


def fewest_instances(
    needs: Sequence[Resources], copies: Counts, instance: Resources, *, budget: Budget | None = None
) -> int | DoesNotFit | NotJudged:
    """Return the smallest number of instances that holds all copies; 0 without copies.

    Return `DoesNotFit` if a copy does not fit an empty instance, and `NotJudged` if the budget is used up. The
    arguments are the same as for `place`.
    """
    return Packer(needs, copies, instance, budget or Budget()).fewest_instances()
