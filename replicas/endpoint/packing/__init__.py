"""Exact placement of copies on equal instances: a placement, a proof that none exists, or "not judged".

Each copy lies whole on one instance, so the sum of the claims is no proof: 3 copies of 5 accelerators do not fit 2
instances of 8, although 15 is less than 16.

Every question has a budget of counted steps, about a second of work, and never a clock: an answer does not depend on
the machine. Bounds and greedy placements come first and answer practically every question of real size; their work does
not grow with the number of copies. What is left is searched exactly, within the budget.
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
    """Whether all copies fit so many equal instances, and where each copy lies.

    Args:
        needs: what a copy of each component claims.
        copies: copies of each component.
        instance: what one instance yields.
        instances: how many there are.
        budget: steps that are shared with other searches for the same answer. Default: a budget of its own.

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
    """The most copies of one component, up to those it has, that fit together with all copies of the others.

    `DoesNotFit` where the others alone do not fit. The arguments are those of `place`; `index` is the component's.
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
    """The smallest number of instances that holds all copies; 0 without copies.

    `DoesNotFit` where an empty instance does not hold a copy. The arguments are those of `place`.
    """
    return Packer(needs, copies, instance, budget or Budget()).fewest_instances()
