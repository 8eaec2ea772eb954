"""Samples of a load: only some of the copies are simulated, with their share of the load.

All copies have the same engine, and requests go to random copies. A sample of arrivals at a rate therefore has the same
latencies as all copies.
Users move from copy to copy, so the percentiles of a sample of users are approximate unless it has many copies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.forecast.loads import Point
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
"""A simulation is not shortened below the time of this number of consecutive answers. The first answers take longer
than later ones, because their requests all start at the same time.
"""
_FEWEST_COPIES = 2
"""Minimum number of copies in a sample. A single copy would always get exactly its share of the load."""
_EXACT_REQUESTS, _EXACT_COPIES = 5000, 16
"""Minimum number of requests and of copies in a sample of a forecast.

Measured at 16 loads of users on 40 and 64 copies, the figures of such samples differ from the figures of all copies as
much as two simulations with different seeds differ: up to 3 % of the rates and latencies, and up to 10 % of p90 where
latencies come in steps of a batch.
"""


@dataclass(frozen=True)
class Sample:
    """Part of a load and of the copies, which is simulated in place of the whole load and all copies."""

    load: Load
    copies: int
    duration_seconds: float


def speed_of(plan: EndpointPlan, component: ComponentPlan, load: Load) -> CopySpeed:
    """Return the speed of a copy in closed form, for requests of the load's lengths.

    Raises:
        LookupError: the speed of the instance's accelerators or the layers of the model are not known.

    """
    return _speed(copy_engine(component, plan.instance), component, load)


def _speed(engine: CopyEngine, component: ComponentPlan, load: Load) -> CopySpeed:
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
    """Return a sample that is the whole load on all copies, for the same duration as in `replicas forecast`."""
    return Sample(load, copies, duration_for(load, DEFAULT_SECONDS, _FEWEST_REQUESTS))


def copies_to_simulate(engine: CopyEngine, component: ComponentPlan, load: Load, duration_seconds: float) -> int:
    """Return how many copies a forecast simulates, with their share of the load, if requests go to random copies.

    A share of a burst or a trace would end earlier than the whole load, so all copies are simulated.
    """
    copies = component.copies
    if load.has_end or copies <= _EXACT_COPIES:
        return copies
    speed = _speed(engine, component, load)
    reached = carried(speed, copies, users=load.users, requests_per_second=load.requests_per_second)
    requests = (load.requests_per_second or reached.requests_per_second) * duration_seconds
    return min(copies, max(_EXACT_COPIES, ceil(copies * _EXACT_REQUESTS / requests)))


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
