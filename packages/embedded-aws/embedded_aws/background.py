"""Background process of `embedded-aws start`: writes its record file, prints its port, stops on SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from embedded_aws import records
from embedded_aws.server import EmbeddedAws
from embedded_aws.serving.engine import ServingEngine, engine_named
from embedded_aws.serving.processes import ProcessEngine
from replicas.errors import ReplicasError


def main() -> None:
    """Run the server until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--time-scale", type=float, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--engine", metavar="MODULE:CLASS")
    parser.add_argument("--engine-command", metavar="COMMAND")
    parser.add_argument("--leashed", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args()
    stop_requested = threading.Event()
    if options.leashed:
        threading.Thread(target=_await_end_of_input, args=(stop_requested,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    try:
        aws = EmbeddedAws(
            port=options.port,
            time_scale=options.time_scale,
            speed=options.speed,
            state=options.state,
            engine=_engine(options.engine, options.engine_command),
        )
    except OSError as fault:
        sys.exit(f"port {options.port} cannot be used ({fault.strerror}): --port 0 selects a free port")
    except ReplicasError as refusal:
        sys.exit(str(refusal))
    record = records.Record(aws.port, os.getpid(), options.region, options.state and str(options.state))
    try:
        with aws:
            records.write(record)
            _print_port(record)
            stop_requested.wait()
    except ReplicasError as refusal:
        records.write(replace(record, failure=str(refusal)))
        sys.exit(str(refusal))
    records.forget(record.port)


def _engine(name: str | None, command: str | None) -> ServingEngine | None:
    if command:
        return ProcessEngine(command)
    return engine_named(name) if name else None


def _await_end_of_input(stop_requested: threading.Event) -> None:
    """Wait until the parent process has ended: standard input is a pipe that the parent then closes."""
    while os.read(0, 1):
        pass
    stop_requested.set()


def _print_port(record: records.Record) -> None:
    """Print the port on standard output. If the parent process has closed the pipe, stop this process."""
    with records.log_of(record.port).open("wb", buffering=0) as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
        try:
            print(record.port, flush=True)
        except BrokenPipeError:
            signal.raise_signal(signal.SIGTERM)
        os.dup2(log.fileno(), sys.stdout.fileno())  # the parent process closes the pipe after reading the port


main()
