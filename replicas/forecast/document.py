"""Shapes of the JSON documents of a calibration and of a cold start. The documents of a forecast and a profile are
`Forecast` and `Profile`.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.start.document import PhaseDocument, SpanDocument, StartRecordDocument

FittedConstant = TypedDict("FittedConstant", {"was": float, "is": float})


class ResidualDocument(TypedDict):
    """A profile's forecast and the measurement of one figure. Errors are relative to the measurement; positive if too
    high.
    """

    users: int | None
    load: str
    """The load in words."""
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
    """Path of the profile's file; null if it was not written: the fit makes points worse that it has not seen."""
    fitted: dict[str, FittedConstant]
    worst_residual: float | None
    residuals: list[ResidualDocument]
    held_back: list[ResidualDocument]
    """Points that a first fit has not seen; empty if the run has fewer than three points."""
    improves: bool | None
    """True if that fit makes the mean error at those points no larger; null if there are none."""


class TimeoutDocument(TypedDict):
    """A timeout of the plan, beside what it must cover."""

    name: Literal["ContainerStartupHealthCheckTimeoutInSeconds", "ModelDataDownloadTimeoutInSeconds"]
    seconds: int
    covers: SpanDocument
    is_enough: bool
    reason: str


class DelayDocument(TypedDict):
    """How long something takes that needs new copies."""

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
    """Null if a part was not measured."""
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
    """The record whose times are used; null if there is none of this copy."""
    notes: list[str]
    warnings: list[str]


class KeptStartsDocument(TypedDict):
    """Measured starts that `replicas calibrate` has kept."""

    schema: Literal["replicas.kept-starts/1"]
    path: str
    """File that keeps them."""
    records: list[StartRecordDocument]
    """The records that were added."""
    simulated: int
    """How many of them are of an embedded AWS, which no forecast uses."""
