"""A sweep over numbers of users: a process of the load generator for each, and what was measured kept after each."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from replicas.operations.aws import Aws
from replicas.operations.benchmark import records
from replicas.operations.benchmark.measure import Point, measure
from replicas.operations.benchmark.prompts import prompts
from replicas.operations.benchmark.result import Result, save
from replicas.operations.benchmark.settings import Settings
from replicas.operations.benchmark.subject import Subject
from replicas.operations.errors import OperationError
from replicas.operations.invocation import Invoker, NotYet
from replicas.operations.requests import Dialect, Generation, prompt_body, read_answer
from replicas.operations.target import Target

_LOAD = "replicas.operations.benchmark.load"
_STOPS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """Of the point that is being measured."""

    elapsed: float
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
    dialect = Dialect(subject.dialect)
    target = Target(subject.endpoint, subject.component, subject.image, subject.model, dialect)
    invoker = Invoker(aws, aws.runtime(), target)
    texts = prompts(settings.input_tokens, fixed=settings.fixed_prompt, seed=settings.seed - 1)
    refusals: list[str] = []
    for _ in range(settings.warmup_requests):
        generation = Generation(max_new_tokens=settings.output_tokens)
        body = prompt_body(dialect, next(texts), generation, stream=False, exact_length=True)
        try:
            read_answer(dialect, invoker.whole(body))
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
    for count in left:
        order = _order(result, count, folder, distribution, is_last=count == left[-1])
        point, interrupted = _measured(result, order, folder, progress, distribution)
        result = result.with_point(point)
        save(result, folder)
        if interrupted:
            raise Interrupted(result)
    return result


def _measured(
    result: Result,
    order: dict[str, Any],
    folder: Path,
    progress: Callable[[int, Progress], None],
    distribution: Distribution | None,
) -> tuple[Point, bool]:
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
            interrupted = _followed(processes[0], order["users"], progress)
        finally:
            for process in processes:
                _end(process)
            told.unlink()
        if interrupted is None:
            said.seek(0)
            lines = said.read().strip().splitlines()
            raise OperationError(f"the load generator ended early: {lines[-1] if lines else 'without a word'}")
    measured = measure(
        order["users"],
        records.read(kept),
        duration_seconds=result.settings.duration_seconds,
        usd_per_hour=result.subject.usd_per_hour,
        interrupted=interrupted,
    )
    return measured, interrupted


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
        "settings": result.settings.document(),
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


def _followed(process: subprocess.Popen[str], users: int, progress: Callable[[int, Progress], None]) -> bool | None:
    """Pass on the progress until the end. True where Ctrl-C ended it early, None where it ended itself."""
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    last: dict[str, Any] = {}
    was_told = False
    while True:
        try:
            line = process.stdout.readline()
            if not line:
                break
            last = json.loads(line)
            if "elapsed" in last:
                progress(users, Progress(**last))
        except KeyboardInterrupt:
            if was_told:  # twice: at once
                raise
            was_told = True
            process.send_signal(signal.SIGINT)
    return last.get("interrupted", True if was_told else None)


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
