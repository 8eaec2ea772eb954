"""Runs child processes in parallel. No process outlives the call."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from replicas.errors import ReviewError


@dataclass(frozen=True)
class Command:
    """A command to run in a child process."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Finished:
    """Exit code and output of a process that has ended."""

    code: int
    stdout: str
    stderr: str


def run(commands: Sequence[Command]) -> list[Finished]:
    """Run commands in parallel, one per processor at a time. None of their processes outlives this call."""
    width = os.cpu_count() or 1
    batches = [commands[start : start + width] for start in range(0, len(commands), width)]
    return [finished for batch in batches for finished in _run_batch(batch)]


def _run_batch(commands: Sequence[Command]) -> list[Finished]:
    with ExitStack() as stack:
        # Files instead of pipes: a process blocks when its pipe is full and not read.
        outputs = [[stack.enter_context(tempfile.TemporaryFile()) for _ in range(2)] for _ in commands]
        processes = [
            stack.enter_context(_running(command, *files)) for command, files in zip(commands, outputs, strict=True)
        ]
        codes = [process.wait() for process in processes]
        return [Finished(code, *map(_text, files)) for code, files in zip(codes, outputs, strict=True)]


@contextmanager
def _running(command: Command, stdout: IO[bytes], stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process in a new process group and kill the group on exit, because the CDK CLI runs apps in a shell."""
    try:
        process = subprocess.Popen(  # noqa: S603 (commands of this package alone)
            command.arguments,
            cwd=command.directory,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ReviewError(f"{command.arguments[0]} is not found: install it, or add its folder to PATH") from error
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def one_line(text: str) -> str:
    """Return the text on one line, with single spaces."""
    return " ".join(text.split())
