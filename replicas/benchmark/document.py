"""Types of the JSON documents of benchmarks and of AWS's benchmark jobs."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from replicas.benchmark.measure import Point
from replicas.benchmark.settings import Settings
from replicas.benchmark.subject import Subject
from replicas.forecast.loads import MeasuredError
from replicas.planning.document import FittingPlanDocument


class ForecastErrorsDocument(TypedDict, total=False):
    """Relative error of a forecast: forecast / measured - 1."""

    requests_per_second: float
    requests_per_second_elapsed: float
    requests_per_second_window: float
    latency_p50_seconds: float
    latency_p90_seconds: float
    latency_p99_seconds: float
    ttft_p50_seconds: float
    ttft_p90_seconds: float
    tpot_p50_seconds: float
    tpot_p90_seconds: float
    output_tokens_per_second: float


class ForecastPointDocument(TypedDict):
    """The forecast of a measurement."""

    users: int | None
    requests_per_second_offered: NotRequired[float | None]
    burst: NotRequired[int | None]
    requests_per_second: NotRequired[float]
    requests_per_second_elapsed: float
    requests_per_second_window: float
    latency_p50_seconds: float | None
    latency_p90_seconds: NotRequired[float | None]
    latency_p99_seconds: NotRequired[float | None]
    ttft_p50_seconds: float | None
    ttft_p90_seconds: NotRequired[float | None]
    tpot_p50_seconds: NotRequired[float | None]
    tpot_p90_seconds: NotRequired[float | None]
    output_tokens_per_second: NotRequired[float]
    errors: ForecastErrorsDocument


class ComparedDocument(TypedDict):
    """The forecast of all measurements of a run."""

    confidence: str
    basis: str
    measured_error: NotRequired[MeasuredError | None]
    """Confidence class and measured error of each figure."""
    routing: str
    points: list[ForecastPointDocument]


class NoForecastDocument(TypedDict):
    """The reason why a run has no forecast."""

    missing: str


class HighestDocument(TypedDict):
    """Result of the search for the highest load that meets the objective."""

    what: Literal["users", "requests_per_second", "burst"]
    holds: float | None
    """Highest measured load that meets the objective; null if none does."""
    misses: float | None
    """Lowest measured load that misses the objective; null if all meet it."""
    is_complete: bool
    """False if the search reached its maximum number of steps with a wide gap between `holds` and `misses`."""
    forecast: float | None
    """Highest load that meets the objective in the forecast; null if there is no forecast."""


class BenchmarkDocument(TypedDict):
    """A sweep over loads: the content of `result.json`, and the output of `replicas benchmark --json`."""

    schema: Literal["replicas.benchmark/3"]
    subject: Subject
    settings: Settings
    versions: dict[str, str]
    plan: FittingPlanDocument | None
    users: list[int]
    """Requested numbers of users; `points` has the measurements so far."""
    rates: NotRequired[list[float]]
    bursts: NotRequired[list[int]]
    objective: NotRequired[str | None]
    """Maximum times of the answers in seconds: `ttft_p90=0.5,latency_p90=15`."""
    highest: NotRequired[HighestDocument | None]
    started: str
    points: list[Point]
    forecast: ComparedDocument | NoForecastDocument | None
    folder: NotRequired[str]
    """Folder of the result; only in the output of the command."""


class RunDocument(TypedDict):
    """One benchmark run, summarised in one row of the history."""

    folder: str
    started: str
    deployment: str
    model: str | None
    image: str
    instance_type: str
    copies: int
    template_sha256: str | None
    input_tokens: int
    output_tokens: int
    best_requests_per_second_window: float | None
    most_users: int | None
    latency_p50_seconds: float | None
    success_percent: float | None
    forecast_confidence: str | None
    forecast_errors: ForecastErrorsDocument | None


class HistoryDocument(TypedDict):
    """Earlier benchmarks, oldest first."""

    schema: Literal["replicas.history/1"]
    runs: list[RunDocument]
    unreadable: list[str]
    """A message for each result that cannot be read, with the reason."""


class JudgedValuesDocument(TypedDict):
    """The forecast of the metrics of one job."""

    requests_per_second: float
    latency_p50_seconds: float | None
    ttft_p50_seconds: float | None


class JudgedErrorsDocument(TypedDict, total=False):
    """Relative error of the forecast of a job: forecast / measured - 1."""

    requests_per_second: float
    latency_p50_seconds: float
    ttft_p50_seconds: float


class JudgedPointDocument(TypedDict):
    """The metrics of one job, with their forecast."""

    users: int | None
    requests_per_second_offered: float | None
    burst: int | None
    job: str
    result: str
    """S3 URL of the job's summary."""
    requests: int
    requests_per_second: float
    latency_p50_seconds: float | None
    latency_p90_seconds: float | None
    ttft_p50_seconds: float | None
    output_tokens_per_second: float | None
    forecast: JudgedValuesDocument | None
    errors: JudgedErrorsDocument | None


class VerificationDocument(TypedDict):
    """The results of AWS's benchmark jobs, with their forecast."""

    schema: Literal["replicas.verification/1"]
    points: list[JudgedPointDocument]
    confidence: str | None
    basis: str | None
    no_forecast: str | None
    """Reason why there is no forecast; null if there is one."""


class CandidateDocument(TypedDict):
    """A deployment that is compared with others."""

    deployment: str
    usd_per_million_output_tokens: float | None
    """Forecast price."""
    error: float | None
    """Median error of the forecast rate; null if too few runs have the rate."""
    is_measured: bool
    """True if a job measured the deployment, because its error band overlaps with the cheapest deployment's."""


class CandidatesDocument(TypedDict):
    """Deployments that the forecast compares, and measurements of the deployments that it cannot distinguish."""

    schema: Literal["replicas.verification-candidates/1"]
    candidates: list[CandidateDocument]
    verifications: dict[str, VerificationDocument]


class JobDocument(TypedDict):
    """One benchmark job."""

    job: str
    status: str
    created: str


class JobsDocument(TypedDict):
    """The benchmark jobs of a deployment."""

    schema: Literal["replicas.verification-jobs/1"]
    jobs: list[JobDocument]


class DeletedJobsDocument(TypedDict):
    """Names of deleted jobs of earlier runs."""

    schema: Literal["replicas.verification-cleanup/1"]
    deleted: list[str]


class MadeTraceDocument(TypedDict):
    """A trace that was made from captured requests."""

    schema: Literal["replicas.trace/1"]
    path: str
    requests: int
    seconds: float
    """Time between the first and the last arrival."""
    requests_per_second: float | None
    input_tokens_mean: float
    output_tokens_mean: float
    estimated: int
    """Requests whose lengths are estimated from the number of characters."""
    left_out: list[str]
    """A message for each line or request that is not in the trace, with the reason."""
