"""Distributed load: Locust's master and workers, extended to send the record of every request.

`Crew` runs in the master, `work` in each worker. A worker reports every three seconds, and a last time when its last
user has stopped. The measurement ends when all workers have sent their last report.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import gevent
from locust import runners
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from replicas.benchmark.loader import DRAIN_SECONDS, ClosedLoopUser, Loader
from replicas.benchmark.records import Record

PAUSE_SECONDS = 2.0
"""Pause of a worker between two measurements."""
_COME_WITHIN_SECONDS = 120.0
_REPORT_WITHIN_SECONDS = 15.0
_LOST_AFTER_SECONDS = 10
"""Seconds without a message from the master after which a worker stops its users."""


class Crew:
    """The workers of one measurement, as Locust's master sees them."""

    def __init__(self, environment: Environment, point: dict[str, Any]) -> None:
        distributed = point["distributed"]
        self._size: int = distributed["workers"]
        self._point = point
        self._new_records: list[Record] = []
        self._connected: list[str] = []
        self._informed: set[str] = set()
        self._began = 0.0
        self._finished: set[str] = set()
        self.runner: MasterRunner = environment.create_master_runner(distributed["host"], distributed["port"])
        self.runner.register_message("here", self._on_connected)
        self.runner.register_message("last-report", self._on_last_report)
        environment.events.worker_report.add_listener(self._on_report)

    def await_all(self, interrupted: Any) -> None:
        """Wait until all workers have connected, and send them the parameters of the measurement. Exits the process
        after a timeout.
        """
        deadline = time.monotonic() + _COME_WITHIN_SECONDS
        while len(self._connected) < self._size:
            if interrupted.wait(0.1):
                sys.exit(f"interrupted after {len(self._connected)} of {self._size} workers had connected")
            if time.monotonic() > deadline:
                sys.exit(
                    f"{len(self._connected)} of {self._size} workers connected within {_COME_WITHIN_SECONDS:.0f} s"
                )
        self._began = time.monotonic()
        for worker in list(self._connected):
            self._send_point(worker)

    def take(self) -> list[Record]:
        """Return the records reported since the last call."""
        taken, self._new_records = self._new_records, []
        return taken

    def await_last_reports(self) -> None:
        """Wait for the last report of every worker. Exits the process after a timeout."""
        deadline = time.monotonic() + _REPORT_WITHIN_SECONDS
        while self._informed - self._finished or len(self.runner.clients.ready) < len(self._informed):
            if time.monotonic() > deadline:
                lost = len(self._informed - self._finished)
                sys.exit(f"{lost} of {len(self._informed)} workers stopped answering before the end")
            gevent.sleep(0.05)

    def _send_point(self, worker: str) -> None:
        self._informed.add(worker)
        more = {"worker": self._connected.index(worker) + 1, "age_seconds": time.monotonic() - self._began}
        self.runner.send_message("point", {**self._point, **more}, worker)

    def _on_connected(self, msg: Any, **_: Any) -> None:
        self._connected.append(msg.node_id)
        if self._informed:  # Locust also gives users to a late worker, so the worker needs the parameters too
            self._send_point(msg.node_id)

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        self._new_records.extend(Record(**entry) for entry in data.pop("records", ()))

    def _on_last_report(self, msg: Any, **_: Any) -> None:
        self._on_report(msg.data)
        self._finished.add(msg.node_id)


def work(address: str) -> bool:
    """Generate load for one measurement as a worker. Return True if it was the last measurement of the benchmark.

    Exits the process if no master answers within five minutes.
    """
    runners.MASTER_HEARTBEAT_TIMEOUT = _LOST_AFTER_SECONDS  # type: ignore[attr-defined, unused-ignore]
    host, _, port = address.rpartition(":")
    environment = Environment(user_classes=[ClosedLoopUser], stop_timeout=DRAIN_SECONDS)
    try:
        runner: WorkerRunner = environment.create_worker_runner(host, int(port))
    except ConnectionError:
        sys.exit(f"no benchmark waits at {address}: start it with --expect-workers first")
    orders: list[dict[str, Any]] = []

    def on_point(msg: Any, **_: Any) -> None:
        orders.append(msg.data)
        ClosedLoopUser.loader = Loader(msg.data)
        ClosedLoopUser.loader.begin(time.time() - msg.data["age_seconds"])  # start of the point by the local clock

    def taken() -> list[dict[str, Any]]:
        return [vars(record) for record in ClosedLoopUser.loader.take()] if orders else []

    def on_report(data: dict[str, Any], **_: Any) -> None:
        data["records"] = taken()

    def on_stopped(**_: Any) -> None:
        environment.stop_timeout = 0  # otherwise Locust waits this long before it reports the worker as ready again
        runner.send_message("last-report", {"records": taken()})

    runner.register_message("point", on_point)
    runner.send_message("here")  # Locust registers a worker before it can receive custom messages
    environment.events.report_to_master.add_listener(on_report)
    environment.events.test_stop.add_listener(on_stopped)
    runner.greenlet.join()
    return bool(orders and orders[-1]["distributed"]["is_last"])
