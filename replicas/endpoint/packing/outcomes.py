"""The three answers to "do these copies fit?": a placement, a proof that there is none, or no answer, with the reason.

Each has `fits` (True, False, None), so that a type checker tells them apart by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicas.endpoint.packing.resources import Counts

Runs = tuple[tuple[Counts, int], ...]
"""Rows of copies per instance, each with the number of instances that have it."""


@dataclass(frozen=True)
class Fits:
    """All copies have a place."""

    runs: Runs
    """What instances hold: copies of each component, and how many instances hold just that. A million instances that
    are alike are one entry."""
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
    """The search ended before it found a placement or ruled out the last one."""

    steps: int
    """Steps that the search was given."""
    claims: int
    """Different claims among the copies."""
    copies: int
    instances: int
    enough_instances: int
    """A number of instances that is proven to hold all copies."""
    fits: None = None

    @property
    def why(self) -> str:
        """The reason, as the end of a sentence, with the number of instances that is judged."""
        return (
            f"{self.steps:,} search steps neither placed {self.copies:,} copies with {self.claims} different claims on "
            f"{self.instances:,} instances nor ruled a placement out; {self.enough_instances:,} instances hold them"
        )


Packing = Fits | DoesNotFit | NotJudged
