"""A sample of a load for an answer within a plan's time: some of the copies with their share of the load.

Requests are spread at random over copies that are alike, so that arrivals at a rate are served by some of the copies
as by all. Users move from copy to copy: fewer copies show whether their load is carried, and its percentiles roughly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from replicas.forecast.copies import copy_engine
from replicas.load import Load
from replicas.load.arrivals import duration_for
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.speed.throughput import CopySpeed, Work, carried

DURATION_SECONDS = 90
"""Duration of a forecast that names none."""
FEWEST_REQUESTS = 10
"""Requests of a low rate that are simulated, however long they take to arrive."""
_ENOUGH_REQUESTS, _MOST_REQUESTS = 1000, 4000
"""Requests above which only some of the copies are simulated, and requests of a copy above which for a shorter time."""
_ROUNDS = 20
"""Answers after each other in a shorter time: the first ones begin at once, and take longer."""
_FEWEST_COPIES = 2
"""Copies of a sample: a single one would have no more and no less than its share of the load."""


@dataclass(frozen=True)
class Sample:
    """What is simulated in place of a load on all copies."""

    load: Load
    copies: int
    duration_seconds: float


def speed_of(plan: EndpointPlan, component: ComponentPlan, load: Load) -> CopySpeed:
    """Return the speed of a copy in closed form, for requests of the load's lengths.

    Raises:
        LookupError: the speed of the instance's accelerators is not known, or the model's layers are not.

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
    """Return a sample of users or of a rate on a number of copies; all of it if it is small."""
    reached = carried(speed, copies, users=load.users, requests_per_second=load.requests_per_second)
    rate = load.requests_per_second or reached.requests_per_second
    seconds = duration_for(load, DURATION_SECONDS, FEWEST_REQUESTS)
    most = _MOST_REQUESTS * copies
    if rate * seconds > most:
        seconds = min(seconds, max(most / rate, _ROUNDS * reached.seconds))
    some = min(copies, max(_FEWEST_COPIES, ceil(copies * _ENOUGH_REQUESTS / (rate * seconds))))
    return Sample(load.part(some / copies), some, seconds)


def whole(copies: int, load: Load) -> Sample:
    """Return all of users or a rate, for as long as `replicas forecast` simulates them."""
    return Sample(load, copies, duration_for(load, DURATION_SECONDS, FEWEST_REQUESTS))
