"""Sends requests without waiting for answers: at a rate, in a burst, or at the times of a trace.

`load.py` imports this module after gevent has patched all blocking calls.
"""

from __future__ import annotations

import gc
import json
import signal
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Group

from replicas.benchmark import records
from replicas.benchmark.loader import DRAIN_SECONDS, Loader

_REPORTS_EVERY_SECONDS = 1.0


def run(point: dict[str, Any]) -> None:
    """Send the requests of a measurement when they are due, wait for the answers, and print progress as JSON lines."""
    interrupted = gevent.event.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(ending, interrupted.set)
    loader, sent = Loader(point), Group()
    report = _Report(Path(point["records"]), loader, sent)
    gc.freeze()  # excludes all objects that exist now from later collections
    began = report.began = time.time()
    loader.begin(began)
    for due in loader.arrivals():
        while not interrupted.is_set() and (left := due - (time.time() - began)) > 0:
            interrupted.wait(min(left, _REPORTS_EVERY_SECONDS))
            report.if_due()
        if interrupted.is_set():
            break
        sent.spawn(loader.request, due)
        report.if_due()
    give_up = time.time() + (0.0 if interrupted.is_set() else DRAIN_SECONDS)
    while len(sent) and time.time() < give_up and not interrupted.is_set():
        sent.join(timeout=_REPORTS_EVERY_SECONDS)
        report.if_due()
    sent.kill()
    report.write(is_over=True)
    print(json.dumps({"interrupted": interrupted.is_set()}), flush=True)


class _Report:
    """Writes the records of ended requests and prints the progress."""

    def __init__(self, path: Path, loader: Loader, sent: Group) -> None:
        self.began = 0.0
        self._path, self._loader, self._sent = path, loader, sent
        self._requests = self._errors = 0
        self._last = 0.0

    def if_due(self) -> None:
        """Write the records and the progress, unless the last report is less than a second old."""
        if time.time() - self._last >= _REPORTS_EVERY_SECONDS:
            self.write()

    def write(self, *, is_over: bool = False) -> None:
        """Write the records that were made since the last call."""
        fresh = self._loader.take()
        records.write(self._path, fresh)
        self._requests += len(fresh)
        self._errors += sum(record.error is not None for record in fresh)
        self._last = time.time()
        progress = {"elapsed": self._last - self.began, "users": len(self._sent), "requests": self._requests}
        print(json.dumps({**progress, "errors": self._errors, "is_over": is_over}), flush=True)
