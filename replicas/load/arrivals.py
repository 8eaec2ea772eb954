"""Arrival times of the requests of a load, for loads whose requests do not wait for answers.

A rate of `r` requests a second sends exactly `round(r * T)` requests in `T` seconds, so that a short run does not get
fewer requests by chance. Their times are those of a Poisson process with this number of arrivals: sorted uniform times
(S. M. Ross, Stochastic Processes, 2nd edition, theorem 2.3.1). A trace arrives as recorded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from replicas.load.load import Load


def arrivals(load: Load, duration_seconds: float, seed: int) -> Iterator[float]:
    """Yield arrival times in ascending order, in seconds from the beginning. Users have no arrival times.

    Args:
        load: a rate (Poisson arrivals for the duration), a burst (all at 0) or a trace (as recorded).
        duration_seconds: time in which a rate sends requests.
        seed: the same seed gives the same arrivals.

    """
    if load.trace is not None:
        yield from (request.seconds for request in load.trace.requests)
    elif load.burst is not None:
        yield from (0.0 for _ in range(load.burst))
    elif load.requests_per_second is not None:
        chance = random.Random(f"arrivals {seed}")  # noqa: S311 (nothing secret)
        now = 0.0
        for left in range(requests_of(load.requests_per_second, duration_seconds), 0, -1):
            # The earliest of `left` uniform times in the remaining interval. The others are uniform after it.
            now += (duration_seconds - now) * (1 - chance.random() ** (1 / left))
            yield now


def requests_of(requests_per_second: float, duration_seconds: float) -> int:
    """Return the number of requests that a rate sends in a duration: their product, rounded half up."""
    return int(requests_per_second * duration_seconds + 0.5)


def least_seconds(load: Load) -> float:
    """Return the shortest duration that is accepted for a load: the inverse of a rate, seconds; 0 for other loads."""
    return 1 / load.requests_per_second if load.requests_per_second else 0.0


def duration_for(load: Load, duration_seconds: float, requests: int = 1) -> float:
    """Return `duration_seconds`, or a longer duration if a low rate needs it to send `requests` requests."""
    return max(duration_seconds, requests * least_seconds(load))


def duration_problems(load: Load, duration_seconds: float) -> Iterator[str]:
    """Yield a problem if the duration is shorter than the mean time between the requests of a rate."""
    if load.requests_per_second and 0 < duration_seconds < least_seconds(load):
        yield (
            f"requests_per_second={load.requests_per_second:g} sends less than one request in {duration_seconds:g} s: "
            f"set the duration to at least {least_seconds(load):,.0f} s, or the rate to at least "
            f"{1 / duration_seconds:.2g}"
        )
