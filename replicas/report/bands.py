"""Error bands around forecast values, from the errors of forecasts of comparable measured runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from replicas.forecast import Forecast
from replicas.pages import Band

Figure = Literal["requests_per_second", "latency", "ttft"]


def bands_of(forecast: Forecast, figure: Figure, values: Sequence[float | None]) -> tuple[Band, ...]:
    """Return the band of a figure, which contains half of the comparable measured runs.

    The band is empty if too few runs measured the figure.
    """
    measured = forecast.measured_error.figures.get(figure) if forecast.measured_error else None
    if measured is None or measured.confidence == "unmeasured":
        return ()
    sides = [_around(value, measured.median) for value in values]
    name = "range of the median error"
    return (Band(name=name, low=[low for low, _ in sides], high=[high for _, high in sides]),)


def _around(value: float | None, error: float) -> tuple[float | None, float | None]:
    """Return the lowest and highest measurement for which the forecast has at most this relative error."""
    if value is None or error >= 1:
        return None, None
    return value / (1 + error), value / (1 - error)
