"""The process of an embedded AWS: says its port, and ends with SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from replicas.local.server import EmbeddedAws


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--time-scale", type=float, required=True)
    parser.add_argument("--speed", type=float, required=True)
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        aws = EmbeddedAws(port=arguments.port, time_scale=arguments.time_scale, speed=arguments.speed)
    except OSError as fault:
        sys.exit(f"port {arguments.port} cannot be used ({fault.strerror}): --port 0 takes a free one")
    with aws:
        print(aws.port, flush=True)
        ended.wait()


main()
