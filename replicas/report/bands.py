"""Bands around the values of a forecast: the error that was measured on the runs that its class rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from replicas.forecast import Forecast
from replicas.pages import Band

Figure = Literal["requests_per_second", "latency", "ttft"]


def bands_of(forecast: Forecast, figure: Figure, values: Sequence[float | None]) -> tuple[Band, ...]:
    """Return the band of a figure: half of the runs behind its class lie within it.

    Empty if the figure has no class: too few runs have it to draw where half of them lie.
    """
    measured = forecast.measured_error.figures.get(figure) if forecast.measured_error else None
    if measured is None or measured.confidence == "unmeasured":
        return ()
    sides = [_around(value, measured.median) for value in values]
    name = "error, half of the time"
    return (Band(name=name, low=[low for low, _ in sides], high=[high for _, high in sides]),)


def _around(value: float | None, error: float) -> tuple[float | None, float | None]:
    """Return the measurements between which a forecast is off by an error, which is relative to the measurement."""
    if value is None or error >= 1:
        return None, None
    return value / (1 + error), value / (1 - error)
