"""The progress of a benchmark on stderr: a line a point in a terminal, a line every few seconds in a file or a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from replicas.cli.app import tell

if TYPE_CHECKING:
    from rich.progress import TaskID

    from replicas.benchmark.sweep import Progress

_EVERY_SECONDS = 10.0

Told = Callable[[int, "Progress"], None]
"""Told how far the point of so many users is."""


@contextmanager
def progress_of(duration_seconds: float, *, quiet: bool) -> Iterator[Told]:
    """What a sweep tells its progress; shown in the way that stderr allows, or not at all."""
    if quiet:
        yield lambda _users, _now: None
    elif sys.stderr.isatty():
        with _bars(duration_seconds) as told:
            yield told
    else:
        yield _lines(duration_seconds)


@contextmanager
def _bars(duration_seconds: float) -> Iterator[Told]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20),
        progress.TextColumn("{task.fields[state]}"),
    )
    tasks: dict[int, TaskID] = {}
    with progress.Progress(*columns, console=Console(stderr=True)) as bars:

        def told(users: int, now: Progress) -> None:
            if users not in tasks:
                tasks[users] = bars.add_task(f"{users} users", total=duration_seconds, state="")
            bars.update(tasks[users], completed=min(now.elapsed, duration_seconds), state=_state(now, duration_seconds))

        yield told


def _lines(duration_seconds: float) -> Told:
    last: dict[int, float] = {}

    def told(users: int, now: Progress) -> None:
        if now.is_over or time.monotonic() - last.get(users, 0.0) >= _EVERY_SECONDS:
            last[users] = time.monotonic()
            tell(f"{users} users, {now.elapsed:.0f} s: {_state(now, duration_seconds)}")

    return told


def _state(now: Progress, duration_seconds: float) -> str:
    errors = f", {now.errors} errors" if now.errors else ""
    if now.is_over:
        return f"{now.requests} requests{errors}"
    rate = now.requests / now.elapsed if now.elapsed else 0.0
    drain = ", waiting for the last answers" if now.elapsed > duration_seconds else ""
    return f"{now.users} asking, {now.requests} ended, {rate:.1f} req/s{errors}{drain}"
