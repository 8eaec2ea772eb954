"""Price against latency: the layouts than which none is both cheaper and faster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A layout as a place on the plot."""

    instance_type: str
    instances: int
    copies: int
    tensor_parallel: int
    quantization: str
    engine: str
    usd_per_hour: float
    latency_p90_seconds: float
    requests_per_second: float
    holds: bool
    """The objective."""


def frontier(spots: Iterable[Spot]) -> list[Spot]:
    """Those that no other one beats in both, the cheapest first; of equals one."""
    ordered = sorted(spots, key=lambda spot: (spot.usd_per_hour, spot.latency_p90_seconds, spot.instance_type))
    found: list[Spot] = []
    for spot in ordered:
        if not found or spot.latency_p90_seconds < found[-1].latency_p90_seconds:
            found.append(spot)
    return found
