"""Charts of a component's forecasts over its load."""

from __future__ import annotations

from collections.abc import Sequence

from replicas.forecast import Forecast
from replicas.pages import Chart, Line, Mark
from replicas.pages.charts import number
from replicas.report.bands import Figure, bands_of
from replicas.report.loads import Curve


def charts_of(curve: Curve) -> list[Chart]:
    """Return the charts of a component: throughput, latency and, for generated text, time to the first token."""
    result = curve.forecast
    if result is None:
        return []
    points = result.points
    rates = [point.requests_per_second for point in points]
    charts = [
        _chart(
            curve,
            result,
            "requests_per_second",
            "Requests a second",
            "requests a second",
            [Line(name="answered", values=rates)],
        ),
        _chart(
            curve,
            result,
            "latency",
            "Latency",
            "seconds",
            _percentiles([(point.latency_p50_seconds, point.latency_p90_seconds) for point in points]),
        ),
    ]
    if result.task == "generate":
        charts.append(
            _chart(
                curve,
                result,
                "ttft",
                "Time to the first token",
                "seconds",
                _percentiles([(point.ttft_p50_seconds, point.ttft_p90_seconds) for point in points]),
            )
        )
    return charts


def _percentiles(seconds: Sequence[tuple[float | None, float | None]]) -> list[Line]:
    """Return the lines of the 50th and the 90th percentile."""
    return [
        Line(name="p50", values=[half for half, _ in seconds]),
        Line(name="p90", values=[most for _, most in seconds], style="second"),
    ]


def _chart(curve: Curve, result: Forecast, figure: Figure, title: str, y: str, lines: Sequence[Line]) -> Chart:
    xs = [float(load.users or load.requests_per_second or 0.0) for load in curve.loads]
    first = lines[0].values
    return Chart(
        title=title,
        x=curve.unit,
        y=y,
        xs=xs,
        log_x=True,
        whole_ticks=True,
        lines=lines,
        bands=bands_of(result, figure, first),
        marks=_marks(curve, result),
        summary=(
            f"{number(first[0])} at {number(xs[0])} {curve.unit}, {number(first[-1])} at {number(xs[-1])}"
            f"{' (p50)' if lines[0].name == 'p50' else ''}."
        ),
    )


def _marks(curve: Curve, result: Forecast) -> tuple[Mark, ...]:
    marks = []
    if curve.declared is not None:
        declared = float(curve.declared.users or curve.declared.requests_per_second or 0.0)
        marks.append(Mark(label="declared", value=declared, style="traffic"))
    limits = result.limits
    saturated = limits.users if limits.users is not None else limits.requests_per_second_offered
    if limits.first and saturated is not None:
        marks.append(Mark(label=limits.first, value=float(saturated)))
    return tuple(marks)
