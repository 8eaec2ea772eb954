"""Finds the resource that saturates first as the load grows, from the engines' times and the waiting requests."""

from __future__ import annotations

from collections.abc import Sequence

from replicas.forecast.loads import Point, PointLimits, Saturation
from replicas.forecast.simulation import Outcome
from replicas.load import Load

_SATURATED = 0.95
"""Busy share of the time from which engines count as saturated. It is below 1 because every copy is idle before its
first
and after its last request."""

_WAITS = 0.5
"""Mean number of waiting requests per copy from which requests count as waiting."""
_REPORTED = 0.05
"""A smaller mean number of waiting requests is reported as none: it rounds to 0.0."""
_TOO_LITTLE = 0.5
"""Smallest share of linear scaling that still counts as unsaturated."""


def point_limits(load: Load, outcome: Outcome, *, copies: int, kv_cache_tokens: int, duration: float) -> PointLimits:
    """Return how the engines spent their time at one point."""
    use, whole = outcome.use, (copies * duration) or 1.0
    busy = sum(use.parts)
    waits_for = use.waited_for.most_common(1)
    return PointLimits(
        users=load.users,
        requests_per_second_offered=load.offered,
        burst=load.burst,
        busy=busy / whole,
        compute=use.parts.compute / whole,
        weights_read=use.parts.weights / whole,
        cache_read=use.parts.cache / whole,
        exchange=use.parts.exchange / whole,
        host=use.parts.host / whole,
        running_mean=use.running / busy if busy else 0.0,
        waiting_mean=use.waiting / whole,
        kv_cache_share_max=use.cached_tokens_max / kv_cache_tokens,
        waits_for=waits_for[0][0] if waits_for else None,
    )


def saturation(points: Sequence[Point], limits: Sequence[PointLimits], concurrent_requests: int | None) -> Saturation:
    """Return the resource that saturates first over the points of a forecast, in the order of their load."""
    most = max((point.requests_per_second_window for point in points), default=None)
    for number, (point, limit) in enumerate(zip(points, limits, strict=True)):
        if point.refused:
            return _saturation("concurrency limit", point, limits, most, _refusals(point, concurrent_requests))
        if _is_saturated(point, limit, points[number - 1] if number else None):
            first, share = max(_resources(limit).items(), key=lambda entry: entry[1])
            return _saturation(first, point, limits, most, _why(point, limit, first, share))
    busiest = max(limits, key=lambda limit: limit.busy, default=None)
    why = "nothing: no load was asked about" if busiest is None else _idle(busiest)
    return Saturation(
        first=None,
        users=None,
        requests_per_second_offered=None,
        requests_per_second=most,
        why=why,
        points=tuple(limits),
    )


def _saturation(first: str, point: Point, limits: Sequence[PointLimits], most: float | None, why: str) -> Saturation:
    return Saturation(
        first=first,
        users=point.users,
        requests_per_second_offered=point.requests_per_second_offered,
        burst=point.burst,
        requests_per_second=most,
        why=why,
        points=tuple(limits),
    )


def _is_saturated(point: Point, limit: PointLimits, before: Point | None) -> bool:
    """True if engines are busy all the time and more load does not give more answers.

    That is the case if requests wait, or if the last increase of the load raised the rate too little. Being busy alone
    is not saturation: a single user keeps a copy busy all the time.
    """
    if limit.busy < _SATURATED:
        return False
    if limit.waiting_mean >= _WAITS:
        return True
    if before is None or not before.requests_per_second_window:
        return False
    more_load = _load(point) / _load(before) - 1
    return point.requests_per_second_window / before.requests_per_second_window < 1 + _TOO_LITTLE * more_load


def _load(point: Point) -> float:
    return point.users or point.requests_per_second_offered or point.burst or 0.0


def _resources(limit: PointLimits) -> dict[str, float]:
    return {
        "compute": limit.compute,
        "memory bandwidth": limit.weights_read + limit.cache_read,
        "exchange": limit.exchange,
        "host": limit.host,
    }


def _why(point: Point, limit: PointLimits, first: str, share: float) -> str:
    waits = ""
    if limit.waits_for and limit.waiting_mean >= _REPORTED:
        waits = f"; {limit.waiting_mean:.1f} requests a copy wait, for the {limit.waits_for}"
    return (
        f"at {_load_text(point)} the engines are busy {limit.busy:.0%} of the time, most of it ({share:.0%}) with "
        f"{first}, at a mean batch of {limit.running_mean:.1f}{waits}"
    )


def _refusals(point: Point, concurrent_requests: int | None) -> str:
    return (
        f"at {_load_text(point)} {point.refused:,} requests are refused: a copy takes {concurrent_requests} at once, "
        f"running and waiting"
    )


def _idle(limit: PointLimits) -> str:
    return f"nothing: at {_load_text(limit)} the engines are busy {limit.busy:.0%} of the time"


def _load_text(point: Point | PointLimits) -> str:
    if point.users is not None:
        return f"{point.users:,} users"
    if point.burst is not None:
        return f"a burst of {point.burst:,}"
    if point.requests_per_second_offered is None:
        return "requests of one moment"
    return f"{point.requests_per_second_offered:.4g} requests a second"
