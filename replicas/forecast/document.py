"""Types of the JSON documents of a calibration and of a cold start.

The documents of a forecast and of a profile have the fields of `Forecast` and `Profile`.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.start.document import PhaseDocument, SpanDocument, StartRecordDocument

FittedConstant = TypedDict("FittedConstant", {"was": float, "is": float})


class ResidualDocument(TypedDict):
    """Forecast and measurement of one figure. Errors are relative to the measurement, positive if the forecast is too
    high.
    """

    users: int | None
    load: str
    """Description of the load."""
    what: Literal[
        "requests_per_second",
        "requests_per_second_window",
        "latency_p50_seconds",
        "ttft_p50_seconds",
        "tpot_p50_seconds",
    ]
    measured: float
    forecast: float
    error: float
    error_before: float


class CalibrationDocument(TypedDict):
    """A profile that was fitted to a run."""

    schema: Literal["replicas.calibration/1"]
    profile: str | None
    """Path of the profile's file; null if it was not written, because the fit is worse for the held-back loads."""
    fitted: dict[str, FittedConstant]
    worst_residual: float | None
    residuals: list[ResidualDocument]
    held_back: list[ResidualDocument]
    """Errors for the loads that were held back from a first fit; empty if the run has fewer than three loads."""
    improves: bool | None
    """True if the first fit does not increase the mean error for the held-back loads; null without such loads."""


class TimeoutDocument(TypedDict):
    """A timeout of the plan, and the time that it must cover."""

    name: Literal["ContainerStartupHealthCheckTimeoutInSeconds", "ModelDataDownloadTimeoutInSeconds"]
    seconds: int
    covers: SpanDocument
    is_enough: bool
    reason: str


class DelayDocument(TypedDict):
    """Duration of an operation that needs new copies, for example scaling out."""

    name: Literal[
        "copy",
        "copy_on_new_instance",
        "new_endpoint",
        "scale_out",
        "scale_out_on_new_instance",
        "wake",
        "roll",
    ]
    what: str
    seconds: int | None
    """Expected seconds; null if one of the phases was not measured."""
    low_seconds: int
    high_seconds: int


class ColdStartDocument(TypedDict):
    """Cold start of one component of a plan."""

    schema: Literal["replicas.cold-start/1"]
    deployment: str
    component: str
    model: str
    engine: str
    instance_type: str
    accelerators: int
    weights: Literal["hub", "s3"]
    phases: list[PhaseDocument]
    timeouts: list[TimeoutDocument]
    delays: list[DelayDocument]
    measured: StartRecordDocument | None
    """Record of a measured start whose times are used; null if no record matches this copy."""
    notes: list[str]
    warnings: list[str]


class KeptStartsDocument(TypedDict):
    """Measured starts that `replicas calibrate` stored."""

    schema: Literal["replicas.kept-starts/1"]
    path: str
    """File with the stored records."""
    records: list[StartRecordDocument]
    """The records that were added."""
    simulated: int
    """Number of added records that an embedded AWS produced. Forecasts do not use these records."""
