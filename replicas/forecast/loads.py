"""Data model of a forecast: rates and latencies under each load, and the resources that limit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from replicas.catalogue.tasks import Task

Confidence = Literal["calibrated", "extrapolated", "order-of-magnitude", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """Forecast of one load, with the same figures and definitions as a benchmark of the load."""

    users: int | None
    requests_per_second_offered: float | None
    """Mean arrivals per second of a rate or a trace; None for users, for a burst, or if a trace arrives at once."""
    burst: int | None = None
    """Number of requests that arrive at once."""
    is_reached: bool | None = None
    """True if requests are answered at the rate of arrivals; None for users, for a burst, or for too few requests."""
    requests: int
    """Number of requests sent, whether answered or refused."""
    refused: int
    """Number of requests that the engine refused at its limit of running and waiting requests."""
    elapsed_seconds: float
    """Time until the last request in flight has ended, including the time after sending stopped."""
    requests_per_second: float
    """Steady rate of answers per second (`replicas.load.figures.lasting_rate`); for a burst or a trace, all answers
    divided by the elapsed time."""
    requests_per_second_elapsed: float
    """All requests, including refused requests, divided by the elapsed time: the article's req/s."""
    requests_per_second_window: float
    """Answers within the duration, divided by the duration. The duration of a burst or a trace ends with its last
    answer."""
    latency_p50_seconds: float | None
    latency_p90_seconds: float | None
    latency_p99_seconds: float | None
    ttft_p50_seconds: float | None
    ttft_p90_seconds: float | None
    ttft_p99_seconds: float | None = None
    tpot_p50_seconds: float | None = None
    """Median, over the requests, of the mean time for each output token after the first one."""
    tpot_p90_seconds: float | None = None
    tpot_p99_seconds: float | None = None
    output_tokens_per_second: float
    """Output tokens per second of the requests that were answered within the duration."""
    usd_per_million_output_tokens: float | None
    """Price of a million output tokens at `output_tokens_per_second`. The price of all instances is shared among the
    components in proportion to the accelerators of their copies, so idle accelerators are included. None if the price
    is unknown, or no token was generated."""


@dataclass(frozen=True, kw_only=True)
class PointLimits:
    """Use of the engines' time under one load, and the resources that requests wait for.

    Times are shares of the duration. The duration of a burst or a trace ends with its last answer.
    """

    users: int | None
    requests_per_second_offered: float | None
    burst: int | None = None
    busy: float
    """Mean busy time of the copies: the sum of the five shares below."""
    compute: float
    """Time of computing: prompts, and decoding steps with enough sequences to be limited by compute."""
    weights_read: float
    """Time of reading weights, in steps that are limited by memory bandwidth."""
    cache_read: float
    """Time of reading the KV cache of decoding sequences."""
    exchange: float
    """Time of communication between the accelerators of a copy."""
    host: float
    """Time in which accelerators wait for the host, which launches kernels and prepares steps and sequences."""
    running_mean: float
    """Mean number of requests in the batch of a busy copy."""
    waiting_mean: float
    """Mean number of requests in a copy's queue."""
    kv_cache_share_max: float
    """Largest share of a copy's KV cache that was reserved."""
    waits_for: str | None
    """Resource or rule that kept requests waiting for most of the time: `admission rule`, `KV cache`, `sequences` or
    `prefill budget`; None if no request waited."""
    batch_gain: float = 0.0
    """Relative gain in throughput of a busy copy if its batch could hold twice as many requests."""


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """The resource that saturates first as the load grows."""

    first: str | None
    """`compute`, `memory bandwidth`, `host` or `exchange`; `KV cache`, `sequences` or `concurrency limit` if one of
    them keeps the batch small; None if no load saturates the copies. The frontend of an engine is not modelled as a
    limit."""
    users: int | None
    """Users of the smallest load that saturates the copies."""
    requests_per_second_offered: float | None
    burst: int | None = None
    requests_per_second: float | None
    """Highest rate of answers under any of the loads, over the duration of the load."""
    why: str
    """The reason, in one sentence with figures."""
    points: tuple[PointLimits, ...]


@dataclass(frozen=True, kw_only=True)
class FigureError:
    """Error of one figure over the runs that measured this figure.

    An error is the absolute value of forecast / measured - 1.
    """

    confidence: Confidence
    """Confidence class of this figure alone."""
    runs: int
    """Number of runs that have this figure; for `calibrated`, number of loads of the fitted run."""
    sources: int
    """Number of sources (repositories, sites) of the runs."""
    median: float
    """Median of the errors."""
    worst: float


@dataclass(frozen=True, kw_only=True)
class MeasuredError:
    """Errors of the forecasts of measured runs. An error is the absolute value of forecast / measured - 1.

    Each figure has its own set of runs, whose number is in `figures`.
    """

    runs: int
    """Number of runs that have at least one of the figures."""
    sources: int
    """Number of sources (repositories, sites) of the runs."""
    figures: Mapping[str, FigureError]
    """Errors by figure: `requests_per_second`, `latency`, `ttft`, `tpot`. A figure without runs is left out."""
    requests_per_second_median: float | None
    """Median of the errors; None if no run has the figure."""
    requests_per_second_worst: float | None
    latency_median: float | None
    latency_worst: float | None
    ttft_median: float | None
    ttft_worst: float | None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Forecast of one component of a plan."""

    deployment: str
    component: str
    engine: str
    task: Task
    """Task of the component. If no tokens are generated, times to the first token and prices of tokens are None or
    0."""
    confidence: Confidence
    basis: str
    """Reason for the confidence, with its measured error."""
    summary: str = ""
    """Confidence class with its measured error, in a few words."""
    measured_error: MeasuredError | None = None
    """Errors in the runs on which the confidence is based; None without such runs."""
    instance_type: str
    """Instance type to which the forecast applies."""
    pool: tuple[str, ...] = ()
    """Instance types of the endpoint's pools, of which `instance_type` is the slowest; empty without pools. The price
    of tokens is the highest of all types."""
    routing: str
    """SageMaker's routing strategy that was assumed."""
    duration_seconds: float = 90.0
    """Time in which requests are sent. It does not apply to a burst or a trace."""
    copies: int
    """Number of copies of the component."""
    copies_simulated: int
    """Number of copies that were simulated with their share of the load. If the number differs between the loads, this
    is the smallest number. Rates and numbers of requests are scaled to all copies."""
    points: tuple[Point, ...]
    limits: Saturation
    warnings: tuple[str, ...] = ()
    """Warnings of the plan and of the forecast."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document, which has the fields of the forecast."""
        return {"schema": "replicas.forecast/1", **asdict(self)}
