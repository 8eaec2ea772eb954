"""The three answers to "do these copies fit?": a placement, a proof that none exists, or no answer and the reason.

The field `fits` (True, False, None) distinguishes the three classes, also for a type checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicas.endpoint.packing.resources import Counts

Runs = tuple[tuple[Counts, int], ...]
"""Pairs of (copies of each component on one instance, number of instances with exactly these copies)."""


@dataclass(frozen=True)
class Fits:
    """All copies fit."""

    runs: Runs
    """The placement, as pairs: the copies of each component on one instance, and the number of instances with exactly
    these copies. A million identical instances are one pair."""
    fits: Literal[True] = True

    @property
    def rows(self) -> list[Counts]:
        """Return the copies of each component on each instance."""
        return [row for row, instances in self.runs for _ in range(instances)]

    @property
    def instances_in_use(self) -> int:
        """Number of instances with at least one copy."""
        return sum(instances for row, instances in self.runs if any(row))


@dataclass(frozen=True)
class DoesNotFit:
    """No placement exists. This is proven."""

    fits: Literal[False] = False


@dataclass(frozen=True)
class NotJudged:
    """The search used up its budget before it found a placement or proved that none exists."""

    steps: int
    """Maximum number of steps of the search."""
    claims: int
    """Number of different reservations among the copies."""
    copies: int
    instances: int
    enough_instances: int
    """A number of instances on which all copies are proven to fit."""
    fits: None = None

    @property
    def why(self) -> str:
        """The reason as a clause that names the number of steps, copies and instances."""
        return (
            f"{self.steps:,} search steps neither placed {self.copies:,} copies with {self.claims} different "
            f"reservations on {self.instances:,} instances nor proved that they do not fit; "
            f"{self.enough_instances:,} instances are enough"
        )


Packing = Fits | DoesNotFit | NotJudged
