"""A result as plots and as one page that needs nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from replicas.operations.benchmark.measure import Point
from replicas.operations.benchmark.result import Result

_FOLDER = Path(__file__).parent
_INK, _SECOND, _ARTICLE = "#1f4e79", "#7aa6c2", "#c0504d"


def article_points(result: Result) -> dict[int, dict[str, Any]]:
    """The article's points by users, where the result is of the model that it measured."""
    article = json.loads((_FOLDER / "data" / "article.json").read_text())
    if article["model"] not in (result.subject.model or "").lower():
        return {}
    return {point["users"]: point for point in article["points"]}


def write_report(result: Result, folder: Path) -> Path:
    """Write the plots (PNG) and `index.html`; the path of the page."""
    from jinja2 import Environment

    plots = {name: draw(result, folder / f"{name}.png") for name, draw in _PLOTS.items() if result.points}
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string((_FOLDER / "page.html.jinja").read_text()).render(
        result=result,
        columns=COLUMNS,
        rows=[(point, row(point, article_points(result).get(point.users))) for point in result.points],
        article=bool(article_points(result)),
        plots={name: base64.b64encode(path.read_bytes()).decode() for name, path in plots.items()},
    )
    path = folder / "index.html"
    path.write_text(page)
    return path


COLUMNS = (
    ("users", "users in a closed loop"),
    ("requests", "all, answered or not"),
    ("req/s", "requests over the elapsed time with its drain: the article's column"),
    ("req/s window", "answered within the duration"),
    ("p50 s", "median latency"),
    ("p90 s", "latency"),
    ("p99 s", "latency"),
    ("TTFT p50 s", "time to the first token"),
    ("ITL p50 ms", "time between tokens"),
    ("tokens/s", "output tokens within the duration"),
    ("USD / M tokens", "of output, at the price of the instances"),
    ("success %", "requests answered"),
    ("article req/s", "the article's"),
    ("article p50 s", "the article's"),
)


def row(point: Point, article: dict[str, Any] | None) -> list[str]:
    """The cells of a point, in the order of `COLUMNS`."""
    latency, ttft, between = point.latency_seconds, point.ttft_seconds, point.inter_token_seconds
    cost = point.usd_per_million_output_tokens
    return [
        f"{point.users:,}{' (interrupted)' if point.interrupted else ''}",
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
        f"{article['requests_per_second']:.2f}" if article else "-",
        f"{article['median_seconds']:.2f}" if article else "-",
    ]


# ---- plots


def _throughput(result: Result, path: Path) -> Path:
    def draw(axes: Any, points: Sequence[Point], users: list[int]) -> None:
        axes.plot(
            users, [point.requests_per_second_window for point in points], "o-", color=_INK, label="in the window"
        )
        axes.plot(
            users, [point.requests_per_second_elapsed for point in points], "s--", color=_SECOND, label="with the drain"
        )
        _beside(axes, result, "requests_per_second")
        axes.set_ylabel("requests a second")

    return _plot(result, path, "Throughput", draw)


def _latency(result: Result, path: Path) -> Path:
    def draw(axes: Any, points: Sequence[Point], users: list[int]) -> None:
        for part, style in (("p50", "o-"), ("p90", "^--"), ("p99", "v:")):
            values = [getattr(point.latency_seconds, part, None) for point in points]
            axes.plot(users, _numbers(values), style, color=_INK if part == "p50" else _SECOND, label=part)
        _beside(axes, result, "median_seconds")
        axes.set_ylabel("latency, seconds")

    return _plot(result, path, "Latency", draw)


def _first_token(result: Result, path: Path) -> Path:
    def draw(axes: Any, points: Sequence[Point], users: list[int]) -> None:
        for part, style in (("p50", "o-"), ("p90", "^--"), ("p99", "v:")):
            values = [getattr(point.ttft_seconds, part, None) for point in points]
            axes.plot(users, _numbers(values), style, color=_INK if part == "p50" else _SECOND, label=part)
        axes.set_ylabel("time to the first token, seconds")

    return _plot(result, path, "Time to the first token", draw)


_PLOTS: dict[str, Callable[[Result, Path], Path]] = {
    "throughput": _throughput,
    "latency": _latency,
    "ttft": _first_token,
}


def _plot(result: Result, path: Path, title: str, draw: Callable[[Any, Sequence[Point], list[int]], None]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes, result.points, [point.users for point in result.points])
    axes.set_title(f"{title}: {result.subject.deployment}, {result.subject.copies} copies")
    axes.set_xlabel("users")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)
    return path


def _beside(axes: Any, result: Result, key: str) -> None:
    article = article_points(result)
    if article:
        axes.plot(list(article), [point[key] for point in article.values()], "x", color=_ARTICLE, label="the article's")


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
