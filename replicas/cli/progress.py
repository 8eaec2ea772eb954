"""Progress on stderr: bars in a terminal, occasional lines in a file or a pipe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from replicas.cli.lines import Line
from replicas.cli.output import console, tell
from replicas.escaping import log_line, printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn, TaskID

    from replicas.benchmark.sweep import Progress
    from replicas.delivery import Step

OfSteps = Callable[[Sequence["Step"]], None]
"""Callback for a deployment in progress: the current state of its endpoint and components."""
_EVERY_SECONDS = 10.0
"""Seconds between two progress lines of a measurement of a benchmark."""

_PATIENCE_SECONDS = 1.0
"""Seconds after which the progress of a task is shown."""

OfPoint = Callable[[str, "Progress"], None]
"""Callback for a measurement of a benchmark. Arguments: load in words, progress."""
OfPhase = Callable[[str, int, int], None]
"""Callback for a search. Arguments: name of the phase, finished steps, total steps. The last phase is `done`."""
OfBytes = Callable[[str, int], None]
"""Callback for an upload. Arguments: path of the file, bytes sent since the last call."""


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a task in a terminal while it runs, if it takes longer than a second."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    bars = _bars(SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(), transient=True)
    bars.add_task(printable(what))
    begun = threading.Timer(_PATIENCE_SECONDS, bars.start)
    begun.daemon = True
    begun.start()
    try:
        yield
    finally:
        begun.cancel()
        begun.join()
        bars.stop()


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Show the current stage of a task: on one line in a terminal, on one line per stage elsewhere.

    Yields the callback that starts a stage.
    """
    if not sys.stderr.isatty():
        yield lambda what: tell(f"{what} ...")
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with _bars(*columns, transient=True) as bars:
        task = bars.add_task("", visible=False)
        yield lambda what: bars.reset(task, description=printable(what), visible=True)


@contextmanager
def steps() -> Iterator[OfSteps]:
    """Show the endpoint and the copies of each component during a deployment. Yields the callback.

    A terminal shows a bar for each component; elsewhere each change is one line.
    """
    if not sys.stderr.isatty():
        yield _step_lines()
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn()
    with _bars(*columns) as bars:
        yield _step_bars(bars)


@contextmanager
def points(*, quiet: bool) -> Iterator[OfPoint]:
    """Show one progress bar per measurement. Yields the callback."""
    if quiet:
        yield lambda _users, _now: None
    elif sys.stderr.isatty():
        from rich.progress import BarColumn, TextColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}", markup=False),
        )
        with _bars(*columns) as bars:
            yield _point_bars(bars)
    else:
        yield _point_lines()


@contextmanager
def phases() -> Iterator[OfPhase]:
    """Show a progress bar for the running phase of a search, or a line when a phase begins. Yields the callback."""
    if not sys.stderr.isatty():
        yield _phase_lines()
        return
    from rich.progress import MofNCompleteColumn, TextColumn

    with _bars(TextColumn("{task.description}", markup=False), MofNCompleteColumn(), transient=True) as bars:
        task = bars.add_task("", total=None, visible=False)
        yield lambda phase, done, steps: bars.update(
            task, description=phase, completed=done, total=steps, visible=phase != "done"
        )


@contextmanager
def staged_bytes(total: int) -> Iterator[tuple[OfBytes, Callable[[str], None]]]:
    """Show the progress of an upload of `total` bytes. Yields the callback, and a function that prints a line."""
    if not sys.stderr.isatty():
        yield lambda _path, _bytes: None, tell
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        *(TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()),
        *(TransferSpeedColumn(), TimeRemainingColumn()),
    )
    with _bars(*columns) as bars:
        task = bars.add_task("staging", total=total)
        yield (
            lambda path, count: bars.update(task, advance=count, description=printable(path)),
            lambda line: bars.console.print(Line(line)),
        )


def _bars(*columns: ProgressColumn, transient: bool = False) -> Bars:
    from rich.progress import Progress as Bars

    # stdout carries data and may be a file, so rich must not redirect it
    return Bars(*columns, console=console(sys.stderr), transient=transient, redirect_stdout=False)


def _step_bars(bars: Bars) -> OfSteps:
    tasks: list[TaskID] = []

    def update(now: Sequence[Step]) -> None:
        for number, step in enumerate(now):
            if number == len(tasks):
                tasks.append(bars.add_task(""))
            is_done = step.state == "InService"
            total = step.requested or 1
            done = step.copies or 0 if step.requested else int(is_done)
            bars.update(tasks[number], description=log_line(str(step)), total=total, completed=done)

    return update


def _step_lines() -> OfSteps:
    last: dict[int, str] = {}

    def update(now: Sequence[Step]) -> None:
        for number, step in enumerate(map(str, now)):
            if last.get(number) != step:
                last[number] = step
                tell(step)

    return update


def _point_bars(bars: Bars) -> OfPoint:
    tasks: dict[str, TaskID] = {}

    def update(load: str, now: Progress) -> None:
        if load not in tasks:
            tasks[load] = bars.add_task(load, total=now.duration, state="")
        bars.update(tasks[load], completed=min(now.elapsed, now.duration), state=_state(now))

    return update


def _point_lines() -> OfPoint:
    last: dict[str, float] = {}

    def update(load: str, now: Progress) -> None:
        if now.is_over or time.monotonic() - last.get(load, 0.0) >= _EVERY_SECONDS:
            last[load] = time.monotonic()
            tell(f"{load}, {now.elapsed:.0f} s: {_state(now)}")

    return update


def _phase_lines() -> OfPhase:
    last = ""

    def update(phase: str, _done: int, _steps: int) -> None:
        nonlocal last
        if phase not in (last, "done"):
            tell(f"{phase} ...")
        last = phase

    return update


def _state(now: Progress) -> str:
    errors = f", {now.errors} errors" if now.errors else ""
    if now.is_over:
        return f"{now.requests} requests{errors}"
    rate = now.requests / now.elapsed if now.elapsed else 0.0
    drain = ", waiting for the last answers" if now.elapsed > now.duration else ""
    return f"{now.users} users, {now.requests} requests ended, {rate:.1f} req/s{errors}{drain}"
