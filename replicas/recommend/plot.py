"""Plots the frontier with Matplotlib, which is part of the extra `benchmark` and is imported only when needed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from replicas.errors import RecommendError
from replicas.installation import missing_module
from replicas.recommend.frontier import Spot, frontier
from replicas.recommend.objective import Objective

_INK, _SECOND, _LIMIT = "#1f4e79", "#7aa6c2", "#c0504d"
_LABELLED = 8


def check(path: Path) -> None:
    """Check that a plot can be written, before its content is computed.

    Raises:
        RecommendError: matplotlib is not installed, or the folder does not exist.

    """
    problems = []
    try:
        import_module("matplotlib.backends.backend_agg")
    except ImportError:
        problems.append(missing_module("matplotlib"))
    if not path.parent.is_dir():
        problems.append(f"the folder {path.parent} does not exist")
    if problems:
        raise RecommendError(f"{path} cannot be drawn", problems)


def draw(title: str, spots: Sequence[Spot], objective: Objective, path: Path) -> None:
    """Write a PNG with each layout by USD per hour and latency, and the frontier as a line.

    Raises:
        RecommendError: no layout has a price and answers the load.

    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    if not spots:
        raise RecommendError(f"{path} cannot be drawn", ["no layout with a price answers the load"])
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for holds, color, label in ((True, _INK, "meets the objective"), (False, _SECOND, "misses it")):
        some = [spot for spot in spots if spot.holds == holds]
        if some:
            prices, latencies = [each.usd_per_hour for each in some], [each.latency_p90_seconds for each in some]
            axes.scatter(prices, latencies, s=18, color=color, label=label, zorder=2)
    best = frontier(spots)
    axes.step(
        [spot.usd_per_hour for spot in best],
        [spot.latency_p90_seconds for spot in best],
        where="post",
        color=_INK,
        label="frontier: none is both cheaper and faster",
        zorder=1,
    )
    for spot in best[:: -(-len(best) // _LABELLED)]:
        axes.annotate(
            _label(spot),
            (spot.usd_per_hour, spot.latency_p90_seconds),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=7,
        )
    axes.axhline(objective.latency_p90_seconds, color=_LIMIT, linestyle="--", linewidth=1, label="latency wanted")
    if objective.max_usd_per_hour is not None:
        axes.axvline(objective.max_usd_per_hour, color=_LIMIT, linestyle=":", linewidth=1, label="budget")
    axes.set(xscale="log", yscale="log", title=title, xlabel="USD an hour", ylabel="latency p90, seconds")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Software": None, "Description": fingerprint(spots, objective)})


def _label(spot: Spot) -> str:
    weights = "" if spot.quantization == "none" else f" {spot.quantization}"
    return f"{spot.copies}{weights} on {spot.instances} x {spot.instance_type.removeprefix('ml.')}"


def fingerprint(spots: Sequence[Spot], objective: Objective) -> str:
    """Return a short hash of the plotted data, stored in the picture so that a test can detect an outdated picture."""
    return sha256(repr((spots, objective)).encode()).hexdigest()
