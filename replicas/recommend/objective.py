"""The objective of a layout, and by how much a layout misses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from replicas.forecast import Load, Point
from replicas.units import rate_text

SERVICE_SECONDS = 60.0
"""Default objective of the latency: SageMaker ends an answer that is not streamed after 60 s (InvokeEndpoint,
documentation)."""
MOST_OF_CAPACITY = 0.95
"""Maximum arrival rate as a share of the capacity of the copies. Above it queues grow that a short simulation does not
show."""


class Shortfall(NamedTuple):
    """One condition of an objective that a layout misses."""

    what: str
    """The condition: `latency p90`, `TTFT p90`, `rate`, `refusals` or `price`."""
    sentence: str
    ratio: float
    """Actual value relative to the limit: 1.2 misses it by 20 %."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Conditions that a layout must meet at the load. In any case every request must be answered."""

    latency_p90_seconds: float = SERVICE_SECONDS
    """Limit of the p90 latency of whole answers."""
    ttft_p90_seconds: float | None = None
    """Limit of the p90 time to first token."""
    max_usd_per_hour: float | None = None
    """Limit of the price of all instances of the endpoint."""

    def problems(self) -> Iterator[str]:
        """Yield the faults of the objective."""
        for name, value in vars(self).items():
            if value is not None and not 0 < value < float("inf"):
                yield f"{name}={value}: more than 0"

    def shortfalls(self, load: Load, point: Point, capacity: float) -> list[Shortfall]:
        """Return the conditions that a forecast misses. `capacity` is the maximum requests per second of the copies."""
        shortfalls: list[Shortfall] = []
        if load.offered is not None:
            shortfalls += carrying(load.offered, capacity)
        if point.refused:
            share = point.refused / point.requests
            shortfalls.append(
                Shortfall("refusals", f"{share:.0%} of the requests are refused: too many at once", 1 + share)
            )
        shortfalls += too_slow("latency p90", point.latency_p90_seconds, self.latency_p90_seconds)
        shortfalls += too_slow("TTFT p90", point.ttft_p90_seconds, self.ttft_p90_seconds)
        return shortfalls


def carrying(requests_per_second: float, capacity: float) -> list[Shortfall]:
    """Return the shortfall of copies that are too slow for an arrival rate; empty if they are fast enough."""
    most = MOST_OF_CAPACITY * capacity
    if requests_per_second <= most:
        return []
    sentence = f"carries {rate_text(most)} of {rate_text(requests_per_second)} requests a second"
    return [Shortfall("rate", sentence, requests_per_second / most if most else float("inf"))]


def too_slow(what: str, seconds: float | None, limit: float | None, *, whose: str = "") -> list[Shortfall]:
    """Return the shortfall of a time that exceeds its limit; empty if it does not. `seconds` is None without an answer.

    `whose` names the time if it is not a p90 but a bound of it.
    """
    if limit is None or (seconds is not None and seconds <= limit):
        return []
    if seconds is None:
        return [Shortfall(what, "no answer within the duration", float("inf"))]
    return [Shortfall(what, f"{whose or what} {seconds:.2f} s, wanted {limit:g} s", seconds / limit)]
