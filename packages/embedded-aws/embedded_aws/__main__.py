"""The process of an embedded AWS: keeps a record of itself, says its port, and ends with SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from embedded_aws import records
from replicas.errors import ReplicasError


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--time-scale", type=float, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--state", type=Path)
    asked = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        from embedded_aws.server import EmbeddedAws
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing.name} is not installed: pip install 'replicas[local]'")
    try:
        aws = EmbeddedAws(port=asked.port, time_scale=asked.time_scale, speed=asked.speed, state=asked.state)
    except OSError as fault:
        sys.exit(f"port {asked.port} cannot be used ({fault.strerror}): --port 0 takes a free one")
    except ReplicasError as refusal:
        sys.exit(str(refusal))
    record = records.Record(aws.port, os.getpid(), asked.region, asked.state and str(asked.state))
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
    """On standard output; where nobody is left to hear it, nobody will stop this process either: end."""
    with records.log_of(record.port).open("wb", buffering=0) as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
        try:
            print(record.port, flush=True)
        except BrokenPipeError:
            signal.raise_signal(signal.SIGTERM)
        os.dup2(log.fileno(), sys.stdout.fileno())  # whoever started this does not listen any longer


main()
