"""Draw a picture of the production example's dashboard from its definition, for `make docs`.

Widgets, titles, series and lines come from `dashboard_body`. The values are invented: a simple traffic curve of one
day. The metadata of the picture contains a digest of the definition, so that a test detects an outdated picture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicas import ComponentPlan, EndpointPlan, plan
from replicas.deployment.file import load_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "dashboard.png"
EXAMPLE = ROOT / "docs" / "examples" / "production.py"
CAPTION = "Drawn from the dashboard's definition. The values are examples: no endpoint was measured."

Series = NDArray[np.float64]
Json = dict[str, Any]

_COLUMNS, _INCHES_A_COLUMN, _INCHES_A_ROW = 24, 0.46, 0.36
_DOTS_AN_INCH = 80
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
_HOURS = np.arange(0, 24, 0.1)
_PEAK_COPIES = {"chat": 3.6, "code": 1.6}
"""Number of copies of each component at the peak of the invented traffic."""
_SECONDS_A_REQUEST = 6.0


def main() -> None:
    """Draw the dashboard and write the picture."""
    planned = planned_example()
    PICTURE.parent.mkdir(exist_ok=True)
    draw(body_of(planned), planned, PICTURE)
    print(PICTURE.relative_to(ROOT))


def planned_example() -> EndpointPlan:
    """Return the plan of the production example, whose dashboard is drawn."""
    (deployment,) = load_catalogue(EXAMPLE)
    return plan(deployment)


def body_of(planned: EndpointPlan) -> Json:
    """Return the dashboard body of a plan. Components have their names from the plan."""
    from replicas_cdk.endpoint_dashboard import dashboard_body

    names = {component.name: component.name for component in planned.components}
    return dashboard_body(planned.components, names, "production", "us-west-2")


def digest_of(body: Json) -> str:
    """Return the SHA-256 digest of a dashboard body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def draw(body: Json, planned: EndpointPlan, path: Path) -> None:
    """Draw every widget at its position. The same dashboard body always gives the same picture."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    days = {component.name: day_of(component) for component in planned.components}
    rows = max(widget["y"] + widget["height"] for widget in body["widgets"]) + 1
    with mpl.rc_context({"font.size": 7, "font.family": "DejaVu Sans", "axes.linewidth": 0.5}):
        figure = Figure(figsize=(_COLUMNS * _INCHES_A_COLUMN, rows * _INCHES_A_ROW), dpi=_DOTS_AN_INCH)
        for widget in body["widgets"]:
            if widget["type"] == "text":
                words = widget["properties"]["markdown"].removeprefix("## ")
                at = (widget["x"] / _COLUMNS + 0.01, 1 - (widget["y"] + 0.75) / rows)
                figure.text(*at, words, fontsize=9, fontweight="bold")
            else:
                _graph(_axes(figure, widget, rows), widget["properties"], days)
        figure.text(0.01, 0.35 / rows, CAPTION, fontsize=8, style="italic")
        metadata = {"Software": None, "Description": digest_of(body)}
        figure.savefig(path, metadata=metadata, pil_kwargs={"optimize": True})


def _axes(figure: Figure, widget: Json, rows: int) -> Axes:
    """Return the axes inside a widget, with space for the title above and for the legend and hours below."""
    x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
    left, right, top, bottom = 0.9, 0.3, 0.8, 1.5
    return figure.add_axes(
        (
            (x + left) / _COLUMNS,
            1 - (y + height - bottom) / rows,
            (width - left - right) / _COLUMNS,
            (height - top - bottom) / rows,
        )
    )


def _graph(axes: Axes, properties: Json, days: Mapping[str, Mapping[str, Series]]) -> None:
    axes.set_title(properties["title"], loc="left", fontsize=8)
    for (label, values), colour in zip(shown_series(properties["metrics"], days), _COLOURS, strict=False):
        axes.plot(_HOURS, values, linewidth=1, label=label, color=colour)
    lines = properties.get("annotations", {}).get("horizontal", ())
    for value in dict.fromkeys(line["value"] for line in lines):
        label = ", ".join(line["label"] for line in lines if line["value"] == value)
        axes.axhline(value, linewidth=0.8, linestyle="--", color="#888888")
        axes.text(23.8, value, label, ha="right", va="bottom", fontsize=6, color="#555555")
    axes.set_xlim(0, 24)
    axes.set_xticks([0, 6, 12, 18, 24], ["0 h", "6", "12", "18", "24 h"])
    axes.set_ylim(bottom=properties["yAxis"]["left"]["min"])
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2, width=0.5, labelsize=6)
    axes.legend(loc="upper left", bbox_to_anchor=(-0.08, -0.18), ncols=4, frameon=False, fontsize=6, columnspacing=1)


def shown_series(metrics: Sequence[Any], days: Mapping[str, Mapping[str, Series]]) -> list[tuple[str, Series]]:
    """Return the visible series of a widget with their labels. A series is a metric or a quotient of two metrics.

    Raises:
        KeyError: a metric has no example values.
        ValueError: an expression is not a quotient.

    """
    plain = [entry for entry in metrics if len(entry) > 1]
    named = {entry[-1]["id"]: _values(entry, days) for entry in plain if "id" in entry[-1]}
    series = []
    for entry in metrics:
        options = entry[-1]
        if "expression" in options:
            above, slash, below = options["expression"].partition("/")
            if not slash or "/" in below:
                raise ValueError(f"{options['expression']}: only quotients can be drawn")
            divisor = float(below) if below.isdigit() else np.maximum(named[below], 1e-9)
            series.append((options["label"], named[above] / divisor))
        elif options.get("visible", True):
            series.append((options["label"], _values(entry, days)))
    return series


def _values(entry: Sequence[Any], days: Mapping[str, Mapping[str, Series]]) -> Series:
    _namespace, metric, dimension, name, *_, options = entry
    day = days[name] if dimension == "InferenceComponentName" else _of_the_endpoint(days)
    return _METRICS[metric](day, options["stat"])


# ---- example values of one day


def day_of(component: ComponentPlan) -> dict[str, Series]:
    """Return example values of a component: traffic that rises in office hours, and copies that follow the traffic."""
    target = component.scaling.target if component.scaling else component.concurrent_full_length_requests
    peak = _PEAK_COPIES[component.name] * target * 60 / _SECONDS_A_REQUEST
    hump = np.exp(-(((_HOURS - 10.5) / 2.2) ** 2)) + 0.8 * np.exp(-(((_HOURS - 15) / 2.4) ** 2))
    ripple = 1 + 0.08 * np.sin(7.3 * _HOURS) + 0.05 * np.sin(17.1 * _HOURS + 1)
    requests = peak * np.maximum(hump * ripple, 0.03 if component.fewest_copies else 0)
    requests[requests < peak / 200] = 0
    in_flight = requests / 60 * _SECONDS_A_REQUEST
    needed = np.clip(np.ceil(in_flight / target), component.fewest_copies, component.most_copies)
    # Scale-in is slower than scale-out, so copies stay for a while after the load falls.
    copies = np.max([np.roll(needed, steps) for steps in range(6)], axis=0)
    per_copy = in_flight / np.maximum(copies, 1)
    return {
        "requests": requests,
        "copies": copies,
        "per_copy": per_copy,
        "load": np.minimum(per_copy / target, 1),
        "wakes": np.where((requests > 0) & (np.roll(requests, 1) == 0), 1.0, 0.0),
        "accelerators": copies * component.accelerators,
    }


def _of_the_endpoint(days: Mapping[str, Mapping[str, Series]]) -> dict[str, Series]:
    """Return the values of the endpoint: the sum of all components, on instances with 4 accelerators."""
    used = np.sum([day["accelerators"] for day in days.values()], axis=0)
    available = 4 * np.maximum(np.ceil(used / 4), 1)
    load = np.sum([day["load"] * day["accelerators"] for day in days.values()], axis=0) / available
    return {"reserved": 100 * used / available, "load": load}


def _answered(day: Mapping[str, Series]) -> Series:
    """Return 1 for hours with requests, and NaN (no data) for hours without."""
    return np.where(day["requests"] > 0, 1.0, np.nan)


def _runs(day: Mapping[str, Series]) -> Series:
    return np.minimum(day.get("copies", np.ones_like(_HOURS)), 1)


_PERCENTILES = {"p50": 0.8, "p90": 1.3, "p99": 1.9}
_Example = Callable[[Mapping[str, Series], str], Series]
_METRICS: dict[str, _Example] = {
    "Invocations": lambda day, _: day["requests"],
    "InvocationsPerCopy": lambda day, _: day["requests"] / np.maximum(day["copies"], 1),
    "ConcurrentRequestsPerCopy": lambda day, stat: day["per_copy"] * (1.15 if stat == "Maximum" else 0.8),
    "ModelLatency": lambda day, stat: (
        _answered(day) * 1e6 * _SECONDS_A_REQUEST * _PERCENTILES[stat] * (0.5 + 0.5 * day["load"])
    ),
    "OverheadLatency": lambda day, _: _answered(day) * 1e3 * (25 + 15 * day["load"]),
    "Invocation4XXErrors": lambda day, _: np.floor(day["requests"] / 900),
    "Invocation5XXErrors": lambda day, _: np.zeros_like(day["requests"]),
    "InvocationModelErrors": lambda day, _: np.where(day["load"] > 0.99, 1.0, 0.0),
    "NoCapacityInvocationFailures": lambda day, _: day["wakes"],
    "GPUUtilizationNormalized": lambda day, _: 95 * day["load"],
    "GPUMemoryUtilizationNormalized": lambda day, _: 91 * _runs(day),
    "CPUUtilizationNormalized": lambda day, _: _runs(day) * (8 + 22 * day["load"]),
    "MemoryUtilizationNormalized": lambda day, _: _runs(day) * (38 + 6 * day["load"]),
    "GPUReservation": lambda day, _: day["reserved"],
    "CPUReservation": lambda day, _: 0.75 * day["reserved"],
    "MemoryReservation": lambda day, _: 0.6 * day["reserved"],
    "DiskUtilization": lambda day, _: 17 + 0 * day["load"],
}

if __name__ == "__main__":
    main()
