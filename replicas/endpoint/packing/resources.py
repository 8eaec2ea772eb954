"""Resources of a copy or an instance: accelerators, CPU cores and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Counts = tuple[int, ...]
"""Copies of each component, in the order of the components."""


@dataclass(frozen=True)
class Resources:
    """Resources that a copy claims or an instance provides."""

    accelerators: int
    cpus: Fraction
    """Cores, as an exact fraction: SageMaker accepts quarters of a core, and sums of floats drift."""
    memory_mib: int

    @staticmethod
    def of(accelerators: int, cpus: float, memory_mib: int) -> Resources:
        """Return resources from the numbers that a user writes."""
        return Resources(accelerators, Fraction(cpus).limit_denominator(10_000), memory_mib)

    def holds(self, need: Resources) -> int:
        """Return the number of copies of a claim that fit these resources."""
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
        """Return the resources that remain after copies of a claim are placed."""
        return Resources(
            self.accelerators - copies * need.accelerators,
            self.cpus - copies * need.cpus,
            self.memory_mib - copies * need.memory_mib,
        )


def total_of(needs: Sequence[Resources], copies: Counts) -> Resources:
    """Return the sum of the claims of all copies."""
    pairs = list(zip(needs, copies, strict=True))
    return Resources(
        sum(need.accelerators * count for need, count in pairs),
        sum((need.cpus * count for need, count in pairs), Fraction(0)),
        sum(need.memory_mib * count for need, count in pairs),
    )
