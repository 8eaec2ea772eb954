"""Finds the resource that saturates first as the load grows, from the use of the engines and the waiting requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replicas.forecast.copies import CopyEngine
from replicas.forecast.limiting import ADMISSION, BATCH_LIMITS, gain_of_twice_the_batch, gains
from replicas.forecast.loads import Point, PointLimits, Saturation
from replicas.forecast.simulation import Outcome
from replicas.load import Load
from replicas.units import rate_text

_SATURATED = 0.95
"""Busy share of the time from which engines count as saturated. It is below 1, because every copy is idle before its
first and after its last request."""

_WAITS = 0.5
"""Requests count as waiting if on average at least this number waits per copy."""
_REPORTED = 0.05
"""Minimum mean number of waiting requests that is reported. Smaller numbers round to 0.0."""
_TOO_LITTLE = 0.5
"""Smallest share of linear scaling that still counts as unsaturated."""


def point_limits(load: Load, outcome: Outcome, engine: CopyEngine, *, copies: int, duration: float) -> PointLimits:
    """Return the use of the engines' time under one load."""
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
        kv_cache_share_max=use.cached_tokens_max / engine.limits.kv_cache_tokens,
        waits_for=waits_for[0][0] if waits_for else None,
        batch_gain=gain_of_twice_the_batch(engine, load, outcome, duration),
    )


def saturation(points: Sequence[Point], limits: Sequence[PointLimits], concurrent_requests: int | None) -> Saturation:
    """Return the resource that saturates first. `points` and `limits` must be in ascending order of their loads."""
    most = max((point.requests_per_second_window for point in points), default=None)
    for number, (point, limit) in enumerate(zip(points, limits, strict=True)):
        saturated = _is_saturated(point, limit, points[number - 1] if number else None)
        if not (point.refused or saturated):
            continue
        refusals = _refusals(point, concurrent_requests) if point.refused else ""
        if not saturated:
            return _saturation(ADMISSION, point, limits, most, f"at {_load_text(point)} {refusals}")
        brings = gains(limit)
        if capped := _full_batch(point, limit):
            brings[capped] = limit.batch_gain
        first = capped if capped and limit.batch_gain >= _TOO_LITTLE else max(brings, key=brings.__getitem__)
        why = _why(point, limit, first, brings)
        return _saturation(first, point, limits, most, f"{why}; {refusals}" if refusals else why)
    busiest = max(limits, key=lambda limit: limit.busy, default=None)
    why = "nothing: no load was given" if busiest is None else _idle(busiest)
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
    """True if engines are busy all the time and more load does not bring more answers.

    Arrivals at a rate saturate a copy if fewer requests are answered than arrive. Other loads saturate a copy in three
    cases: requests wait because the batch is full, a batch of twice the size would gain too little, or the last
    increase of the load gained too little. A copy that is only busy is not saturated, because a single user keeps a
    copy busy. Waiting alone does not count either, because requests also wait while the batch can still grow.
    """
    if limit.busy < _SATURATED:
        return False
    if point.requests_per_second_offered:
        return point.is_reached is False
    if _full_batch(point, limit) or limit.batch_gain < _TOO_LITTLE:
        return True
    if before is None or not before.requests_per_second_window:
        return False
    more_load = _load(point) / _load(before) - 1
    return point.requests_per_second_window / before.requests_per_second_window < 1 + _TOO_LITTLE * more_load


def _full_batch(point: Point, limit: PointLimits) -> str | None:
    """Return the limit that keeps requests out of the batch; None if the batch can grow.

    The limit of concurrent requests counts only if no request waits in the copy. Otherwise a higher limit makes only
    the queue longer.
    """
    if limit.waiting_mean >= _WAITS:
        return limit.waits_for if limit.waits_for in BATCH_LIMITS else None
    return ADMISSION if point.refused else None


def _load(point: Point) -> float:
    return point.users or point.requests_per_second_offered or point.burst or 0.0


def _why(point: Point, limit: PointLimits, first: str, brings: Mapping[str, float]) -> str:
    waits = ""
    if limit.waits_for and limit.waiting_mean >= _REPORTED:
        waits = f"; {limit.waiting_mean:.1f} requests a copy wait for the {limit.waits_for}"
    second = max((what for what in brings if what != first), key=brings.__getitem__)
    return (
        f"at {_load_text(point)} the engines are busy {limit.busy:.0%} of the time with a mean batch of "
        f"{limit.running_mean:.1f}; twice the {first} would give {brings[first]:.0%} more answers, twice the "
        f"{second} {brings[second]:.0%}{waits}"
    )


def _refusals(point: Point, concurrent_requests: int | None) -> str:
    return f"{point.refused:,} requests are refused: a copy accepts {concurrent_requests} at once, running and waiting"


def _idle(limit: PointLimits) -> str:
    return f"nothing: at {_load_text(limit)} the engines are busy {limit.busy:.0%} of the time"


def _load_text(point: Point | PointLimits) -> str:
    if point.users is not None:
        return f"{point.users:,} users"
    if point.burst is not None:
        return f"a burst of {point.burst:,}"
    if point.requests_per_second_offered is None:
        return "requests that arrive at once"
    return f"{rate_text(point.requests_per_second_offered)} requests a second"
