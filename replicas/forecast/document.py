"""Shapes of the JSON documents of a calibration. The documents of a forecast and a profile are `Forecast` and
`Profile`.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

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
