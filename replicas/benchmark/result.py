"""The result of a benchmark as files: `result.json` is written after every point, and a run can go on from it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replicas.benchmark.measure import Point, Spread
from replicas.benchmark.settings import Settings
from replicas.benchmark.subject import Subject
from replicas.errors import OperationError

SCHEMA = "replicas.benchmark/3"
_READABLE = (2, SCHEMA)
"""Version 2 was written as a number; its keys are those of version 3."""
_SPREADS = ("latency_seconds", "ttft_seconds", "inter_token_seconds")
_CHANGES_NOTHING = ("instances", "usd_per_hour", "deployment", "label")


@dataclass(frozen=True, kw_only=True)
class Result:
    """A sweep over numbers of users."""

    subject: Subject
    settings: Settings
    versions: dict[str, str]
    plan: dict[str, Any] | None
    users: tuple[int, ...]
    """The points that were asked for, in order; `points` are those that were measured so far."""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    points: tuple[Point, ...] = ()
    forecast: dict[str, Any] | None = None
    """What was forecast of the measured points, and how far off it was (`beside`); None before the end of a sweep."""

    def with_point(self, point: Point) -> Result:
        """With one point more, in place of an earlier one of as many users."""
        others = [other for other in self.points if other.users != point.users]
        return replace(self, points=tuple(sorted([*others, point], key=lambda each: each.users)))

    def is_measured(self, users: int) -> bool:
        """True where the point of so many users is whole."""
        return any(point.users == users and not point.interrupted for point in self.points)

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.benchmark.document.BenchmarkDocument`), as `result.json` holds it."""
        return {"schema": SCHEMA, **asdict(self)}


def save(result: Result, folder: Path) -> None:
    """Write `result.json` and `summary.csv`, each whole or not at all; the folder is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "result.json", json.dumps(result.to_document(), indent=2) + "\n")
    rows = [_row(point) for point in result.points]
    if rows:
        lines: list[str] = []
        writer = csv.DictWriter(_Lines(lines), fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        _replace(folder / "summary.csv", "".join(lines))


def discard(folder: Path) -> None:
    """Remove a result without points, and its folder if that is empty then."""
    (folder / "result.json").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def load(folder: Path) -> Result:
    """Read `result.json` of a folder.

    Raises:
        OperationError: there is none, or not of this version.

    """
    return read(folder / "result.json", "--resume takes the folder of an earlier run of this version")


def read(path: Path, hint: str) -> Result:
    """Read a result from its file.

    Raises:
        OperationError: it is none, or not of this version.

    """
    try:
        document = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as fault:
        raise OperationError(f"{path} cannot be read: {fault}: {hint}") from None
    if not isinstance(document, dict) or document.get("schema") not in _READABLE:
        raise OperationError(f"{path} is not a result of this version: {hint}")
    try:
        return Result(
            subject=Subject(**document["subject"]),
            settings=Settings(**document["settings"]),
            versions=document["versions"],
            plan=document["plan"],
            users=tuple(document["users"]),
            started=document["started"],
            points=tuple(_point(entry) for entry in document["points"]),
            forecast=document.get("forecast"),
        )
    except (KeyError, TypeError) as fault:
        raise OperationError(f"{path} is damaged ({fault}): {hint}") from None


def check_resumable(earlier: Result, subject: Subject, settings: Settings) -> None:
    """Points of one run must be comparable.

    Raises:
        OperationError: the deployment or the settings are not those of the earlier run, with every difference.

    """
    found = list(_differences(asdict(earlier.subject), asdict(subject)))
    found += list(_differences(asdict(earlier.settings), asdict(settings)))
    if found:
        raise OperationError(
            "--resume: this is not the same benchmark:\n"
            + "\n".join(f"  - {line}" for line in found)
            + "\nstart a new one (without --resume), or give the same options"
        )


def _differences(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for key, value in before.items():
        if value != now[key] and key not in _CHANGES_NOTHING:
            yield f"{key} was {value}, is {now[key]}"


def _point(entry: dict[str, Any]) -> Point:
    spreads = {name: Spread(**entry[name]) if entry[name] else None for name in _SPREADS}
    return Point(**{**entry, **spreads})


def _row(point: Point) -> dict[str, Any]:
    """A point as a flat row."""
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
    """What `csv` writes to."""

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
