"""Shapes of the JSON documents of benchmarks and of AWS's benchmark jobs."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from replicas.benchmark.measure import Point
from replicas.benchmark.settings import Settings
from replicas.benchmark.subject import Subject
from replicas.planning.document import FittingPlanDocument


class ForecastErrorsDocument(TypedDict, total=False):
    """How far a forecast is off: shares of what was measured, positive where the forecast is larger."""

    requests_per_second_elapsed: float
    requests_per_second_window: float
    latency_p50_seconds: float
    ttft_p50_seconds: float


class ForecastPointDocument(TypedDict):
    """The forecast of a measured point."""

    users: int
    requests_per_second_elapsed: float
    requests_per_second_window: float
    latency_p50_seconds: float | None
    ttft_p50_seconds: float | None
    errors: ForecastErrorsDocument


class ComparedDocument(TypedDict):
    """The forecast of a run."""

    confidence: str
    basis: str
    routing: str
    points: list[ForecastPointDocument]


class NoForecastDocument(TypedDict):
    """Why a run has no forecast."""

    missing: str


class BenchmarkDocument(TypedDict):
    """A sweep over numbers of users: `result.json`, and what `replicas benchmark --json` prints."""

    schema: Literal["replicas.benchmark/3"]
    subject: Subject
    settings: Settings
    versions: dict[str, str]
    plan: FittingPlanDocument | None
    users: list[int]
    """Points that were requested; `points` are those that were measured so far."""
    started: str
    points: list[Point]
    forecast: ComparedDocument | NoForecastDocument | None
    folder: NotRequired[str]
    """Folder of the result; the command adds it."""


class RunDocument(TypedDict):
    """One run of the history, in one row."""

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


class JudgedValuesDocument(TypedDict):
    """The forecast of what a job measured."""

    requests_per_second: float
    latency_p50_seconds: float | None
    ttft_p50_seconds: float | None


class JudgedErrorsDocument(TypedDict, total=False):
    """How far the forecast is off a job: shares of what was measured."""

    requests_per_second: float
    latency_p50_seconds: float
    ttft_p50_seconds: float


class JudgedPointDocument(TypedDict):
    """What one job measured, beside the forecast."""

    users: int
    job: str
    result: str
    """Where its summary lies in S3."""
    requests: int
    requests_per_second: float
    latency_p50_seconds: float | None
    latency_p90_seconds: float | None
    ttft_p50_seconds: float | None
    output_tokens_per_second: float | None
    forecast: JudgedValuesDocument | None
    errors: JudgedErrorsDocument | None


class VerificationDocument(TypedDict):
    """What AWS's benchmark jobs measured."""

    schema: Literal["replicas.verification/1"]
    points: list[JudgedPointDocument]
    confidence: str | None
    basis: str | None
    no_forecast: str | None
    """Why there is no forecast."""


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
    """Jobs of earlier runs that were deleted."""

    schema: Literal["replicas.verification-cleanup/1"]
    deleted: list[str]
