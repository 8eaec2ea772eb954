"""What a layout has to hold, and by how much it misses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from replicas.forecast import Load, Point

SERVICE_SECONDS = 60.0
"""SageMaker ends an answer that is not streamed after 60 s (InvokeEndpoint, documentation): the objective of the
latency where none is given."""
MOST_OF_CAPACITY = 0.95
"""Of what its copies answer when requests always wait: arrivals above it make queues that a short run does not show."""


class Shortfall(NamedTuple):
    """One part of an objective that a layout misses."""

    what: str
    """`latency p90`, `TTFT p90`, `rate`, `refusals`, `price`."""
    sentence: str
    ratio: float
    """How far it is: 1.2 misses by a fifth."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What must hold at the load. Every request is answered, whatever else is asked for."""

    latency_p90_seconds: float = SERVICE_SECONDS
    """Nine of ten whole answers within it."""
    ttft_p90_seconds: float | None = None
    """Nine of ten first tokens within it."""
    max_usd_per_hour: float | None = None
    """Of all instances of the endpoint."""

    def problems(self) -> Iterator[str]:
        """What is wrong with it."""
        for name, value in vars(self).items():
            if value is not None and not 0 < value < float("inf"):
                yield f"{name}={value}: more than 0"

    def shortfalls(self, load: Load, point: Point, capacity: float) -> list[Shortfall]:
        """What of it a forecast misses, on copies that answer `capacity` requests a second at most."""
        found: list[Shortfall] = []
        if load.requests_per_second is not None:
            found += carrying(load.requests_per_second, capacity)
        if point.refused:
            share = point.refused / point.requests
            found.append(Shortfall("refusals", f"{share:.0%} of the requests are refused: too many at once", 1 + share))
        found += too_slow("latency p90", point.latency_p90_seconds, self.latency_p90_seconds)
        found += too_slow("TTFT p90", point.ttft_p90_seconds, self.ttft_p90_seconds)
        return found


def carrying(requests_per_second: float, capacity: float) -> list[Shortfall]:
    """The shortfall of copies that arrivals at a rate overwhelm; none where they do not."""
    most = MOST_OF_CAPACITY * capacity
    if requests_per_second <= most:
        return []
    sentence = f"carries {most:.2f} of {requests_per_second:g} requests a second"
    return [Shortfall("rate", sentence, requests_per_second / most if most else float("inf"))]


def too_slow(what: str, seconds: float | None, wanted: float | None, *, whose: str = "") -> list[Shortfall]:
    """The shortfall of a time that is longer than wanted; none where it is not. None: no answer came.

    `whose` is of what the time is, where it is no p90 but a bound of it.
    """
    if wanted is None or (seconds is not None and seconds <= wanted):
        return []
    if seconds is None:
        return [Shortfall(what, "no answer within the duration", float("inf"))]
    return [Shortfall(what, f"{whose or what} {seconds:.2f} s, wanted {wanted:g} s", seconds / wanted)]
