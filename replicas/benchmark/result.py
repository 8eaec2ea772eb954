"""Result of a benchmark and its files. `result.json` is written after every measurement, so that `--resume` can
continue.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NotRequired

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from replicas.benchmark.document import ComparedDocument, HighestDocument, NoForecastDocument
from replicas.benchmark.measure import Point
from replicas.benchmark.settings import Settings
from replicas.benchmark.subject import Subject
from replicas.errors import OperationError, unreadable
from replicas.escaping import csv_row
from replicas.load import Load
from replicas.load.objectives import Bounds
from replicas.units import rate_text

SCHEMA = "replicas.benchmark/3"
_READABLE = (2, SCHEMA)
"""Schemas that can be read. Version 2 was written as a number and has the same keys as version 3."""
_LARGEST = 64 * 2**20
"""Maximum size of the file in bytes. A sweep over hundreds of loads takes less than one MiB."""
_SPREADS = ("latency_seconds", "ttft_seconds", "inter_token_seconds")
_CHANGES_NOTHING = ("instances", "usd_per_hour", "deployment", "label")


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of a sweep over loads."""

    subject: Subject
    settings: Settings
    versions: dict[str, str]
    plan: dict[str, Any] | None
    users: tuple[int, ...]
    """Requested numbers of users, in order; `points` has the measurements so far."""
    rates: tuple[float, ...] = ()
    """Requested arrival rates."""
    bursts: tuple[int, ...] = ()
    """Requested bursts. A trace is in the settings."""
    objective: str | None = None
    """Maximum times of the answers: `FIGURE_PERCENTILE=SECONDS`, separated by commas."""
    highest: dict[str, Any] | None = None
    """Outcome of a search (`replicas.benchmark.document.HighestDocument`); None without a search."""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    points: tuple[Point, ...] = ()
    forecast: dict[str, Any] | None = None
    """Forecast of the measurements with its errors (`forecast_comparison`); None until the sweep ends."""

    def with_point(self, point: Point) -> Result:
        """Return a copy with this measurement, which replaces an earlier measurement of the same load."""
        others = [other for other in self.points if key_of_point(other) != key_of_point(point)]
        return replace(self, points=tuple(sorted([*others, point], key=key_of_point)))

    def with_loads(self, loads: Sequence[Load]) -> Result:
        """Return a copy with these loads as the requested loads."""
        return replace(
            self,
            users=tuple(load.users for load in loads if load.users is not None),
            rates=tuple(load.requests_per_second for load in loads if load.requests_per_second is not None),
            bursts=tuple(load.burst for load in loads if load.burst is not None),
        )

    @property
    def bounds(self) -> Bounds | None:
        """Maximum times of the objective; None without an objective."""
        return None if self.objective is None else Bounds.parse(self.objective, option="objective")

    @property
    def loads(self) -> list[Load]:
        """The requested loads.

        Raises:
            TraceError: the trace of the settings is faulty.

        """
        return [
            *(self.settings.load(users=users) for users in self.users),
            *(self.settings.load(requests_per_second=rate) for rate in self.rates),
            *(self.settings.load(burst=burst) for burst in self.bursts),
            *([self.settings.load()] if self.settings.trace is not None else ()),
        ]

    def measured(self, load: Load) -> Point | None:
        """Return the measurement of a load; None if it is missing or was interrupted."""
        key = key_of_load(load)
        return next((point for point in self.points if key_of_point(point) == key and not point.interrupted), None)

    def is_measured(self, load: Load) -> bool:
        """True if the measurement of this load is complete."""
        return self.measured(load) is not None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.benchmark.document.BenchmarkDocument`), the content of `result.json`."""
        return {"schema": SCHEMA, **asdict(self)}


def key_of_load(load: Load) -> tuple[str, float]:
    """Return the key of a load within a benchmark: the kind of load, and its size."""
    if load.trace is not None:
        return "trace", len(load.trace.requests)
    if load.users is not None:
        return "", load.users
    return ("burst", load.burst) if load.burst is not None else ("rate", load.requests_per_second or 0.0)


def key_of_point(point: Point) -> tuple[str, float]:
    """Return the key of a measurement's load."""
    if point.trace_requests is not None:
        return "trace", point.trace_requests
    if point.users is not None:
        return "", point.users
    return ("burst", point.burst) if point.burst is not None else ("rate", point.requests_per_second_offered or 0.0)


def name_of_point(point: Point) -> str:
    """Return a description of a measurement's load: `100 users`, `2.5 requests a second`."""
    if point.trace_requests is not None:
        return f"the trace of {point.trace_requests:,} requests"
    if point.users is not None:
        return f"{point.users:,} users"
    if point.burst is not None:
        return f"a burst of {point.burst:,} requests"
    return f"{rate_text(point.requests_per_second_offered or 0.0)} requests a second"


def save(result: Result, folder: Path) -> None:
    """Write `result.json` and `summary.csv`, each atomically. Creates the folder if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "result.json", json.dumps(result.to_document(), indent=2) + "\n")
    rows = [_row(point) for point in result.points]
    if rows:
        lines: list[str] = []
        writer = csv.DictWriter(_Lines(lines), fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(map(csv_row, rows))
        _replace(folder / "summary.csv", "".join(lines))


def discard(folder: Path) -> None:
    """Remove the `result.json` of a run without measurements, and the folder if it is then empty."""
    (folder / "result.json").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def load(folder: Path) -> Result:
    """Read `result.json` of a folder.

    Raises:
        OperationError: the file does not exist, or has another version.

    """
    return read(folder / "result.json", "--resume requires the folder of an earlier run of this version of replicas")


def read(path: Path, hint: str) -> Result:
    """Read a result from its file.

    Raises:
        OperationError: the file cannot be read, is not a result, or has another version.

    """
    try:
        text = _text(path)
        document = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (OSError, ValueError, RecursionError) as fault:
        raise OperationError(f"{path} cannot be read: {unreadable(fault)}: {hint}") from None
    if not isinstance(document, dict) or document.get("schema") not in _READABLE:
        raise OperationError(f"{path} is not a result of this version: {hint}")
    try:
        stored = _stored().validate_json(text, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise OperationError(f"{path} is damaged ({place}: {first['msg']}): {hint}") from None
    return Result(
        subject=stored["subject"],
        settings=stored["settings"],
        versions=stored["versions"],
        plan=stored["plan"],
        users=tuple(stored["users"]),
        rates=tuple(stored.get("rates", ())),
        bursts=tuple(stored.get("bursts", ())),
        objective=stored.get("objective"),
        highest=document.get("highest"),
        started=stored["started"],
        points=tuple(stored["points"]),
        forecast=document.get("forecast"),
    )


class _Stored(TypedDict):
    """Content of `result.json`, with the types against which the file is validated."""

    subject: Subject
    settings: Settings
    versions: dict[str, str]
    plan: dict[str, Any] | None
    users: list[int]
    rates: NotRequired[list[float]]
    bursts: NotRequired[list[int]]
    objective: NotRequired[str | None]
    highest: NotRequired[HighestDocument | None]
    started: str
    points: list[Point]
    forecast: NotRequired[ComparedDocument | NoForecastDocument | None]


@cache
def _stored() -> TypeAdapter[_Stored]:
    return TypeAdapter(_Stored)


def _text(path: Path) -> str:
    """Return the text of a file. Raises `ValueError` for a file that is too large or is not UTF-8."""
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 2**20} MiB")
    return content.decode()


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large a number")
    return number


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def check_resumable(earlier: Result, subject: Subject, settings: Settings) -> None:
    """Check that new measurements will be comparable with those of an earlier run.

    Raises:
        OperationError: the deployment or the settings differ; the message lists every difference.

    """
    changes = list(_differences(asdict(earlier.subject), asdict(subject)))
    changes += list(_differences(asdict(earlier.settings), asdict(settings)))
    if changes:
        raise OperationError(
            "--resume: this is not the same benchmark:\n"
            + "\n".join(f"  - {line}" for line in changes)
            + "\nstart a new benchmark without --resume, or give the same options"
        )


def _differences(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for key, value in before.items():
        if value != now[key] and key not in _CHANGES_NOTHING:
            yield f"{key} was {value}, is {now[key]}"


def _row(point: Point) -> dict[str, Any]:
    """Return a measurement as one flat row of the CSV file."""
    row: dict[str, Any] = {}
    for key, value in asdict(point).items():
        if key in _SPREADS:
            for name in ("p50", "p90", "p99"):
                row[f"{key}_{name}"] = value[name] if value else None
        elif key == "errors":
            row[key] = "; ".join(f"{kind}: {count}" for kind, count in value.items())
        else:
            row[key] = value
    return row


class _Lines:
    """File-like object for `csv` that appends each line to a list."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, line: str) -> None:
        self._lines.append(line)


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(path.suffix + ".new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
