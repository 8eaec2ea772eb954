"""Earlier benchmark runs as one HTML page and one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.benchmark.charts import forecast_points
from replicas.benchmark.result import Result, key_of_point, name_of_point, read
from replicas.errors import OperationError
from replicas.pages import Chart, Line, write_page
from replicas.pages.charts import Style

_TEMPLATE = Path(__file__).parent / "history.html.jinja"
_STYLES: tuple[Style, ...] = ("main", "second", "third", "forecast", "published")


@dataclass(frozen=True)
class Run:
    """One benchmark run and its folder."""

    folder: Path
    result: Result

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.benchmark.document.RunDocument`).

        It has the best rate of all measurements, and the latencies of the measurement with the most users.
        """
        points = [point for point in self.result.points if not point.interrupted]
        best = max(points, key=lambda point: point.requests_per_second_window, default=None)
        last = max(points, key=lambda point: point.users or 0, default=None)
        forecast = forecast_points(self.result).get(key_of_point(last)) if last else None
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
            "forecast_errors": forecast["errors"] if forecast else None,
        }


def find_runs(folder: Path) -> tuple[list[Run], list[str]]:
    """Return the runs below a folder, oldest first, and an error message for each result that cannot be read.

    Raises:
        OperationError: the folder does not exist, or has no readable run.

    """
    if not folder.is_dir():
        raise OperationError(f"no folder {folder}: create it with `replicas benchmark`, or name another folder")
    runs, skipped = [], []
    for path in sorted(path for path in folder.rglob("result.json") if path.is_file()):
        try:
            runs.append(Run(path.parent, read(path, "measured by another version")))
        except OperationError as fault:
            skipped.append(str(fault))
    if not runs:
        raise OperationError("\n".join([f"no readable run below {folder}", *skipped]))
    return sorted(runs, key=lambda run: run.result.started), skipped


def history_document(runs: Sequence[Run], unreadable: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON document (`replicas.benchmark.document.HistoryDocument`) of runs, oldest first."""
    documents = [run.to_document() for run in runs]
    return {"schema": "replicas.history/1", "runs": documents, "unreadable": list(unreadable)}


def write_history(runs: Sequence[Run], path: Path, unreadable: Sequence[str] = ()) -> None:
    """Write one HTML page with a table and charts per deployment, and links to the pages of the runs."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.result.subject.deployment, []).append(run)
    write_page(
        path,
        _TEMPLATE,
        count=len(runs),
        groups=[
            {
                "name": name,
                "charts": _charts(members),
                "rows": [{**run.to_document(), "page": _page(run, path.parent)} for run in members],
            }
            for name, members in sorted(groups.items())
        ],
        unreadable=[("not read", reason) for reason in unreadable],
    )


def _page(run: Run, start: Path) -> str | None:
    """Return the link to the page of a run; None if the page does not exist.

    The link is relative if the page is below `start`.
    """
    page = run.folder / "index.html"
    if not page.is_file():
        return None
    resolved, below = page.resolve(), start.resolve()
    return resolved.relative_to(below).as_posix() if resolved.is_relative_to(below) else resolved.as_uri()


def _charts(runs: Sequence[Run]) -> list[Chart]:
    """Return the charts of rates and median latencies over the runs of a deployment, one line for each load."""
    measured = [{key_of_point(point): point for point in run.result.points if not point.interrupted} for run in runs]
    names = {key: name_of_point(point) for points in measured for key, point in points.items()}
    rates, medians = [], []
    for number, key in enumerate(sorted(names)):
        style, points = _STYLES[number % len(_STYLES)], [of_run.get(key) for of_run in measured]
        answered = [point.requests_per_second_window if point else None for point in points]
        latencies = [point.latency_seconds.p50 if point and point.latency_seconds else None for point in points]
        rates.append(Line(name=names[key], values=answered, style=style))
        medians.append(Line(name=names[key], values=latencies, style=style))
    return [
        Chart(
            title=title,
            x="run",
            y=unit,
            xs=list(range(len(runs))),
            names=[run.result.started[:10] for run in runs],
            lines=lines,
            summary=f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}, {len(names)} loads.",
        )
        for title, unit, lines in (
            ("Requests a second in the window", "requests a second", rates),
            ("Median latency", "seconds", medians),
        )
        if lines
    ]
