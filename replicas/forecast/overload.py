"""What a forecast says of a load beyond the capacity: the rate that is not reached, what waits, and what is ended."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.forecast.loads import Point, PointLimits
from replicas.load import Load

RESPONSE_SECONDS = 60
"""Time after which InvokeEndpoint ends a request without an answer (SageMaker runtime API reference)."""
_REACHED = 0.95
"""Share of the offered rate that counts as reached: answers begin late and end after the duration."""
_FEWEST_REQUESTS = 50
"""Below this number of requests chance decides how many of them end in time."""
_FEW_ENDED = 0.01
"""Share of answers beyond SageMaker's limit that is worth a sentence."""


def overload_warnings(
    load: Load, point: Point, limits: PointLimits, *, copies: int, over_limit: float, duration_seconds: float
) -> Iterator[str]:
    """Yield what a load beyond the capacity means.

    Args:
        load: the load.
        point: its forecast.
        limits: what keeps its requests waiting.
        copies: copies of the component.
        over_limit: share of the answers that take longer than `RESPONSE_SECONDS`.
        duration_seconds: time in which the requests arrived.

    """
    offered = load.offered
    arrived = min(offered, point.requests / duration_seconds) if offered else 0.0  # by chance they can be fewer
    if point.requests >= _FEWEST_REQUESTS and point.requests_per_second < _REACHED * arrived:
        waiting = limits.waiting_mean * copies
        waits = f"{waiting:,.0f} requests wait in the mean" if waiting >= 1 else "requests queue"
        reason = f", for the {limits.waits_for}" if limits.waits_for else ""
        first = "" if point.ttft_p50_seconds is None else f", half of them {point.ttft_p50_seconds:,.1f} s or more"
        yield (
            f"{load.description} are not reached: {point.requests_per_second:.3g} a second are answered; "
            f"{waits}{reason}{first}, and longer the longer the load lasts"
        )
    if over_limit >= _FEW_ENDED:
        yield (
            f"{load.description}: {over_limit:.0%} of the answers take longer than the {RESPONSE_SECONDS} s after "
            "which SageMaker ends an answer of InvokeEndpoint (a streamed one after 8 minutes); the rates count them"
        )
