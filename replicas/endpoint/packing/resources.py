"""Resources of a copy or an instance: accelerators, CPU cores and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Counts = tuple[int, ...]
"""Number of copies of each component, in the order of the components."""


@dataclass(frozen=True)
class Resources:
    """Resources that a copy reserves or an instance provides."""

    accelerators: int
    cpus: Fraction
    """CPU cores as an exact fraction, because SageMaker accepts quarters of a core and sums of floats are inexact."""
    memory_mib: int

    @staticmethod
    def of(accelerators: int, cpus: float, memory_mib: int) -> Resources:
        """Return resources from the numbers that a user writes."""
        return Resources(accelerators, Fraction(cpus).limit_denominator(10_000), memory_mib)

    def holds(self, need: Resources) -> int:
        """Return how many copies that reserve `need` fit these resources."""
        limits = [
            int(have / want)
            for have, want in (
                (Fraction(self.accelerators), Fraction(need.accelerators)),
                (self.cpus, need.cpus),
                (Fraction(self.memory_mib), Fraction(need.memory_mib)),
            )
            if want
        ]
        return min(limits, default=0)

    def less(self, need: Resources, copies: int) -> Resources:
        """Return the resources that remain after `copies` that reserve `need` are placed."""
        return Resources(
            self.accelerators - copies * need.accelerators,
            self.cpus - copies * need.cpus,
            self.memory_mib - copies * need.memory_mib,
        )


def total_of(needs: Sequence[Resources], copies: Counts) -> Resources:
    """Return the sum of the reservations of all copies."""
    pairs = list(zip(needs, copies, strict=True))
    return Resources(
        sum(need.accelerators * count for need, count in pairs),
        sum((need.cpus * count for need, count in pairs), Fraction(0)),
        sum(need.memory_mib * count for need, count in pairs),
    )
