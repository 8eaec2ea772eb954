"""The three answers to "do these copies fit?": a placement, a proof that none exists, or no answer with the reason.

The field `fits` (True, False, None) tells the three classes apart, also for a type checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicas.endpoint.packing.resources import Counts

Runs = tuple[tuple[Counts, int], ...]
"""Pairs of copies per component on one instance, and the number of instances with exactly these copies."""


@dataclass(frozen=True)
class Fits:
    """All copies fit."""

    runs: Runs
    """The placement: copies of each component on an instance, and the number of instances with exactly these copies. A
    million identical instances are one entry."""
    fits: Literal[True] = True

    @property
    def rows(self) -> list[Counts]:
        """Copies of each component on each instance, in the order of the instances."""
        return [row for row, instances in self.runs for _ in range(instances)]

    @property
    def instances_in_use(self) -> int:
        """Instances with at least one copy."""
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
    """Number of different claims among the copies."""
    copies: int
    instances: int
    enough_instances: int
    """A number of instances that is proven to hold all copies."""
    fits: None = None

    @property
    def why(self) -> str:
        """The reason, as the end of a sentence, with the number of instances."""
        return (
            f"{self.steps:,} search steps neither placed {self.copies:,} copies with {self.claims} different claims on "
            f"{self.instances:,} instances nor ruled a placement out; {self.enough_instances:,} instances hold them"
        )


Packing = Fits | DoesNotFit | NotJudged
