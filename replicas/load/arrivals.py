"""When the requests of a load arrive, if they do not wait for answers."""

from __future__ import annotations

import random
from collections.abc import Iterator

from replicas.load.load import Load


def arrivals(load: Load, duration_seconds: float, seed: int) -> Iterator[float]:
    """Yield the times at which requests arrive, in seconds from the beginning, in order; none for users.

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
        now = chance.expovariate(load.requests_per_second)
        while now < duration_seconds:
            yield now
            now += chance.expovariate(load.requests_per_second)
