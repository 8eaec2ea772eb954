"""Charts of a benchmark: rates and latencies by load, with the values of the forecast and of the article."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from replicas.benchmark.measure import Point
from replicas.benchmark.result import Result, key_of_point, name_of_point
from replicas.pages import Chart, Line
from replicas.pages.charts import Style, number

_ARTICLE = Path(__file__).parent / "data" / "article.json"
_QUANTILES: tuple[tuple[str, Style], ...] = (("p50", "main"), ("p90", "second"), ("p99", "third"))


def article_points(result: Result) -> dict[int, dict[str, Any]]:
    """Return the measurements of the article, by number of users; empty if the result is for a different model."""
    article = json.loads(_ARTICLE.read_text())
    if article["model"] not in (result.subject.model or "").lower():
        return {}
    return {point["users"]: point for point in article["points"]}


def forecast_points(result: Result) -> dict[tuple[str, float], dict[str, Any]]:
    """Return the forecast of each measured load, by the load; empty if there is no forecast."""
    predicted = (result.forecast or {}).get("points", ())
    return {key_of_point(point): expected for point, expected in zip(result.points, predicted, strict=False)}


def charts_of(result: Result) -> list[Chart]:
    """Return the charts of the complete measurements; empty without such measurements."""
    points = sorted((point for point in result.points if not point.interrupted), key=key_of_point)
    if not points:
        return []
    rates = [
        Line(name="in the window", values=[point.requests_per_second_window for point in points]),
        Line(name="with the drain", values=[point.requests_per_second_elapsed for point in points], style="second"),
        *_beside(result, points, "requests_per_second", "requests_per_second_elapsed"),
    ]
    latencies = [
        *_quantiles(points, "latency_seconds"),
        *_beside(result, points, "median_seconds", "latency_p50_seconds"),
    ]
    charts = [
        _chart("Requests a second", "requests a second", points, rates),
        _chart("Latency", "seconds", points, latencies),
    ]
    if result.subject.task == "generate":
        charts.append(_chart("Time to the first token", "seconds", points, _quantiles(points, "ttft_seconds")))
    return charts


def _chart(title: str, y: str, points: Sequence[Point], lines: Sequence[Line]) -> Chart:
    first, ends = lines[0].values, [name_of_point(point) for point in (points[0], points[-1])]
    return Chart(
        title=title,
        x="users" if all(point.users is not None for point in points) else "size of the load",
        y=y,
        xs=[key_of_point(point)[1] for point in points],
        lines=lines,
        summary=f"{number(first[0])} at {ends[0]}, {number(first[-1])} at {ends[1]}.",
    )


def _quantiles(points: Sequence[Point], figure: str) -> list[Line]:
    return [
        Line(name=name, values=[getattr(getattr(point, figure), name, None) for point in points], style=style)
        for name, style in _QUANTILES
    ]


def _beside(result: Result, points: Sequence[Point], key: str, forecast_key: str) -> list[Line]:
    """Return the curves of the forecast and of the article for the measured loads."""
    forecast, article = forecast_points(result), article_points(result)
    lines = []
    if forecast:
        values = [forecast.get(key_of_point(point), {}).get(forecast_key) for point in points]
        lines.append(Line(name="forecast", values=values, style="forecast"))
    if article:
        values = [article.get(point.users or 0, {}).get(key) for point in points]
        lines.append(Line(name="article", values=values, style="published", joined=False))
    return lines
