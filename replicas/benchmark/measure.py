"""Computes the metrics of a measurement from the records of its requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from replicas.benchmark.records import Record
from replicas.load import Load
from replicas.load.figures import lasting_rate, percentile
from replicas.load.objectives import PERCENTILES, Bounds
from replicas.units import usd_per_million_tokens


@dataclass(frozen=True)
class Spread:
    """Distribution of a duration over the requests of a measurement, in seconds."""

    p50: float
    p90: float
    p99: float
    mean: float
    longest: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """The metrics of one load. Latencies include only answered requests."""

    users: int | None
    """Users in a closed loop; None for requests that do not wait for answers."""
    requests_per_second_offered: float | None = None
    """Mean arrivals per second of a rate or a trace; None for users, for a burst, or if a trace arrives at once."""
    burst: int | None = None
    trace_requests: int | None = None
    """Number of requests of the replayed trace."""
    duration_seconds: float
    elapsed_seconds: float
    """Duration until the last request in flight ended, including the time after sending stopped."""
    requests: int
    requests_in_window: int
    """Number of requests that were answered before the duration of the load ended."""
    requests_per_second: float | None = None
    """Steady-state answers per second, as in a forecast. None in results of earlier versions."""
    requests_per_second_elapsed: float
    """All requests divided by the elapsed time, as the article computes req/s."""
    requests_per_second_window: float
    success_percent: float
    latency_seconds: Spread | None
    ttft_seconds: Spread | None
    inter_token_seconds: Spread | None
    """Mean time between the tokens of a request, excluding the first token."""
    input_tokens_mean: float | None
    output_tokens_mean: float
    output_tokens_per_second: float
    """Tokens per second of the requests that were answered before the duration of the load ended."""
    usd_per_million_output_tokens: float | None
    errors: dict[str, int]
    goodput_requests_per_second: float | None = None
    """Answers per second that meet the whole objective; None without an objective."""
    misses: tuple[str, ...] | None = None
    """Messages about the limits of the objective that are exceeded; None without an objective."""
    interrupted: bool = False
    """True if the measurement was stopped early; the metrics cover the time until then."""


def measure(
    load: Load,
    records: Sequence[Record],
    *,
    duration_seconds: float,
    usd_per_hour: float | None,
    interrupted: bool = False,
    objective: Bounds | None = None,
) -> Point:
    """Compute the metrics of one measurement."""
    answered = [record for record in records if record.error is None]
    elapsed = max((record.ended for record in records), default=0.0)
    duration = elapsed if load.has_end else min(duration_seconds, elapsed) if interrupted else duration_seconds
    window = [record for record in answered if record.ended <= duration]
    tokens_per_second = sum(record.output_tokens for record in window) / duration if duration else 0.0
    window_rate = len(window) / duration if duration else 0.0
    spans = (
        (record.began, record.began + (record.ttft_seconds or record.seconds), record.ended) for record in answered
    )
    rate = window_rate if load.has_end or not duration else lasting_rate(spans, duration)
    point = Point(
        users=load.users,
        requests_per_second_offered=load.offered,
        burst=load.burst,
        trace_requests=len(load.trace.requests) if load.trace else None,
        duration_seconds=duration,
        elapsed_seconds=elapsed,
        requests=len(records),
        requests_in_window=len(window),
        requests_per_second=rate,
        requests_per_second_elapsed=len(records) / elapsed if elapsed else 0.0,
        requests_per_second_window=window_rate,
        success_percent=100 * len(answered) / len(records) if records else 0.0,
        latency_seconds=spread([record.seconds for record in answered]),
        ttft_seconds=spread([record.ttft_seconds for record in answered if record.ttft_seconds is not None]),
        inter_token_seconds=spread([record.tpot_seconds for record in answered if record.tpot_seconds is not None]),
        input_tokens_mean=_mean([record.input_tokens for record in answered if record.input_tokens is not None]),
        output_tokens_mean=_mean([record.output_tokens for record in answered]) or 0.0,
        output_tokens_per_second=tokens_per_second,
        usd_per_million_output_tokens=usd_per_million_tokens(usd_per_hour, tokens_per_second),
        errors=dict(Counter(record.error for record in records if record.error is not None).most_common()),
        interrupted=interrupted,
    )
    if objective is None:
        return point
    within_bounds = [record for record in answered if objective.are_kept(record.times)]
    return replace(
        point,
        goodput_requests_per_second=rate * len(within_bounds) / len(answered) if answered else 0.0,
        misses=tuple(objective.misses(percentiles(point), len(records) - len(answered))),
    )


def percentiles(point: Point) -> dict[str, float | None]:
    """Return the percentiles of a measurement's times in seconds, by `FIGURE_PERCENTILE` as in an objective."""
    times = {"latency": point.latency_seconds, "ttft": point.ttft_seconds, "tpot": point.inter_token_seconds}
    return {
        f"{figure}_{name}": getattr(spread_of_figure, name, None)
        for figure, spread_of_figure in times.items()
        for name in PERCENTILES
    }


def spread(values: Sequence[float]) -> Spread | None:
    """Return the distribution of values, with percentiles by linear interpolation; None for an empty list."""
    if not values:
        return None
    ordered = sorted(values)
    p50, p90, p99 = (percentile(ordered, share) for share in (0.50, 0.90, 0.99))
    return Spread(p50, p90, p99, fmean(ordered), ordered[-1])


def _mean(values: Sequence[int]) -> float | None:
    return fmean(values) if values else None
