"""Bands around the values of a forecast: the error that was measured on the runs that its class rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from replicas.forecast import Forecast
from replicas.pages import Band

Figure = Literal["requests_per_second", "latency", "ttft"]


def bands_of(forecast: Forecast, figure: Figure, values: Sequence[float | None]) -> tuple[Band, ...]:
    """Return the band of a figure: half of the runs lie within it. For a fit, which has no half, all points of its run.

    Empty if no error of the figure was measured.
    """
    measured = forecast.measured_error
    if measured is None:
        return ()
    half: float | None = getattr(measured, f"{figure}_median")
    worst: float | None = getattr(measured, f"{figure}_worst")
    if half is None and worst is None:
        return ()
    error, name = (worst or 0.0, "largest error") if half is None else (half, "error, half of the time")
    sides = [_around(value, error) for value in values]
    return (Band(name=name, low=[low for low, _ in sides], high=[high for _, high in sides]),)


def _around(value: float | None, error: float) -> tuple[float | None, float | None]:
    """Return the measurements between which a forecast is off by an error, which is relative to the measurement."""
    if value is None or error >= 1:
        return None, None
    return value / (1 + error), value / (1 - error)
