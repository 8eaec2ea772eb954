"""Writes a result as plots (PNG) and one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from replicas.benchmark.charts import article_points, charts_of, forecast_points
from replicas.benchmark.measure import Point
from replicas.benchmark.result import Result, key_of_point, name_of_point
from replicas.escaping import printable
from replicas.forecast.tokens import cells_of_task
from replicas.pages import write_page

_FOLDER = Path(__file__).parent
_INK, _SECOND, _ARTICLE, _FORECAST_INK = "#1f4e79", "#7aa6c2", "#c0504d", "#2e8b57"


def write_report(result: Result, folder: Path) -> Path:
    """Write the plots (PNG) and `index.html`; return the path of the page."""
    for name, draw in _PLOTS.items():
        if result.points and (result.subject.task == "generate" or name != "ttft"):
            draw(result, folder / f"{name}.png")
    best = max(
        (point for point in result.points if not point.interrupted),
        key=lambda point: point.requests_per_second_window,
        default=None,
    )
    path = folder / "index.html"
    write_page(
        path,
        _FOLDER / "page.html.jinja",
        result=result,
        best=best,
        best_load=name_of_point(best) if best else "",
        columns=[(title, why, title.split()[0]) for title, why in columns(result)],
        rows=rows(result),
        errors=[
            (name_of_point(point), kind, str(count)) for point in result.points for kind, count in point.errors.items()
        ],
        charts=charts_of(result),
    )
    return path


_COLUMNS = (
    ("users", "users in a closed loop, or the load that does not wait for answers"),
    ("requests", "all requests, answered or not"),
    ("req/s", "all requests divided by the elapsed time until the last answer, as in the article"),
    ("req/s window", "requests answered within the duration"),
    ("p50 s", "median latency"),
    ("p90 s", "90th percentile of latency"),
    ("p99 s", "99th percentile of latency"),
    ("TTFT p50 s", "time to the first token"),
    ("ITL p50 ms", "time between tokens"),
    ("tokens/s", "output tokens within the duration"),
    ("USD / M tokens", "per million output tokens, at the price of the instances"),
    ("success %", "requests answered"),
)
_FORECAST = (
    ("forecast req/s", "requests over the elapsed time, forecast"),
    ("off by", "relative error of the forecast of req/s: forecast / measured - 1"),
    ("forecast p50 s", "median latency, forecast"),
    ("off by", "relative error of the forecast of the median latency: forecast / measured - 1"),
)
_ARTICLE_COLUMNS = (("article req/s", "req/s in the article"), ("article p50 s", "median latency in the article"))


def columns(result: Result) -> list[tuple[str, str]]:
    """Return the title and the meaning of each column of the table."""
    forecast = _FORECAST if forecast_points(result) else ()
    return [*_COLUMNS, *forecast, *(_ARTICLE_COLUMNS if article_points(result) else ())]


def rows(result: Result) -> list[list[str]]:
    """Return the table cells of each measurement, in the order of `columns`."""
    article, forecast = article_points(result), forecast_points(result)
    return [
        [
            *cells_of_task([title for title, _ in _COLUMNS], _measured(point), result.subject.task),
            *(_forecast(forecast.get(key_of_point(point))) if forecast else ()),
            *(_article(article.get(point.users or 0)) if article else ()),
        ]
        for point in result.points
    ]


def _measured(point: Point) -> list[str]:
    latency, ttft, between = point.latency_seconds, point.ttft_seconds, point.inter_token_seconds
    cost = point.usd_per_million_output_tokens
    return [
        f"{_load(point)}{' (interrupted)' if point.interrupted else ''}",
        f"{point.requests:,}",
        f"{point.requests_per_second_elapsed:.2f}",
        f"{point.requests_per_second_window:.2f}",
        f"{latency.p50:.2f}" if latency else "-",
        f"{latency.p90:.2f}" if latency else "-",
        f"{latency.p99:.2f}" if latency else "-",
        f"{ttft.p50:.2f}" if ttft else "-",
        f"{between.p50 * 1000:.0f}" if between else "-",
        f"{point.output_tokens_per_second:,.0f}",
        f"{cost:.2f}" if cost is not None else "-",
        f"{point.success_percent:.1f}",
    ]


def _load(point: Point) -> str:
    return f"{point.users:,}" if point.users is not None else name_of_point(point)


def _forecast(point: dict[str, Any] | None) -> list[str]:
    if point is None:
        return ["-"] * len(_FORECAST)
    return [
        text
        for name in ("requests_per_second_elapsed", "latency_p50_seconds")
        for text in (
            f"{point[name]:.2f}" if point[name] is not None else "-",
            f"{point['errors'][name]:+.0%}" if name in point["errors"] else "-",
        )
    ]


def _article(point: dict[str, Any] | None) -> list[str]:
    return [f"{point['requests_per_second']:.2f}", f"{point['median_seconds']:.2f}"] if point else ["-", "-"]


# ---- plots


def _throughput(result: Result, path: Path) -> Path:
    def draw(axes: Any, points: Sequence[Point], users: list[float]) -> None:
        axes.plot(
            users, [point.requests_per_second_window for point in points], "o-", color=_INK, label="in the window"
        )
        axes.plot(
            users, [point.requests_per_second_elapsed for point in points], "s--", color=_SECOND, label="with the drain"
        )
        _beside(axes, result, "requests_per_second", "requests_per_second_elapsed")
        axes.set_ylabel("requests a second")

    return _plot(result, path, "Throughput", draw)


def _latency(result: Result, path: Path) -> Path:
    def draw(axes: Any, points: Sequence[Point], users: list[float]) -> None:
        for quantile, style in (("p50", "o-"), ("p90", "^--"), ("p99", "v:")):
            values = [getattr(point.latency_seconds, quantile, None) for point in points]
            axes.plot(users, _numbers(values), style, color=_INK if quantile == "p50" else _SECOND, label=quantile)
        _beside(axes, result, "median_seconds", "latency_p50_seconds")
        axes.set_ylabel("latency, seconds")

    return _plot(result, path, "Latency", draw)


def _first_token(result: Result, path: Path) -> Path:
    def draw(axes: Any, points: Sequence[Point], users: list[float]) -> None:
        for quantile, style in (("p50", "o-"), ("p90", "^--"), ("p99", "v:")):
            values = [getattr(point.ttft_seconds, quantile, None) for point in points]
            axes.plot(users, _numbers(values), style, color=_INK if quantile == "p50" else _SECOND, label=quantile)
        axes.set_ylabel("time to the first token, seconds")

    return _plot(result, path, "Time to the first token", draw)


_PLOTS: dict[str, Callable[[Result, Path], Path]] = {
    "throughput": _throughput,
    "latency": _latency,
    "ttft": _first_token,
}


def _plot(result: Result, path: Path, title: str, draw: Callable[[Any, Sequence[Point], list[float]], None]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes, result.points, [key_of_point(point)[1] for point in result.points])
    subject = f"{printable(result.subject.deployment)}, {result.subject.copies} copies"
    axes.set_title(f"{title}: {subject}", parse_math=False)
    axes.set_xlabel("users" if all(point.users is not None for point in result.points) else "size of the load")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)
    return path


def _beside(axes: Any, result: Result, key: str, forecast_key: str) -> None:
    article, forecast = article_points(result), forecast_points(result)
    if forecast:
        values = _numbers([point.get(forecast_key) for point in forecast.values()])
        axes.plot(
            [size for _, size in forecast], values, "-", linewidth=5, alpha=0.3, color=_FORECAST_INK, label="forecast"
        )
    if article:
        axes.plot(list(article), [point[key] for point in article.values()], "x", color=_ARTICLE, label="the article's")


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
