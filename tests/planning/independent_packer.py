"""A packer for tests, which shares no code with the product: a greedy placement, and Google's CP-SAT where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

Amount = tuple[Fraction, ...]
"""Accelerators, CPU cores and MiB, of one copy or of one instance."""


def packs(copies: Sequence[tuple[int, Sequence[Amount]]], rooms: Sequence[Amount]) -> bool:
    """Decide whether copies fit instances.

    Args:
        copies: for each component the number of copies, and the claim of one on each instance.
        rooms: the room of each instance.

    """
    return _greedy(copies, rooms) or _exact(copies, rooms)


def _greedy(copies: Sequence[tuple[int, Sequence[Amount]]], rooms: Sequence[Amount]) -> bool:
    """Put the largest copies first, each on the first instance that has room."""
    left = [list(room) for room in rooms]
    largest = sorted(
        copies, key=lambda kind: max(claim / room for claim, room in zip(kind[1][0], rooms[0], strict=True))
    )
    for count, claims in reversed(largest):
        for _ in range(count):
            for free, claim in zip(left, claims, strict=True):
                if all(have >= want for have, want in zip(free, claim, strict=True)):
                    free[:] = [have - want for have, want in zip(free, claim, strict=True)]
                    break
            else:
                return False
    return True


def _exact(copies: Sequence[tuple[int, Sequence[Amount]]], rooms: Sequence[Amount]) -> bool:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    placed = [
        [model.new_int_var(0, count, f"copies of {kind} on {at}") for at in range(len(rooms))]
        for kind, (count, _) in enumerate(copies)
    ]
    for row, (count, _) in zip(placed, copies, strict=True):
        model.add(sum(row) == count)
    for at, room in enumerate(rooms):
        for resource, have in enumerate(room):
            wants = [claims[at][resource] for _, claims in copies]
            scale = lcm(have.denominator, *(want.denominator for want in wants))
            model.add(
                sum(row[at] * int(want * scale) for row, want in zip(placed, wants, strict=True)) <= int(have * scale)
            )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    assert status in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.INFEASIBLE)
    return status != cp_model.INFEASIBLE
