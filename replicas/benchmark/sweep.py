"""Measures a series of loads, with one process of the load generator per measurement, and saves the result after
each.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from math import inf
from pathlib import Path
from typing import IO, Any

from replicas.aws.invocation import Invoker
from replicas.aws.session import Aws
from replicas.aws.target import Target
from replicas.aws.waiting import NotYet
from replicas.benchmark import records
from replicas.benchmark.measure import Point, measure
from replicas.benchmark.points import load_of
from replicas.benchmark.prompts import PromptTexts
from replicas.benchmark.result import Result, key_of_load, save
from replicas.benchmark.settings import Settings
from replicas.benchmark.subject import Subject
from replicas.engines import Generation, dialects
from replicas.errors import OperationError
from replicas.load import Load, requests

_LOAD = "replicas.benchmark.load"
_STOPS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """Progress of the current measurement."""

    elapsed: float
    """Seconds since the start of the measurement."""
    duration: float
    """Seconds after which users send no more requests."""
    users: int
    requests: int
    errors: int
    is_over: bool
    """True in the last report about a measurement."""


@dataclass(frozen=True)
class Distribution:
    """Worker processes over which Locust distributes the load, and the address at which they connect to its master."""

    workers: int
    host: str = "127.0.0.1"
    port: int = 5557
    starts_workers: bool = True
    """False if the workers are started by hand, for example on other hosts."""


class Interrupted(Exception):  # noqa: N818 (requested by the user, not an error)
    """The user stopped the sweep with Ctrl-C; `result` has the measurements so far."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


def warm_up(aws: Aws, subject: Subject, settings: Settings) -> None:
    """Send the warm-up requests one after another, without measuring them.

    Raises:
        OperationError: no request was answered. The message has the reason of the last failure.

    """
    dialect = dialects()[subject.dialect]
    target = Target(subject.endpoint, subject.component, subject.image, subject.model, dialect, task=subject.task)
    invoker = Invoker(aws, aws.runtime(), target)
    load = settings.load() if settings.trace is not None else settings.load(users=1)
    texts, warm_up_requests = PromptTexts(seed=settings.seed, own=settings.seed - 1), requests(load, settings.seed - 1)
    refusals: list[str] = []
    for request in islice(warm_up_requests, settings.warmup_requests):
        generation = Generation(max_new_tokens=max(1, request.output_tokens))
        body = dialect.text_body(texts.text(request), subject.task, generation, exact_length=True)
        try:
            dialect.read_tokens(invoker.whole(body), subject.task)
        except (OperationError, NotYet, ValueError) as refusal:
            refusals.append(str(refusal))
    if refusals and len(refusals) == min(settings.warmup_requests, _requests_of(load)):
        raise OperationError(f"no request of the warm-up was answered: {refusals[-1]}")


def _requests_of(load: Load) -> float:
    return len(load.trace.requests) if load.trace else inf


def sweep(
    result: Result,
    loads: Sequence[Load],
    folder: Path,
    *,
    progress: Callable[[str, Progress], None],
    distribution: Distribution | None = None,
) -> Result:
    """Measure every load that is not measured yet, and save the result after each measurement.

    Raises:
        Interrupted: the user pressed Ctrl-C.
        OperationError: the load generator ended early.

    """
    left = [load for load in loads if not result.is_measured(load)]
    with _Ending() as ending:
        for load in left:
            order = _order(result, load, folder, distribution, is_last=load is left[-1])
            point = _measured(result, order, folder, progress, distribution, ending)
            result = result.with_point(point)
            save(result, folder)
            if ending.is_asked:
                raise Interrupted(result)
    return result


class _Ending:
    """Context manager that handles SIGINT, SIGTERM and SIGHUP.

    The first signal is forwarded to the load generator, whose output is still read: an exception would lose a line that
    is being read. The second signal raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._process: subprocess.Popen[str] | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> _Ending:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def tells(self, process: subprocess.Popen[str]) -> None:
        """Set the process to which the signal is forwarded. If a signal has already arrived, forward it now."""
        self._process = process
        if self.is_asked:
            process.send_signal(signal.SIGINT)

    def _handle(self, *_: object) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)


def _measured(
    result: Result,
    order: dict[str, Any],
    folder: Path,
    progress: Callable[[str, Progress], None],
    distribution: Distribution | None,
    ending: _Ending,
) -> Point:
    records_path, order_path = Path(order["records"]), folder / "point.json"
    records_path.unlink(missing_ok=True)
    records_path.touch()
    order_path.write_text(json.dumps(order))
    with tempfile.TemporaryFile("w+") as stderr:  # an unread pipe would fill up and block the process
        processes = [_start([str(order_path)], stdout=subprocess.PIPE, stderr=stderr)]
        try:
            if distribution and distribution.starts_workers:
                address = f"{distribution.host}:{distribution.port}"
                processes += [
                    _start(["--worker", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    for _ in range(distribution.workers)
                ]
            ending.tells(processes[0])
            is_whole = _followed(processes[0], order, progress)
        finally:
            for process in processes:
                _end(process)
            order_path.unlink()
        if not is_whole and not ending.is_asked:
            stderr.seek(0)
            lines = stderr.read().strip().splitlines()
            raise OperationError(f"the load generator ended early: {lines[-1] if lines else 'without a message'}")
    return measure(
        load_of(order),
        records.read(records_path),
        duration_seconds=result.settings.duration_seconds,
        usd_per_hour=result.subject.usd_per_hour,
        interrupted=not is_whole,
        objective=result.bounds,
    )


def _order(
    result: Result, load: Load, folder: Path, distribution: Distribution | None, *, is_last: bool
) -> dict[str, Any]:
    """Return the parameters of one measurement for the load generator. They contain no credentials: each process looks
    them up itself.
    """
    subject = result.subject
    order: dict[str, Any] = {
        "endpoint": subject.endpoint,
        "component": subject.component,
        "region": subject.region,
        "dialect": subject.dialect,
        "task": subject.task,
        "label": load.description,
        "users": load.users,
        "requests_per_second": load.requests_per_second,
        "burst": load.burst,
        "records": str(folder / _records_name(load)),
        "settings": asdict(result.settings),
    }
    if distribution:
        order["distributed"] = {
            "host": distribution.host,
            "port": distribution.port,
            "workers": distribution.workers,
            "is_last": is_last or distribution.starts_workers,
        }
    return order


def _records_name(load: Load) -> str:
    kind, size = key_of_load(load)
    return f"requests-{load.users:05d}.jsonl" if load.users is not None else f"requests-{kind}-{size:g}.jsonl"


def _start(arguments: list[str], *, stdout: int, stderr: int | IO[str]) -> subprocess.Popen[str]:
    # In its own session the process does not receive Ctrl-C directly; this process forwards the signal.
    return subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", _LOAD, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )


def _followed(process: subprocess.Popen[str], order: dict[str, Any], progress: Callable[[str, Progress], None]) -> bool:
    """Report progress until the load generator ends. Return True if it measured for the whole duration."""
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    is_whole = False
    for line in process.stdout:
        if not line.endswith("\n"):  # the process was killed while it wrote the line
            break
        message = json.loads(line)
        if "elapsed" in message:
            progress(order["label"], Progress(duration=order["settings"]["duration_seconds"], **message))
        else:
            is_whole = not message["interrupted"]
    return is_whole


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
