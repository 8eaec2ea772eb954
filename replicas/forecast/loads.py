"""Output of a forecast: the rates and latencies under each load, and what limits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from replicas.catalogue.tasks import Task

Confidence = Literal["calibrated", "extrapolated", "order-of-magnitude", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """Forecast of one load: the figures that a benchmark of that load measures, with the same definitions."""

    users: int | None
    requests_per_second_offered: float | None
    """Mean rate of the arrivals, of a rate or a trace."""
    burst: int | None = None
    """Requests that arrive at once."""
    is_reached: bool | None = None
    """Whether as many requests are answered as arrive; None for users and a burst, or if too few arrive to tell."""
    requests: int
    """Requests sent, answered or refused."""
    refused: int
    """Requests that the engine refused because its limit of running and waiting requests was reached."""
    elapsed_seconds: float
    """Time until the last request in flight has ended, including the drain."""
    requests_per_second: float
    """Answers per second that the load settles at (`replicas.load.figures.lasting_rate`); of a burst or a trace, all
    answers over the elapsed time."""
    requests_per_second_elapsed: float
    """Requests per second over the elapsed time, refused ones too: the article's req/s."""
    requests_per_second_window: float
    """Answers within the duration, divided by the duration: the sustained rate. A burst or a trace lasts until its
    last answer."""
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
    """Price of a million output tokens at `output_tokens_per_second`. The component bears the part of the price of all
    instances that the accelerators of its copies have in those of all components: idle accelerators are paid by all.
    None if the price is unknown, or no token was answered."""


@dataclass(frozen=True, kw_only=True)
class PointLimits:
    """How the engines spend their time at one point, and what requests wait for. Times are shares of the duration; a
    burst or a trace lasts until its last answer.
    """

    users: int | None
    requests_per_second_offered: float | None
    burst: int | None = None
    busy: float
    """Busy time, mean over the copies: the sum of the five shares below."""
    compute: float
    """Linear layers and attention of prompts, and decoding with enough sequences to be limited by compute."""
    weights_read: float
    """Reading weights, in steps that are limited by memory bandwidth."""
    cache_read: float
    """Reading the KV cache of decoding sequences."""
    exchange: float
    """Communication between the accelerators of a copy."""
    host: float
    """Work on the host (launching kernels, preparing steps and sequences) while the accelerators wait."""
    running_mean: float
    """Mean number of requests in the batch of a busy copy."""
    waiting_mean: float
    """Mean number of requests in a copy's queue."""
    kv_cache_share_max: float
    """Largest share of a copy's KV cache that was reserved."""
    waits_for: str | None
    """The resource or rule that kept requests waiting most of the time: `admission rule`, `KV cache`, `sequences` or
    `prefill budget`; None if none waited."""
    batch_gain: float = 0.0
    """Share by which the answers of a busy copy would rise if its batch held twice as many requests."""


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """The resource that saturates first as the load grows over the points."""

    first: str | None
    """`compute`, `memory bandwidth`, `host`, `exchange`; `KV cache`, `sequences` or `concurrency limit` if it keeps the
    batch small; None if no point is saturated. A frontend delays each request, and saturates nothing here."""
    users: int | None
    """Users of the first saturated point."""
    requests_per_second_offered: float | None
    burst: int | None = None
    requests_per_second: float | None
    """Highest request rate of any point, measured over the duration of the point."""
    why: str
    """The reason, in one sentence with figures."""
    points: tuple[PointLimits, ...]


@dataclass(frozen=True, kw_only=True)
class FigureError:
    """Error of one figure on the runs that have it: relative to the measurement, without its sign."""

    confidence: Confidence
    """Class of this figure alone."""
    runs: int
    """Runs that have this figure; for `calibrated` the points of the run that constants were fitted to."""
    sources: int
    """Sources (repositories, sites) of the runs."""
    median: float
    """Half of the forecasts are off by no more."""
    worst: float


@dataclass(frozen=True, kw_only=True)
class MeasuredError:
    """Error of forecasts on the runs that support one: relative to the measurement, without its sign. The figures rest
    on different runs: `figures` has the number of each.
    """

    runs: int
    """Runs that have one of the figures."""
    sources: int
    """Sources (repositories, sites) of the runs."""
    figures: Mapping[str, FigureError]
    """By figure: `requests_per_second`, `latency`, `ttft`, `tpot`; a figure that no run has is left out."""
    requests_per_second_median: float | None
    """Half of the forecasts are off by no more; None if the runs have no such figure."""
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
    """What the component answers with. Without tokens, times to the first one and prices of tokens are null or 0."""
    confidence: Confidence
    basis: str
    """Reason for the confidence, with its measured error."""
    summary: str = ""
    """The class with its measured error, in a few words."""
    measured_error: MeasuredError | None = None
    """Error on the runs that the confidence rests on; None if there are none."""
    routing: str
    """SageMaker's routing strategy that was assumed."""
    duration_seconds: float = 90.0
    """Time in which requests are sent; a burst and a trace have their own."""
    points: tuple[Point, ...]
    limits: Saturation
    warnings: tuple[str, ...] = ()
    """The warnings of the plan that the forecast rests on."""

    def to_document(self) -> dict[str, Any]:
        """JSON document: the fields of the forecast."""
        return {"schema": "replicas.forecast/1", **asdict(self)}
