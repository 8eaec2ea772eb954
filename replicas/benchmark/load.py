"""The load generator: a separate process with Locust users, in which gevent patches all blocking calls.

`python -m replicas.benchmark.load POINT.json` runs one measurement and prints its progress as JSON lines. With
`--worker HOST:PORT` the process is a worker for the `replicas benchmark --expect-workers` at that address.
"""

# ruff: noqa: E402 (gevent patches before anything else is imported)

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse
import gc
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment

from replicas.benchmark import open_loop, records, workers
from replicas.benchmark.loader import DRAIN_SECONDS, ClosedLoopUser, Loader
from replicas.benchmark.records import Record
from replicas.benchmark.settings import Settings


def main() -> None:
    """Run one measurement, or work as a worker for the benchmark of another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("point", nargs="?", type=Path, help="file with the parameters of the measurement")
    parser.add_argument("--worker", metavar="HOST:PORT", help="work for the benchmark that waits at this address")
    arguments = parser.parse_args()
    logging.getLogger("locust").setLevel(logging.CRITICAL)  # this module reports errors itself
    if arguments.worker:
        if not workers.work(arguments.worker):
            # The worker must not connect to the master of this measurement, which is still ending.
            gevent.sleep(workers.PAUSE_SECONDS)
            os.execv(sys.executable, [sys.executable, "-m", "replicas.benchmark.load", *sys.argv[1:]])  # noqa: S606
    elif arguments.point:
        point = json.loads(arguments.point.read_text())
        if point["users"] is None:
            open_loop.run(point)
        else:
            _run(point)
    else:
        parser.error("give POINT.json or --worker HOST:PORT")


def _run(point: dict[str, Any]) -> None:
    path, settings = Path(point["records"]), Settings(**point["settings"])
    environment = Environment(user_classes=[ClosedLoopUser], stop_timeout=DRAIN_SECONDS)
    interrupted = gevent.event.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(ending, interrupted.set)
    loader = Loader(point)
    crew = workers.Crew(environment, point) if point.get("distributed") else None
    if crew:
        runner: Any = crew.runner
        crew.await_all(interrupted)
    else:
        ClosedLoopUser.loader = loader
        runner = environment.create_local_runner()
    began = time.time()
    loader.begin(began)
    gc.freeze()  # excludes all objects that exist now from later collections
    rate = point["users"] / settings.ramp_seconds if settings.ramp_seconds else point["users"]
    runner.start(point["users"], spawn_rate=max(rate, 1), wait=False)
    totals = {"requests": 0, "errors": 0}

    def keep(fresh: list[Record], *, is_over: bool = False) -> None:
        records.write(path, fresh)
        totals["requests"] += len(fresh)
        totals["errors"] += sum(record.error is not None for record in fresh)
        progress = {"elapsed": time.time() - began, "users": runner.user_count, **totals, "is_over": is_over}
        print(json.dumps(progress), flush=True)

    take = crew.take if crew else loader.take
    while time.time() - began < settings.duration_seconds and not interrupted.is_set():
        left = settings.duration_seconds - (time.time() - began)
        interrupted.wait(max(0.0, min(1.0, left)))
        keep(take())
    if interrupted.is_set():
        environment.stop_timeout = 0
    stopping = gevent.spawn(runner.stop)
    while not stopping.ready():
        gevent.wait([stopping], timeout=1.0)
        keep(take())
    if crew:
        crew.await_last_reports()
        runner.quit()
    keep(take(), is_over=True)
    print(json.dumps({"interrupted": interrupted.is_set()}), flush=True)


if __name__ == "__main__":
    main()
