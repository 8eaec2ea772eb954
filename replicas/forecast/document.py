"""Shapes of the JSON documents of a calibration. Those of a forecast and a profile are `Forecast` and `Profile`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

FittedConstant = TypedDict("FittedConstant", {"was": float, "is": float})


class ResidualDocument(TypedDict):
    """A profile's forecast beside a measurement. An error is a share of what was measured; positive: too high."""

    users: int
    what: Literal["requests_per_second_window", "latency_p50_seconds", "ttft_p50_seconds"]
    measured: float
    forecast: float
    error: float
    error_before: float


class CalibrationDocument(TypedDict):
    """A profile that was fitted to a run."""

    schema: Literal["replicas.calibration/1"]
    profile: str
    """File of the profile."""
    fitted: dict[str, FittedConstant]
    worst_residual: float | None
    residuals: list[ResidualDocument]
