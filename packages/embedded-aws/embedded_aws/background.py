"""The process that `embedded-aws start` starts: writes its record, prints its port, ends with SIGTERM or SIGINT."""

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
from embedded_aws.serving.engine import engine_named
from replicas.errors import ReplicasError


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--time-scale", type=float, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--engine", metavar="MODULE:CLASS")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        aws = EmbeddedAws(
            port=options.port,
            time_scale=options.time_scale,
            speed=options.speed,
            state=options.state,
            engine=engine_named(options.engine) if options.engine else None,
        )
    except OSError as fault:
        sys.exit(f"port {options.port} cannot be used ({fault.strerror}): --port 0 takes a free one")
    except ReplicasError as refusal:
        sys.exit(str(refusal))
    record = records.Record(aws.port, os.getpid(), options.region, options.state and str(options.state))
    try:
        with aws:
            records.write(record)
            _say_port(record)
            ended.wait()
    except ReplicasError as refusal:
        records.write(replace(record, failure=str(refusal)))
        sys.exit(str(refusal))
    records.forget(record.port)


def _say_port(record: records.Record) -> None:
    """Print the port on standard output. If the reader is gone, end: nothing else would stop this process."""
    with records.log_of(record.port).open("wb", buffering=0) as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
        try:
            print(record.port, flush=True)
        except BrokenPipeError:
            signal.raise_signal(signal.SIGTERM)
        os.dup2(log.fileno(), sys.stdout.fileno())  # the starter has read the port and closes its end


main()
