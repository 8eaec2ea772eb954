"""Samples of a load: only some of the copies are simulated, with their share of the load.

Requests are spread at random over equal copies, so the latencies of a sample of arrivals at a rate have the same
distribution as those of all copies; but at 94 % of the capacity, samples of 3 of 8 copies had a p99 that was 8 % lower
on average, because rare long queues are missing in most of them.
Users move from copy to copy, so the percentiles of a sample of users are approximate unless it has many copies.
`copies_to_simulate` is the rule of all samples: of a forecast (`EXACT`), of the ranking of a recommendation (`QUICK`,
`FAR`), and of the warnings about declared traffic (`ROUGH`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf

from replicas.forecast.copies import CopyEngine
from replicas.forecast.loads import Point
from replicas.load import Load
from replicas.load.arrivals import duration_for
from replicas.load.options import DEFAULT_SECONDS
from replicas.planning.plans import ComponentPlan
from replicas.speed.throughput import CopySpeed, Work, carried

_FEWEST_REQUESTS = 10
"""Minimum number of requests to simulate. A low rate is simulated longer to reach it."""
_MOST_REQUESTS = 4000
"""Requests per copy above which the simulated time of a warning is shortened."""
_ROUNDS = 20
"""A simulation is not shortened below the time of this number of consecutive answers. The first answers take longer
than later ones, because their requests all start at the same time.
"""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Minimum size of a sample."""

    requests: int
    copies: int
    """Minimum number of copies. A single copy would always get exactly its share of the load."""
    plenty_of_requests: float = inf
    """Number of requests with which fewer copies are enough."""


EXACT = Extent(requests=5000, copies=16)
"""Extent of a forecast. At 16 loads of users on 40 and 64 copies, the figures of such samples differed from those of
all copies as much as those of another seed did: up to 3 % of the rates and latencies, and up to 10 % of p90 where
latencies come in steps of a batch.
"""
QUICK = Extent(requests=1000, copies=4, plenty_of_requests=2000)
"""Extent of the forecasts that rank layouts."""
FAR = Extent(requests=1000, copies=1)
"""Extent of the forecasts that rank layouts far from the objective under arrivals at a rate. Each copy has random
arrivals of its own, so the latencies of a single copy have the same distribution as those of all."""
ROUGH = Extent(requests=1000, copies=2)
"""Extent of a warning."""


@dataclass(frozen=True)
class Sample:
    """Part of a load and of the copies, which is simulated in place of the whole load and all copies."""

    load: Load
    copies: int
    duration_seconds: float


def speed_of(engine: CopyEngine, component: ComponentPlan, load: Load) -> CopySpeed:
    """Return the speed of a copy in closed form, for requests of the load's lengths."""
    limits = engine.limits
    return CopySpeed(
        times=engine.times,
        profile=engine.profile,
        work=Work(input_tokens=load.input_tokens, output_tokens=load.output_tokens),
        kv_cache_tokens=None if component.memory.pool.is_empty else limits.kv_cache_tokens,
        prefill_tokens=limits.prefill_tokens,
        sequences=limits.sequences,
    )


def sampled(speed: CopySpeed, copies: int, load: Load) -> Sample:
    """Return a sample of users or of a rate on `copies` copies, or the whole load if it is small."""
    reached = carried(speed, copies, users=load.users, requests_per_second=load.requests_per_second)
    rate = load.requests_per_second or reached.requests_per_second
    seconds = duration_for(load, DEFAULT_SECONDS, _FEWEST_REQUESTS)
    most = _MOST_REQUESTS * copies
    if rate * seconds > most:
        seconds = min(seconds, max(most / rate, _ROUNDS * reached.seconds))
    some = copies_to_simulate(copies, rate * seconds, ROUGH)
    return Sample(load.part(some / copies), some, seconds)


def whole(copies: int, load: Load) -> Sample:
    """Return a sample that is the whole load on all copies, for the same duration as in `replicas forecast`."""
    return Sample(load, copies, duration_for(load, DEFAULT_SECONDS, _FEWEST_REQUESTS))


def copies_to_simulate(copies: int, requests: float, extent: Extent) -> int:
    """Return the number of copies of a sample, which get their share of the load.

    Args:
        copies: number of all copies.
        requests: number of requests that all copies get in the simulated time.
        extent: minimum size of the sample.

    """
    if not requests:
        return copies
    fewest = min(extent.copies, copies * extent.plenty_of_requests / requests)
    return min(copies, ceil(max(fewest, copies * extent.requests / requests)))


def copies_of_forecast(engine: CopyEngine, component: ComponentPlan, load: Load, duration_seconds: float) -> int:
    """Return how many copies a forecast simulates, with their share of the load, if requests go to random copies.

    A share of a burst or a trace would end earlier than the whole load, so all copies are simulated.
    """
    copies, rate = component.copies, load.requests_per_second
    if load.has_end or copies <= EXACT.copies:
        return copies
    if rate is None:
        speed = speed_of(engine, component, load)
        rate = carried(speed, copies, users=load.users, requests_per_second=None).requests_per_second
    return copies_to_simulate(copies, rate * duration_seconds, EXACT)


def scaled(point: Point, load: Load, times: float) -> Point:
    """Return the figures of all copies under a load.

    `point` has the figures of a sample with `1 / times` of the copies.
    """
    if times == 1:
        return point
    return replace(
        point,
        users=load.users,
        requests_per_second_offered=load.offered,
        burst=load.burst,
        requests=round(point.requests * times),
        refused=round(point.refused * times),
        requests_per_second=point.requests_per_second * times,
        requests_per_second_elapsed=point.requests_per_second_elapsed * times,
        requests_per_second_window=point.requests_per_second_window * times,
        output_tokens_per_second=point.output_tokens_per_second * times,
    )
