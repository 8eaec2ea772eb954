"""The embedded AWS in a process of its own: start, stop, wait, bootstrap."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from embedded_aws import records
from embedded_aws.records import REGION, LocalError, Record, client_environment, control, find, running

__all__ = [
    "PORT",
    "REGION",
    "LocalError",
    "Record",
    "bootstrap",
    "client_environment",
    "control",
    "find",
    "running",
    "start",
    "stop",
    "wait",
]

PORT = 5566
"""Default port."""
_STARTED_HERE: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this process: whoever starts one waits for its end, or it stays a zombie."""
_STARTED_WITHIN_SECONDS = 60.0
_STOPPED_WITHIN_SECONDS = 30.0


def start(
    *,
    port: int,
    region: str,
    time_scale: float,
    speed: float,
    state: Path | None = None,
    engine: str | None = None,
) -> Record:
    """Start one in the background, and wait until it answers.

    `engine` names the serving engine's class as `module:Class`; by default that of the installed distributions.

    Raises:
        LocalError: the port or the state is in use, or it did not start (with the last line of what it said).

    """
    state = state and state.absolute()
    for other in running():
        if other.port == port:
            raise LocalError(
                f"an embedded AWS runs on port {port} already: `embedded-aws stop --port {port}` stops it, "
                "--port 0 starts another beside it"
            )
        if state and other.state == str(state):
            raise LocalError(f"the embedded AWS on port {other.port} uses {state}: stop it, or name another file")
    arguments = [f"--port={port}", f"--region={region}", f"--time-scale={time_scale}", f"--speed={speed}"]
    arguments += [f"--state={state}"] if state else []
    arguments += [f"--engine={engine}"] if engine else []
    process = subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", "embedded_aws.background", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for whoever started it, who then stops it in order
    )
    assert process.stdout and process.stderr  # noqa: PT018, S101 (they are pipes)
    try:
        ready, _, _ = select.select([process.stdout], [], [], _STARTED_WITHIN_SECONDS)
        told = process.stdout.readline() if ready else b""  # the port, once it answers; nothing where it ended
        record = records.read(int(told)) if told else None
    except BaseException:
        _ended(process)
        raise
    if record is None:
        raise LocalError(_last_line(_ended(process)) or "the embedded AWS did not start in time")
    process.stdout.close()
    process.stderr.close()
    _STARTED_HERE[process.pid] = process
    return record


def stop(record: Record) -> None:
    """End it; returns when it is gone and its state is saved.

    Raises:
        LocalError: it is not there any more, does not end, or its state could not be saved.

    """
    alive = records.answers(record)
    if alive is None:
        raise LocalError(
            f"the embedded AWS on {record.url} does not answer: try again, or, where process {record.pid} is it, "
            f"kill {record.pid}"
        )
    if not alive and record.pid not in _STARTED_HERE:
        raise LocalError(f"no embedded AWS runs on port {record.port} any more")
    if alive:  # and only then: the number may be another process's by now
        with suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOPPED_WITHIN_SECONDS
    while (left := records.read(record.port)) and left.pid == record.pid and not left.failure:
        if not records.exists(record) or _has_ended(record):
            break
        if time.monotonic() > deadline:
            raise LocalError(f"process {record.pid} does not end: kill -9 {record.pid}")
        time.sleep(0.02)
    _told(record)


def wait(record: Record) -> None:
    """Return when one that was started here has ended, or stop it with Ctrl-C.

    Raises:
        LocalError: it did not end in order.

    """
    child = _STARTED_HERE[record.pid]
    try:
        child.wait()
    except KeyboardInterrupt:
        stop(record)
    else:
        _told(record)


def bootstrap(environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Let the real CDK CLI bootstrap it, as an account is bootstrapped.

    Raises:
        LocalError: the CLI refuses, with its last lines.

    """
    cdk = shutil.which("cdk") or next((str(path) for path in [Path("node_modules/.bin/cdk")] if path.exists()), None)
    if cdk is None:
        tell("no CDK CLI here (make setup): it is not bootstrapped; `cdk bootstrap` does it later")
        return
    account = f"aws://123456789012/{environment['AWS_REGION']}"
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    }
    done = subprocess.run(  # noqa: S603 (the CDK's own command)
        # Not the app of this folder: bootstrapping needs none, and its synthesis takes longer.
        [cdk, "bootstrap", account, "--app", "", "--ci", "--no-notices"],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError("cdk bootstrap failed: " + " ".join((done.stdout + done.stderr).strip().splitlines()[-3:]))


def _ended(process: subprocess.Popen[bytes]) -> bytes:
    """End one that has not started yet; what it said."""
    process.terminate()
    try:
        return process.communicate(timeout=_STOPPED_WITHIN_SECONDS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1]


def _has_ended(record: Record) -> bool:
    """Whether a child of this process has; others are waited for by whoever started them."""
    child = _STARTED_HERE.get(record.pid)
    return child is not None and child.poll() is not None


def _told(record: Record) -> None:
    """What the process left when it ended: nothing, or why it failed."""
    child = _STARTED_HERE.pop(record.pid, None)
    code = child.wait(_STOPPED_WITHIN_SECONDS) if child else 0
    left = records.read(record.port)
    if left is None or left.pid != record.pid:
        return
    last = _last_line(records.log_of(record.port).read_bytes())
    records.forget(record.port)
    if left.failure:
        raise LocalError(f"the embedded AWS on port {record.port} has stopped, but not saved: {left.failure}")
    raise LocalError(f"the embedded AWS on port {record.port} ended unexpectedly (code {code}): {last}")


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
