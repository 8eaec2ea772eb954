"""Processes that measure layouts beside this process, so that a search uses several cores.

A helper is a Python process that finds the same layouts from the same requirements, and measures those that it is asked
for. Helpers only fill the records of the gauge before the search reads them: a search without helpers, or with helpers
that fail, measures the same layouts itself (docs/decisions/0042-helpers-only-measure-ahead.md).
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import IO, Any, NamedTuple

from replicas.errors import ReplicasError
from replicas.forecast.copies import CopyEngine
from replicas.recommend.candidates import Candidate, candidates
from replicas.recommend.measuring import Effort, Gauge, Record
from replicas.recommend.options import fewest_instances
from replicas.recommend.requirements import Requirements

FEWEST_TYPES = 20
"""Number of instance types from which a search starts helpers. A helper needs about a second until it measures."""
MOST_HELPERS = 2
"""Maximum number of helpers of a search: with them, it takes less than 300 MB of memory."""
_START_SECONDS = 10.0
"""Maximum time to wait for the start of a process that is ended at once."""
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from replicas.recommend.helpers import serve; serve()"
)


class Trial(NamedTuple):
    """A layout to measure: the arguments of `fewest_instances`."""

    candidate: Candidate
    most: int
    effort: Effort
    least: int = 1

    def run(self, gauge: Gauge) -> None:
        """Measure the layout, and keep the results in the gauge."""
        # The search measures a layout again that cannot be measured, and then raises the error.
        with suppress(ReplicasError):
            fewest_instances(self.candidate, gauge, self.most, effort=self.effort, least=self.least)


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def helpers(requirements: Requirements, instance_types: int) -> Iterator[Helpers]:
    """Start a helper on each further core if there are many instance types, and end the helpers on exit."""
    is_program = bool(sys.executable) and not getattr(sys, "frozen", False)
    count = min(MOST_HELPERS, usable_cores() - 1) if is_program and instance_types >= FEWEST_TYPES else 0
    started: list[_Helper] = []
    try:
        for _ in range(count):
            started.append(_Helper(requirements))
            started[-1].start()
        yield Helpers(started)
    finally:
        for helper in started:
            helper.end()


class Helpers:
    """The helpers of one search."""

    def __init__(self, processes: Sequence[_Helper]) -> None:
        self._processes = processes

    def measure_ahead(
        self, gauge: Gauge, layouts: Sequence[Candidate], trials: Sequence[Trial], progress: Callable[[int], None]
    ) -> None:
        """Measure layouts in this process and in all helpers, and store the results in the gauge.

        Layouts with equally fast copies share results. They are measured in one process and in their order, so that the
        results are the same with any number of processes.

        Args:
            gauge: the gauge of the search.
            layouts: all layouts of the search.
            trials: the layouts to measure.
            progress: called with the number of layouts that are measured.

        """
        groups: dict[CopyEngine, _Group] = {}
        for trial in trials:
            engine = trial.candidate.engine
            if engine not in groups:
                groups[engine] = _Group(engine, gauge.records.setdefault(engine, Record()), [])
            groups[engine].trials.append(trial)
        work = _Work(layouts, deque(groups.values()))
        threads = [Thread(target=helper.work_on, args=(work,), daemon=True) for helper in self._processes]
        for thread in threads:
            thread.start()
        while (group := work.next()) is not None:
            for trial in group.trials:
                progress(work.measured)
                trial.run(gauge)
                work.measured += 1
        for thread in threads:
            thread.join()
        gauge.records.update((group.engine, group.record) for group in groups.values())


@dataclass
class _Group:
    """Layouts with equally fast copies, and the results for these copies."""

    engine: CopyEngine
    record: Record
    trials: list[Trial]


class _Work:
    """Groups that no process has begun to measure."""

    def __init__(self, layouts: Sequence[Candidate], groups: deque[_Group]) -> None:
        self.numbers = {id(layout): number for number, layout in enumerate(layouts)}
        """Index of each layout. All processes have the layouts in the same order."""
        self.identities = _identities(layouts)
        self.measured = 0
        """Number of measured layouts, for the progress."""
        self._groups = groups

    def next(self) -> _Group | None:
        """Return a group to measure; None if there is none left."""
        with suppress(IndexError):
            return self._groups.popleft()
        return None


class _Helper:
    """One helper. Its process exits when its input is closed, for example because this process was killed."""

    def __init__(self, requirements: Requirements) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._identities: object = None
        self._has_failed = False
        # In a thread, because Ctrl-C would interrupt the main thread between the start of the process and its
        # registration here, and because a long trace fills the pipe until the helper reads it.
        self._greeting = Thread(target=self._greet, args=(requirements,), daemon=True)
        self._is_started = Event()

    def start(self) -> None:
        """Start the process and send it the requirements, in the background."""
        self._greeting.start()

    def work_on(self, work: _Work) -> None:
        """Measure groups until there are none left. A group that the helper fails to measure keeps its record."""
        self._greeting.join()
        if self._has_failed or self._identities != work.identities:
            return
        try:
            while (group := work.next()) is not None:
                trials = [(work.numbers[id(trial.candidate)], *trial[1:]) for trial in group.trials]
                group.record = self._ask((group.record, trials))
                work.measured += len(trials)
        except (OSError, EOFError, pickle.PickleError):
            self._has_failed = True

    def end(self) -> None:
        """End the process."""
        self._is_started.wait(_START_SECONDS)
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._greeting.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # the rest of an interrupted message
                    pipe.close()

    def _greet(self, requirements: Requirements) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 (this module)
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what cannot be measured fails again in this process
                process_group=0,  # Ctrl-C interrupts this process alone, which then ends the helper
            )
            self._is_started.set()
            self._identities = self._ask(requirements)
        except (OSError, EOFError, pickle.PickleError):  # for example too many processes
            self._is_started.set()
            self._has_failed = True

    def _ask(self, message: object) -> Any:
        """Send a message, and return the answer."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        _write(process.stdin, message)
        return pickle.load(process.stdout)  # noqa: S301 (from a process of this module)


def serve() -> None:
    """Measure layouts as a helper: find the layouts of the requirements, then answer groups until the input ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing but answers may be written to the pipe
    requirements: Requirements = pickle.load(source)  # noqa: S301 (from the process that started this one)
    layouts, _ = candidates(requirements, requirements.resolved())
    _write(sink, _identities(layouts))
    with suppress(EOFError):
        while True:
            record, trials = pickle.load(source)  # noqa: S301
            gauge = Gauge.of(requirements)
            gauge.records[layouts[trials[0][0]].engine] = record
            for number, *arguments in trials:
                Trial(layouts[number], *arguments).run(gauge)
            _write(sink, record)


def _identities(layouts: Sequence[Candidate]) -> list[object]:
    return [(layout.instance.name, layout.layout) for layout in layouts]


def _write(sink: IO[bytes], message: object) -> None:
    pickle.dump(message, sink)
    sink.flush()
