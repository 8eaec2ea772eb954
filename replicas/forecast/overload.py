"""Warnings about a load above the capacity: the rate is not reached, requests queue, and SageMaker ends slow
answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

from replicas.forecast.loads import Point, PointLimits
from replicas.load import Load
from replicas.load.figures import percentile
from replicas.units import rate_text

RESPONSE_SECONDS = 60
"""Time after which InvokeEndpoint ends a request without an answer (SageMaker runtime API reference)."""
_MISSED = 0.05
"""Share of arrivals that may lack an answer at the end of the duration, because the first answers take time."""
_FEWEST_REQUESTS = 10
"""Minimum number of requests for a decision. With fewer, the number of answers in time depends on chance."""
_FEW_ENDED = 0.01
"""A warning is given if at least this share of the answers takes longer than SageMaker's limit."""


def keeps_up(
    load: Load, requests: int, latencies: Sequence[float], rate: float, duration_seconds: float
) -> bool | None:
    """True if requests are answered at the rate of arrivals; None for loads without a rate, or for too few requests.

    The number of requests that end in time varies by chance. If `n` requests with latency `L` arrive in `T` seconds,
    its standard deviation is `sqrt(n * L / T)`. Twice this deviation is tolerated.

    Args:
        load: the load.
        requests: number of requests that were sent, answered or refused.
        latencies: latencies of the answers, sorted.
        rate: steady rate of the answers (`replicas.load.figures.lasting_rate`) in the duration.
        duration_seconds: time in which the requests are sent.

    """
    if load.offered is None or requests < _FEWEST_REQUESTS:
        return None
    in_flight = min(0.5, percentile(latencies or [duration_seconds], 0.5) / duration_seconds)
    allowed = _MISSED + 2 * sqrt(in_flight / requests)
    return rate >= (1 - allowed) * requests / duration_seconds


def overload_warnings(
    load: Load, point: Point, limits: PointLimits, *, copies: int, over_limit: float
) -> Iterator[str]:
    """Yield warnings about a load above the capacity.

    Args:
        load: the load.
        point: forecast of the load.
        limits: limits under this load.
        copies: copies of the component.
        over_limit: share of the answers that take longer than `RESPONSE_SECONDS`.

    """
    if point.is_reached is False:
        waiting = limits.waiting_mean * copies
        waits = f"on average {waiting:,.0f} requests wait" if waiting >= 1 else "requests queue"
        reason = f" for the {limits.waits_for}" if limits.waits_for else ""
        first = "" if point.ttft_p50_seconds is None else f", half of them for {point.ttft_p50_seconds:,.1f} s or more"
        yield (
            f"{load.description} are not reached: {rate_text(point.requests_per_second)} a second are answered; "
            f"{waits}{reason}{first}, and the wait grows as long as the load lasts"
        )
    if over_limit >= _FEW_ENDED:
        yield (
            f"{load.description}: {over_limit:.0%} of the answers take longer than {RESPONSE_SECONDS} s, after which "
            "SageMaker ends an answer of InvokeEndpoint (a streamed answer after 8 minutes); the forecast rate "
            "includes these answers"
        )
