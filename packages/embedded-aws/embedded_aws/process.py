"""Starts, stops, waits for and bootstraps an embedded AWS in a separate process."""

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
"""Default port of the embedded AWS."""
_STARTED_HERE: dict[int, subprocess.Popen[bytes]] = {}
"""Child processes by process id. They stay as zombies until this process waits for them."""
_STARTED_WITHIN_SECONDS = 180.0
_INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPED_WITHIN_SECONDS = 120.0


def start(
    *,
    port: int,
    region: str,
    time_scale: float,
    speed: float,
    state: Path | None = None,
    engine: str | None = None,
    engine_command: str | None = None,
    leashed: bool = False,
) -> Record:
    """Start an embedded AWS in the background and wait until it answers.

    With `leashed`, it stops when this process ends for any reason. `engine` is the serving engine's class as
    `module:Class`; default: the engine that an installed distribution provides. With `engine_command`, each copy runs
    this command instead of an engine class.

    Raises:
        LocalError: the port or the state file is in use, or the process did not start. The message then is its last
            line on stderr.

    """
    state = state and Path(os.path.realpath(state))
    for other in running():
        if other.port == port:
            raise LocalError(
                f"an embedded AWS already runs on port {port}: stop it with `embedded-aws stop --port {port}`, or "
                "start another one with --port 0"
            )
        if state and other.state and _is_same_file(state, Path(other.state)):
            raise LocalError(f"the embedded AWS on port {other.port} uses {state}: stop it or name another file")
    arguments = [f"--port={port}", f"--region={region}", f"--time-scale={time_scale}", f"--speed={speed}"]
    arguments += [f"--state={state}"] if state else []
    arguments += [f"--engine={engine}"] if engine else []
    arguments += [f"--engine-command={engine_command}"] if engine_command else []
    arguments += ["--leashed"] if leashed else []
    process = subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", "embedded_aws.background", *arguments],
        stdin=subprocess.PIPE if leashed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches only the parent, which then stops the child
    )
    assert process.stdout and process.stderr  # noqa: PT018, S101 (they are pipes)
    try:
        ready, _, _ = select.select([process.stdout], [], [], _STARTED_WITHIN_SECONDS)
        port_line = process.stdout.readline() if ready else b""  # the child prints its port when it answers
        record = records.read(int(port_line)) if port_line else None
    except BaseException:
        _terminate(process)
        raise
    if record is None:
        raise LocalError(
            _last_line(_terminate(process)) or "the embedded AWS did not start within 3 minutes: try again"
        )
    process.stdout.close()
    process.stderr.close()
    _STARTED_HERE[process.pid] = process
    return record


def stop(record: Record) -> None:
    """Stop an embedded AWS; return when its process has ended and its state is saved.

    Raises:
        LocalError: the process no longer runs or does not end, or its state could not be saved.

    """
    alive = records.answers(record)
    if alive is None:
        raise LocalError(
            f"the embedded AWS on {record.url} does not answer: try again, or make sure that process "
            f"{record.pid} is the embedded AWS and run `kill {record.pid}`"
        )
    if not alive and record.pid not in _STARTED_HERE:
        raise LocalError(f"the embedded AWS on port {record.port} has already ended")
    if alive:  # otherwise another process may have reused the process id
        with suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOPPED_WITHIN_SECONDS
    while (current := records.read(record.port)) and current.pid == record.pid and not current.failure:
        if not records.exists(record) or _has_ended(record):
            break
        if time.monotonic() > deadline:
            raise LocalError(f"process {record.pid} does not end: run `kill -9 {record.pid}`")
        time.sleep(0.02)
    _check_exit(record)


def wait(record: Record, waiting: Callable[[], None]) -> None:
    """Wait until an embedded AWS that this process started has ended. Ctrl-C stops it.

    Args:
        record: the embedded AWS.
        waiting: called as soon as Ctrl-C stops it.

    Raises:
        LocalError: it ended unexpectedly, or its state could not be saved.

    """
    child = _STARTED_HERE[record.pid]
    try:
        waiting()
        child.wait()
    except KeyboardInterrupt:
        stop_undisturbed(record)
    else:
        _check_exit(record)


def stop_undisturbed(record: Record) -> None:
    """Stop an embedded AWS and ignore Ctrl-C until its state is saved."""
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _INTERRUPTING}
    try:
        stop(record)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def bootstrap(environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Run `cdk bootstrap` of the real CDK CLI against the embedded AWS.

    Raises:
        LocalError: the command fails; the message quotes its last lines.

    """
    cdk = shutil.which("cdk") or next((str(path) for path in [Path("node_modules/.bin/cdk")] if path.exists()), None)
    if cdk is None:
        tell("the embedded AWS is not bootstrapped: install the CDK CLI (make setup) and run `cdk bootstrap`")
        return
    account = f"aws://123456789012/{environment['AWS_REGION']}"
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    }
    done = subprocess.run(  # noqa: S603 (the CDK's own command)
        # Bootstrapping needs no app: without --app "" the CLI would synthesise the app of this folder first.
        [cdk, "bootstrap", account, "--app", "", "--ci", "--no-notices"],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError("cdk bootstrap failed: " + " ".join((done.stdout + done.stderr).strip().splitlines()[-3:]))


def _is_same_file(left: Path, right: Path) -> bool:
    try:
        return left.samefile(right)
    except OSError:
        return left == right  # one of the files does not exist yet


def _terminate(process: subprocess.Popen[bytes]) -> bytes:
    """Terminate a process that did not start, and return its stderr."""
    process.terminate()
    try:
        return process.communicate(timeout=_STOPPED_WITHIN_SECONDS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1]


def _has_ended(record: Record) -> bool:
    """Return whether the record's process is a child of this process and has ended."""
    child = _STARTED_HERE.get(record.pid)
    return child is not None and child.poll() is not None


def _check_exit(record: Record) -> None:
    """Raise `LocalError` with the reason if the process ended without deleting its record.

    A process that ends normally deletes it.
    """
    child = _STARTED_HERE.pop(record.pid, None)
    code = child.wait(_STOPPED_WITHIN_SECONDS) if child else 0
    current = records.read(record.port)
    if current is None or current.pid != record.pid:
        return
    last = _last_line(records.log_of(record.port).read_bytes())
    records.forget(record.port)
    if current.failure:
        raise LocalError(
            f"the embedded AWS on port {record.port} has stopped without saving its state: {current.failure}"
        )
    raise LocalError(f"the embedded AWS on port {record.port} ended unexpectedly (code {code}): {last}")


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
