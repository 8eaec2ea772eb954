"""Earlier benchmark runs as one HTML page and one JSON document."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.benchmark.report import forecast_points
from replicas.benchmark.result import Result, key_of_point, name_of_point, read
from replicas.errors import OperationError
from replicas.escaping import page_value

_TEMPLATE = Path(__file__).parent / "history.html.jinja"


@dataclass(frozen=True)
class Run:
    """One benchmark run and its folder."""

    folder: Path
    result: Result

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.benchmark.document.RunDocument`): the best rate, and the point of most users."""
        points = [point for point in self.result.points if not point.interrupted]
        best = max(points, key=lambda point: point.requests_per_second_window, default=None)
        last = max(points, key=lambda point: point.users or 0, default=None)
        beside = forecast_points(self.result).get(key_of_point(last)) if last else None
        subject, settings = self.result.subject, self.result.settings
        return {
            "folder": str(self.folder),
            "started": self.result.started,
            "deployment": subject.deployment,
            "model": subject.model,
            "image": subject.image.rpartition("/")[2],
            "instance_type": subject.instance_type,
            "copies": subject.copies,
            "template_sha256": subject.template_sha256,
            "input_tokens": settings.input_tokens,
            "output_tokens": settings.output_tokens,
            "best_requests_per_second_window": best.requests_per_second_window if best else None,
            "most_users": last.users if last else None,
            "latency_p50_seconds": last.latency_seconds.p50 if last and last.latency_seconds else None,
            "success_percent": last.success_percent if last else None,
            "forecast_confidence": (self.result.forecast or {}).get("confidence"),
            "forecast_errors": beside["errors"] if beside else None,
        }


def find_runs(folder: Path) -> tuple[list[Run], list[str]]:
    """Return the runs below a folder, oldest first, and an error message for each result that cannot be read.

    Raises:
        OperationError: the folder does not exist, or has no readable run.

    """
    if not folder.is_dir():
        raise OperationError(f"no folder {folder}: `replicas benchmark` makes one, or name another")
    runs, skipped = [], []
    for path in sorted(path for path in folder.rglob("result.json") if path.is_file()):
        try:
            runs.append(Run(path.parent, read(path, "measured by another version")))
        except OperationError as fault:
            skipped.append(str(fault))
    if not runs:
        raise OperationError("\n".join([f"no run below {folder} that can be read", *skipped]))
    return sorted(runs, key=lambda run: run.result.started), skipped


def history_document(runs: Sequence[Run], unreadable: Sequence[str] = ()) -> dict[str, Any]:
    """JSON document (`replicas.benchmark.document.HistoryDocument`) of runs, oldest first."""
    documents = [run.to_document() for run in runs]
    return {"schema": "replicas.history/1", "runs": documents, "unreadable": list(unreadable)}


def write_history(runs: Sequence[Run], path: Path, unreadable: Sequence[str] = ()) -> None:
    """Write one self-contained HTML page with a table and a plot per deployment, and links to the pages of the runs."""
    from jinja2 import Environment

    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.result.subject.deployment, []).append(run)
    environment = Environment(autoescape=True, finalize=page_value, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(_TEMPLATE.read_text()).render(
        groups=[
            {
                "name": name,
                "plot": base64.b64encode(_plot(members)).decode(),
                "rows": [{**run.to_document(), "page": _page(run, path.parent)} for run in members],
            }
            for name, members in sorted(groups.items())
        ],
        unreadable=unreadable,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)


def _page(run: Run, start: Path) -> str | None:
    """Link to the page of a run: relative to `start` if it is below it, else absolute. None if there is no page."""
    page = run.folder / "index.html"
    if not page.is_file():
        return None
    resolved, below = page.resolve(), start.resolve()
    return resolved.relative_to(below).as_posix() if resolved.is_relative_to(below) else resolved.as_uri()


def _plot(runs: Sequence[Run]) -> bytes:
    """PNG plot of rates and median latencies over the runs of a deployment, one line per number of users."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    rate, latency = figure.subplots(1, 2)
    loads = {
        key_of_point(point): name_of_point(point)
        for run in runs
        for point in run.result.points
        if not point.interrupted
    }
    for key, name in sorted(loads.items()):
        points: Mapping[int, Any] = {
            number: point
            for number, run in enumerate(runs)
            for point in run.result.points
            if key_of_point(point) == key and not point.interrupted
        }
        rate.plot(list(points), [measured.requests_per_second_window for measured in points.values()], "o-", label=name)
        medians = [
            measured.latency_seconds.p50 if measured.latency_seconds else float("nan") for measured in points.values()
        ]
        latency.plot(list(points), medians, "o-", label=name)
    for axes, title in ((rate, "requests a second in the window"), (latency, "median latency, seconds")):
        axes.set_title(title)
        axes.set_xticks(range(len(runs)), [run.result.started[:10] for run in runs], rotation=30, ha="right")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    if loads:
        rate.legend()
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
