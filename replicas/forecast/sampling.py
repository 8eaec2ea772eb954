"""Samples of a load, which are forecast within the time of a plan: some of the copies with their share of the load.

Requests are spread at random over equal copies, so a sample of arrivals at a rate has the same latencies as all copies.
Users move from copy to copy, so a sample of users shows whether the copies serve the load, but its percentiles are only
approximate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from replicas.forecast.copies import copy_engine
from replicas.load import Load
from replicas.load.arrivals import duration_for
from replicas.load.options import DEFAULT_SECONDS
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.speed.throughput import CopySpeed, Work, carried

_FEWEST_REQUESTS = 10
"""Minimum number of requests to simulate. A low rate is simulated longer to reach it."""
_ENOUGH_REQUESTS, _MOST_REQUESTS = 1000, 4000
"""Number of requests above which only some copies are simulated, and requests per copy above which the simulated time
is shortened."""
_ROUNDS = 20
"""Minimum number of consecutive answers in a shortened time. The first answers take longer, because they start at
once.
"""
_FEWEST_COPIES = 2
"""Minimum number of copies in a sample. A single copy would always get exactly its share of the load."""


@dataclass(frozen=True)
class Sample:
    """Part of a load and of the copies to simulate instead of the whole."""

    load: Load
    copies: int
    duration_seconds: float


def speed_of(plan: EndpointPlan, component: ComponentPlan, load: Load) -> CopySpeed:
    """Return the speed of a copy in closed form, for requests of the load's lengths.

    Raises:
        LookupError: the speed of the instance's accelerators or the layers of the model are not known.

    """
    engine = copy_engine(component, plan.instance)
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
    some = min(copies, max(_FEWEST_COPIES, ceil(copies * _ENOUGH_REQUESTS / (rate * seconds))))
    return Sample(load.part(some / copies), some, seconds)


def whole(copies: int, load: Load) -> Sample:
    """Return the whole load on all copies, with the duration of `replicas forecast`."""
    return Sample(load, copies, duration_for(load, DEFAULT_SECONDS, _FEWEST_REQUESTS))
