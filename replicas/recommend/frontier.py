"""Frontier of price and latency: the layouts for which no other layout is both cheaper and faster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A layout as a point of the plot."""

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
    """True if the layout meets the objective."""


def frontier(spots: Iterable[Spot]) -> list[Spot]:
    """Return the layouts that no other layout beats in price and latency, cheapest first.

    Of layouts with the same price and the same latency, one is returned.
    """
    ordered = sorted(spots, key=lambda spot: (spot.usd_per_hour, spot.latency_p90_seconds, spot.instance_type))
    undominated: list[Spot] = []
    for spot in ordered:
        if not undominated or spot.latency_p90_seconds < undominated[-1].latency_p90_seconds:
            undominated.append(spot)
    return undominated
