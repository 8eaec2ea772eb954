"""A sweep over numbers of users: a process of the load generator for each, and what was measured kept after each."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from replicas.aws.invocation import Invoker
from replicas.aws.session import Aws
from replicas.aws.target import Target
from replicas.aws.waiting import NotYet
from replicas.benchmark import records
from replicas.benchmark.measure import Point, measure
from replicas.benchmark.prompts import prompts
from replicas.benchmark.result import Result, save
from replicas.benchmark.settings import Settings
from replicas.benchmark.subject import Subject
from replicas.engines import Generation, dialects
from replicas.errors import OperationError

_LOAD = "replicas.benchmark.load"
_STOPS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """How far the point is that is being measured."""

    elapsed: float
    """Seconds since its first request."""
    duration: float
    """Seconds after which no user begins another request."""
    users: int
    requests: int
    errors: int
    is_over: bool
    """True once: nothing more is told of the point."""


@dataclass(frozen=True)
class Distribution:
    """Load from several processes, Locust's way: this one waits for workers and tells them what to do."""

    workers: int
    host: str = "127.0.0.1"
    port: int = 5557
    starts_workers: bool = True
    """False: they are started elsewhere."""


class Interrupted(Exception):  # noqa: N818 (it is what the user wanted)
    """Ctrl-C: what was measured is kept."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


def warm_up(aws: Aws, subject: Subject, settings: Settings) -> None:
    """Ask a few times, one after another, before anything is measured.

    Raises:
        OperationError: not one was answered, with the reason of the last.

    """
    dialect = dialects()[subject.dialect]
    target = Target(subject.endpoint, subject.component, subject.image, subject.model, dialect)
    invoker = Invoker(aws, aws.runtime(), target)
    texts = prompts(settings.input_tokens, fixed=settings.fixed_prompt, seed=settings.seed - 1)
    refusals: list[str] = []
    for _ in range(settings.warmup_requests):
        generation = Generation(max_new_tokens=settings.output_tokens)
        body = dialect.prompt_body(next(texts), generation, stream=False, exact_length=True)
        try:
            dialect.read_answer(invoker.whole(body))
        except (OperationError, NotYet, ValueError) as refusal:
            refusals.append(str(refusal))
    if refusals and len(refusals) == settings.warmup_requests:
        raise OperationError(f"no request of the warm-up was answered: {refusals[-1]}")


def sweep(
    result: Result,
    users: Sequence[int],
    folder: Path,
    *,
    progress: Callable[[int, Progress], None],
    distribution: Distribution | None = None,
) -> Result:
    """Measure every number of users that the result does not have yet; saved after each.

    Raises:
        Interrupted: by Ctrl-C, with what was measured until then.
        OperationError: the load generator could not work.

    """
    left = [count for count in users if not result.is_measured(count)]
    with _Ending() as ending:
        for count in left:
            order = _order(result, count, folder, distribution, is_last=count == left[-1])
            point = _measured(result, order, folder, progress, distribution, ending)
            result = result.with_point(point)
            save(result, folder)
            if ending.is_asked:
                raise Interrupted(result)
    return result


class _Ending:
    """Ctrl-C, `kill` and a terminal that closes: the load generator is told, and what it measured is read to its end.

    An exception in the middle of a line that is being read would lose the rest of it. The second time it is one.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._process: subprocess.Popen[str] | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> _Ending:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._asked)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def tells(self, process: subprocess.Popen[str]) -> None:
        """The process that is to be told; at once, where it was asked already."""
        self._process = process
        if self.is_asked:
            process.send_signal(signal.SIGINT)

    def _asked(self, *_: object) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)


def _measured(
    result: Result,
    order: dict[str, Any],
    folder: Path,
    progress: Callable[[int, Progress], None],
    distribution: Distribution | None,
    ending: _Ending,
) -> Point:
    kept, told = Path(order["records"]), folder / "point.json"
    kept.unlink(missing_ok=True)
    kept.touch()
    told.write_text(json.dumps(order))
    with tempfile.TemporaryFile("w+") as said:  # a pipe that nobody empties would hold the process
        processes = [_start([str(told)], stdout=subprocess.PIPE, stderr=said)]
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
            told.unlink()
        if not is_whole and not ending.is_asked:
            said.seek(0)
            lines = said.read().strip().splitlines()
            raise OperationError(f"the load generator ended early: {lines[-1] if lines else 'without a word'}")
    return measure(
        order["users"],
        records.read(kept),
        duration_seconds=result.settings.duration_seconds,
        usd_per_hour=result.subject.usd_per_hour,
        interrupted=not is_whole,
    )


def _order(
    result: Result, users: int, folder: Path, distribution: Distribution | None, *, is_last: bool
) -> dict[str, Any]:
    """What the load generator is told. No credential is in it: each process finds its own."""
    subject = result.subject
    order: dict[str, Any] = {
        "endpoint": subject.endpoint,
        "component": subject.component,
        "region": subject.region,
        "dialect": subject.dialect,
        "users": users,
        "records": str(folder / f"requests-{users:05d}.jsonl"),
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


def _start(arguments: list[str], *, stdout: int, stderr: int | IO[str]) -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C comes to this process, which tells the other one to keep what it has.
    return subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", _LOAD, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )


def _followed(process: subprocess.Popen[str], order: dict[str, Any], progress: Callable[[int, Progress], None]) -> bool:
    """Pass on the progress until the end. True where it measured for the whole time."""
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    is_whole = False
    for line in process.stdout:
        if not line.endswith("\n"):  # it was killed while it wrote
            break
        told = json.loads(line)
        if "elapsed" in told:
            progress(order["users"], Progress(duration=order["settings"]["duration_seconds"], **told))
        else:
            is_whole = not told["interrupted"]
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
