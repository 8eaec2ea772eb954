"""Tables and plot of docs/forecast.md: forecasts of the article's nine measurements and of other published runs."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from replicas import plan
from replicas.deployment.file import find_deployment
from replicas.forecast import Forecast, Load, forecast
from scripts.exam import results
from tests.forecast import published

ROOT = Path(__file__).resolve().parent.parent
PLOT = ROOT / "docs" / "forecast.svg"
_ARTICLE = ROOT / "replicas" / "benchmark" / "data" / "article.json"
_INK, _OTHER, _MEASURED = "#1f4e79", "#7aa6c2", "#c0504d"

Rows = list[tuple[str, ...]]


def main() -> None:
    """Redraw the plot."""
    draw(PLOT)
    print(PLOT.relative_to(ROOT))


def article() -> list[dict[str, Any]]:
    """Return the measurements of the article, one per number of users."""
    points: list[dict[str, Any]] = json.loads(_ARTICLE.read_text())["points"]
    return points


@cache
def of_article(routing: Any = "RANDOM") -> Forecast:
    """Return the forecast for the loads of the article."""
    planned = plan(find_deployment("llama-2-13b", ROOT / "deployments.py"))
    loads = [Load(users=point["users"], input_tokens=1000, output_tokens=50) for point in article()]
    return forecast(planned, planned.components[0], loads, routing=routing)


def article_rows() -> Rows:
    """Return one row per measurement of the article with its forecast, and a row with the mean errors."""
    rows: Rows = []
    rates, medians = [], []
    for point, measured in zip(of_article().points, article(), strict=True):
        latency = point.latency_p50_seconds or 0.0
        rates.append(point.requests_per_second_elapsed / measured["requests_per_second"] - 1)
        medians.append(latency / measured["median_seconds"] - 1)
        rows.append(
            (
                str(point.users),
                f"{measured['requests']:,}",
                f"{point.requests:,}",
                f"{measured['requests_per_second']:.2f}",
                f"{point.requests_per_second_elapsed:.2f}",
                f"{rates[-1]:+.1%}",
                f"{measured['median_seconds']:.2f}",
                f"{latency:.2f}",
                f"{medians[-1]:+.1%}",
            )
        )
    means = (f"{fmean(map(abs, errors)):.1%}" for errors in (rates, medians))
    return [*rows, ("mean error", "", "", "", "", next(means), "", "", next(means))]


ARTICLE_COLUMNS = (
    *("users", ">requests", ">forecast", ">req/s", ">forecast", ">error", ">p50 s", ">forecast", ">error"),
)


def exam_runs() -> list[dict[str, Any]]:
    """Return the published runs of the last exam (`scripts/exam`), with the errors of their forecasts."""
    runs: list[dict[str, Any]] = results.stored()["runs"]
    return runs


def held_out_rows() -> Rows:
    """Return one row per published run, with the mean and the worst error of its forecast."""
    rows: Rows = []
    for kind, errors_of in (("prompts", published.prompt_errors), ("decode", published.decode_errors)):
        for case in published.SPLITWISE[kind]:
            what = "a prompt of {} tokens" if kind == "prompts" else "a token with a batch of {}"
            sizes = list(case["ms_by_tokens" if kind == "prompts" else "ms_by_batch"])
            description = what.format(f"{sizes[0]} to {int(sizes[-1]):,}" if len(sizes) > 1 else sizes[0])
            rows.append(_row("Llama 2 70B", case["instance"], case["degree"], description, errors_of(case)))
    for run in published.SMALL["runs"]:
        ratios = [ratio - 1 for ratio in published.ratios_of(run)]
        users = [point["users"] for point in run["points"]]
        description = f"requests and median latency at {users[0]} to {users[-1]} users"
        words = run["model"].rpartition("/")[2].split("-")
        name = " ".join(word if word == "GPTQ" else word.capitalize() for word in words if word.lower() != "chat")
        rows.append(_row(re.sub(r"b\b", "B", name), run["instance"], run["degree"], description, ratios))
    return rows


HELD_OUT_COLUMNS = ("model", "instance", ">degree", "measured", ">mean error", ">worst")


def _row(model: str, instance: str, degree: int, what: str, errors: list[float]) -> tuple[str, ...]:
    return (
        model,
        instance,
        str(degree),
        what,
        f"{fmean(map(abs, errors)):.0%}",
        f"{max(errors, key=abs):+.0%}",
    )


def draw(path: Path) -> None:
    """Draw the forecast and the article's measurements as SVG. The bytes are the same in every run."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    users = [point["users"] for point in article()]
    with mpl.rc_context({"svg.hashsalt": "forecast", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        rate, latency = figure.subplots(1, 2)
        for routing, ink, label in (
            ("RANDOM", _INK, "forecast, routed at random"),
            ("LEAST_OUTSTANDING_REQUESTS", _OTHER, "forecast, least outstanding requests"),
        ):
            points = of_article(routing).points
            rate.plot(users, [point.requests_per_second_elapsed for point in points], "-", color=ink, label=label)
            latency.plot(users, [point.latency_p50_seconds or 0.0 for point in points], "-", color=ink, label=label)
        measured = {"marker": "o", "linestyle": "", "color": _MEASURED, "label": "the article"}
        rate.plot(users, [point["requests_per_second"] for point in article()], **measured)
        latency.plot(users, [point["median_seconds"] for point in article()], **measured)
        for axes, title in ((rate, "requests a second, with the drain"), (latency, "median latency, seconds")):
            axes.set_title(title)
            axes.set_xlabel("users")
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
        rate.legend(loc="lower right")
        figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
