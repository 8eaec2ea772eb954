"""Linear relaxation of the packing problem: the minimum number of instances if fractions of layouts were allowed.

It solves the cutting-stock program of Gilmore and Gomory (1961) over the layouts of one instance, with the revised
simplex method in exact fractions. The dual prices serve as the weights of a lower bound (`Bound`). Any weights of at
least 0 give a valid bound, so its proof does not depend on the solver. The solution, rounded down, places nearly all
copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from replicas.endpoint.packing.budget import Budget
from replicas.endpoint.packing.outcomes import Runs
from replicas.endpoint.packing.patterns import Bound
from replicas.endpoint.packing.resources import Counts

_PIVOTS_PER_CLAIM = 50
"""Maximum number of simplex pivots per reservation. Usually a few are enough. If the pivots cycle, the current prices
are used after this number."""


@dataclass(frozen=True)
class Relaxation:
    """The best lower bound, and the fractional solution rounded down to whole instances."""

    bound: Bound
    whole: Runs


def relax(layouts: Sequence[Counts], demand: Counts, budget: Budget) -> Relaxation:
    """Solve the linear relaxation of the packing problem.

    Each demand must be at least 1, and each reservation must occur in at least one layout.

    Raises:
        ExhaustedError: the budget does not allow all the pivots.

    """
    size = len(demand)
    columns: list[Counts] = [
        max(layouts, key=lambda layout, index=index: layout[index])  # type: ignore[misc]
        for index in range(size)
    ]
    # In the initial solution, each reservation has separate instances, with the layout that contains most of its
    # copies.
    columns = [
        tuple(column[index] if other == index else 0 for other in range(size)) for index, column in enumerate(columns)
    ]
    costs = [Fraction(1)] * size
    inverse = [[Fraction(int(row == column), columns[row][row]) for column in range(size)] for row in range(size)]
    amounts = [Fraction(demand[index], columns[index][index]) for index in range(size)]
    prices: list[Fraction] = []
    for _ in range(_PIVOTS_PER_CLAIM * size):
        budget.spend(len(layouts) + size * size)
        prices = [
            sum((costs[row] * inverse[row][column] for row in range(size)), Fraction(0)) for column in range(size)
        ]
        entering, cost = _entering(layouts, prices)
        if entering is None:
            break
        direction = [sum(inverse[row][k] * entering[k] for k in range(size) if entering[k]) for row in range(size)]
        leaving = min(
            (row for row in range(size) if direction[row] > 0),
            key=lambda row: (amounts[row] / direction[row], columns[row]),
        )
        pivot = direction[leaving]
        inverse[leaving] = [value / pivot for value in inverse[leaving]]
        amounts[leaving] /= pivot
        for row in range(size):
            if row != leaving and direction[row]:
                factor = direction[row]
                inverse[row] = [
                    value - factor * other for value, other in zip(inverse[row], inverse[leaving], strict=True)
                ]
                amounts[row] -= factor * amounts[leaving]
        columns[leaving], costs[leaving] = entering, cost
    bound = _bound(layouts, [max(price, Fraction(0)) for price in prices])
    return Relaxation(bound, _whole(columns, costs, amounts, demand))


def _entering(layouts: Sequence[Counts], prices: Sequence[Fraction]) -> tuple[Counts | None, Fraction]:
    """Return a column that reduces the total cost, and the cost of this column; None in place of the column if there is
    no such column.

    The column is a layout whose copies are worth more than 1 instance, or a surplus of copies, which costs nothing.
    """
    for index, price in enumerate(prices):
        if price < 0:
            return tuple(-int(index == other) for other in range(len(prices))), Fraction(0)
    weights, scale = _whole_numbers(prices)
    best = max(layouts, key=lambda layout: _value(weights, layout))
    return (best, Fraction(1)) if _value(weights, best) > scale else (None, Fraction(1))


def _bound(layouts: Sequence[Counts], prices: Sequence[Fraction]) -> Bound:
    weights, _ = _whole_numbers(prices)
    return Bound(weights, max(_value(weights, layout) for layout in layouts))


def _whole(columns: Sequence[Counts], costs: Sequence[Fraction], amounts: Sequence[Fraction], demand: Counts) -> Runs:
    """Return the whole instances of a solution. No reservation gets more copies than its demand."""
    waiting = list(demand)
    runs = []
    for column, cost, amount in zip(columns, costs, amounts, strict=True):
        times = min([int(amount), *(have // used for have, used in zip(waiting, column, strict=True) if used > 0)])
        if cost and times:
            waiting = [have - used * times for have, used in zip(waiting, column, strict=True)]
            runs.append((column, times))
    return tuple(runs)


def _whole_numbers(prices: Sequence[Fraction]) -> tuple[Counts, int]:
    scale = lcm(*(price.denominator for price in prices))
    return tuple(int(price * scale) for price in prices), scale


def _value(weights: Counts, counts: Counts) -> int:
    return sum(weight * count for weight, count in zip(weights, counts, strict=True))
