"""What a forecast says of a load beyond the capacity: the rate that is not reached, what waits, and what is ended."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from replicas.forecast.loads import Point, PointLimits
from replicas.forecast.simulation import Outcome
from replicas.load import Load
from replicas.load.figures import lasting_rate, percentile
from replicas.units import rate_text

RESPONSE_SECONDS = 60
"""Time after which InvokeEndpoint ends a request without an answer (SageMaker runtime API reference)."""
_MISSED = 0.05
"""Share of the arrivals from which missing answers count: answers begin late and end after the duration."""
_FEWEST_REQUESTS = 10
"""Below this number of requests chance decides how many of them end in time."""
_FEW_ENDED = 0.01
"""Share of answers beyond SageMaker's limit that is worth a sentence."""


def keeps_up(load: Load, outcome: Outcome, duration_seconds: float) -> bool | None:
    """True if as many requests are answered as arrive; None if they do not arrive over time, or too few do to tell.

    How many of the requests end in time varies by chance: of `n` that arrive in `T` seconds and take `L`, by
    `sqrt(n L / T)`. Twice that is allowed besides.

    Args:
        load: the load.
        outcome: its simulation.
        duration_seconds: time in which the requests of a rate are sent; those of a trace arrive in its own time.

    """
    if load.offered is None:
        return None
    duration = duration_seconds if load.trace is None else load.trace.seconds
    requests = len(outcome.answered) + len(outcome.refused)
    if requests < _FEWEST_REQUESTS:
        return None
    latencies = sorted([ended - asked for asked, _, ended, _ in outcome.answered]) or [duration]
    in_flight = min(0.5, percentile(latencies, 0.5) / duration)
    spans = [(asked, first, ended) for asked, first, ended, _ in outcome.answered]
    allowed = _MISSED + 2 * sqrt(in_flight / requests)
    return lasting_rate(spans, duration) >= (1 - allowed) * requests / duration


def overload_warnings(
    load: Load, point: Point, limits: PointLimits, *, copies: int, over_limit: float
) -> Iterator[str]:
    """Yield what a load beyond the capacity means.

    Args:
        load: the load.
        point: its forecast.
        limits: what keeps its requests waiting.
        copies: copies of the component.
        over_limit: share of the answers that take longer than `RESPONSE_SECONDS`.

    """
    if point.is_reached is False:
        waiting = limits.waiting_mean * copies
        waits = f"{waiting:,.0f} requests wait in the mean" if waiting >= 1 else "requests queue"
        reason = f", for the {limits.waits_for}" if limits.waits_for else ""
        first = "" if point.ttft_p50_seconds is None else f", half of them {point.ttft_p50_seconds:,.1f} s or more"
        yield (
            f"{load.description} are not reached: {rate_text(point.requests_per_second)} a second are answered; "
            f"{waits}{reason}{first}, and longer the longer the load lasts"
        )
    if over_limit >= _FEW_ENDED:
        yield (
            f"{load.description}: {over_limit:.0%} of the answers take longer than the {RESPONSE_SECONDS} s after "
            "which SageMaker ends an answer of InvokeEndpoint (a streamed one after 8 minutes); the requests a second "
            "count these answers"
        )
