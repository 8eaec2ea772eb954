"""The load generator: Locust's users in a process of their own, where everything that waits is patched by gevent.

`python -m replicas.operations.benchmark.load POINT.json` runs one point and prints its progress as JSON lines.
With `--worker HOST:PORT` the process takes its users from another one's `replicas benchmark --expect-workers`.
"""

# ruff: noqa: E402 (gevent patches before anything else is imported)

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse
import gc
import json
import logging
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import gevent
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from locust import User, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as TimeoutInStream

from replicas.operations.aws import Aws, error_code, error_message
from replicas.operations.benchmark import records
from replicas.operations.benchmark.frames import RAW_BODY, FrameReader, StreamBroken, keep_raw_bodies
from replicas.operations.benchmark.prompts import prompts
from replicas.operations.benchmark.records import Record
from replicas.operations.benchmark.settings import Settings
from replicas.operations.requests import Dialect, Generation, StreamReader, prompt_body, read_answer

_DRAIN_SECONDS = 75.0
"""A little more than the longest time that the service lets an answer take."""
_PAUSE_AFTER_ERROR_SECONDS = 0.5
"""A user that was refused takes a breath: an endpoint that says no is not to be hammered."""
_WORKERS_WITHIN_SECONDS = 120.0


class Loader:
    """Sends one kind of request with one shared client, and keeps what it measured."""

    def __init__(self, point: dict[str, Any]) -> None:
        self._settings = Settings(**point["settings"])
        self._dialect = Dialect(point["dialect"])
        self._call = {
            "EndpointName": point["endpoint"],
            "InferenceComponentName": point["component"],
            "ContentType": "application/json",
        }
        self._runtime = Aws(point["region"]).runtime(connections=point["users"])
        keep_raw_bodies(self._runtime)
        self._generation = Generation(max_new_tokens=self._settings.output_tokens)
        seed = hash((self._settings.seed, point["users"], point.get("worker", 0)))
        self._prompts = prompts(self._settings.input_tokens, fixed=self._settings.fixed_prompt, seed=seed)
        self._began = 0.0
        self.fresh: list[Record] = []

    def begin(self, at: float) -> None:
        """Times are counted from here on: seconds since the epoch."""
        self._began = at

    def request(self) -> Record:
        """One request, measured."""
        body = prompt_body(
            self._dialect,
            next(self._prompts),
            self._generation,
            stream=self._settings.stream,
            exact_length=True,
        )
        began, clock = time.time() - self._began, time.perf_counter()
        first: float | None = None
        tokens, reader, error = 0, StreamReader(self._dialect), None
        try:
            if self._settings.stream:
                raw = self._runtime.invoke_endpoint_with_response_stream(**self._call, Body=body)[RAW_BODY]
                frames = FrameReader()
                while first is None and (content := raw.read1()):
                    tokens += _tokens(frames, reader, content)
                    first = time.perf_counter() - clock if tokens else None
                # The first token is timed; the rest is read when it is there, and counted at the end.
                tokens += _tokens(frames, reader, raw.read())
            else:
                answer = self._runtime.invoke_endpoint(**self._call, Body=body)["Body"].read()
                tokens = read_answer(self._dialect, answer).tokens
        except (ClientError, BotoCoreError, StreamBroken, HTTPError, ValueError, OSError) as fault:
            error = kind_of(fault)
        record = Record(began, time.perf_counter() - clock, first, tokens, reader.input_tokens, error)
        self.fresh.append(record)
        return record

    def take(self) -> list[Record]:
        """What was measured since it was last asked."""
        taken, self.fresh = self.fresh, []
        return taken


def _tokens(frames: FrameReader, reader: StreamReader, content: bytes) -> int:
    return sum(piece.tokens for payload in frames.feed(content) for piece in reader.feed(payload))


def kind_of(fault: Exception) -> str:
    """The kind of a failure, as the report counts them."""
    if isinstance(fault, StreamBroken):
        return f"stream broke off ({fault})"
    if isinstance(fault, ClientError):
        code, status = error_code(fault), fault.response.get("OriginalStatusCode")
        if "no capacity" in error_message(fault):
            return "no capacity (400)"
        named = {
            "ModelError": f"container answered {status} (424)",
            "ModelNotReadyException": "model not ready (429)",
            "InternalDependencyException": "dependency failed (530)",
            "ThrottlingException": "throttled",
        }
        return named.get(code, code)
    if isinstance(fault, (ReadTimeoutError, TimeoutInStream)):
        return "no answer within 70 s"
    if isinstance(fault, (ConnectionError, HTTPClientError, HTTPError, OSError)):
        return "connection failed"
    return f"not understood ({type(fault).__name__})"


class ClosedLoopUser(User):
    """Asks, waits for the answer, and asks again."""

    loader: ClassVar[Loader]

    @task
    def ask(self) -> None:
        """One turn."""
        record = self.loader.request()
        if record.error and self.environment.runner and self.environment.runner.state == "running":
            gevent.sleep(_PAUSE_AFTER_ERROR_SECONDS)


def main() -> None:
    """Run a point, or work for somebody else's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("point", nargs="?", type=Path, help="the point to run")
    parser.add_argument("--worker", metavar="HOST:PORT", help="work for the benchmark that waits there")
    arguments = parser.parse_args()
    logging.getLogger("locust").setLevel(logging.ERROR)
    if arguments.worker:
        _work(arguments.worker)
    else:
        _run(json.loads(arguments.point.read_text()))


def _work(address: str) -> None:
    host, _, port = address.rpartition(":")
    environment = Environment(user_classes=[ClosedLoopUser], stop_timeout=_DRAIN_SECONDS)
    runner: WorkerRunner = environment.create_worker_runner(host, int(port))
    loaders: list[Loader] = []

    def on_point(msg: Any, **_: Any) -> None:
        loaders[:] = [Loader(msg.data)]
        loaders[0].begin(msg.data["began"])
        ClosedLoopUser.loader = loaders[0]

    def on_report(data: dict[str, Any], **_: Any) -> None:
        data["records"] = [vars(record) for record in loaders[0].take()] if loaders else []

    runner.register_message("point", on_point)
    environment.events.report_to_master.add_listener(on_report)
    runner.greenlet.join()


def _run(point: dict[str, Any]) -> None:
    loader = Loader(point)
    path = Path(point["records"])
    distributed = point.get("distributed")
    environment = Environment(user_classes=[ClosedLoopUser], stop_timeout=_DRAIN_SECONDS)
    interrupted = gevent.event.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(ending, interrupted.set)
    arrived: list[Record] = []
    if distributed:
        runner: Any = environment.create_master_runner(distributed["host"], distributed["port"])

        def on_worker_report(data: dict[str, Any], **_: Any) -> None:
            arrived.extend(Record(**entry) for entry in data.pop("records", ()))

        environment.events.worker_report.add_listener(on_worker_report)
        _await_workers(runner, distributed["workers"], interrupted)
    else:
        ClosedLoopUser.loader = loader
        runner = environment.create_local_runner()
    began = time.time()
    loader.begin(began)
    if distributed:
        for number, client in zip(count(1), list(runner.clients.all), strict=False):
            runner.send_message("point", {**point, "began": began, "worker": number}, client.id)
    settings = Settings(**point["settings"])
    gc.freeze()  # what is there now stays: no collection needs to look at it again
    rate = point["users"] / settings.ramp_seconds if settings.ramp_seconds else point["users"]
    runner.start(point["users"], spawn_rate=max(rate, 1), wait=False)
    totals = {"requests": 0, "errors": 0}

    def keep() -> None:
        fresh = [*loader.take(), *arrived]
        arrived.clear()
        records.write(path, fresh)
        totals["requests"] += len(fresh)
        totals["errors"] += sum(record.error is not None for record in fresh)
        progress = {"elapsed": time.time() - began, "users": runner.user_count, **totals}
        print(json.dumps(progress), flush=True)

    while time.time() - began < settings.duration_seconds and not interrupted.is_set():
        left = settings.duration_seconds - (time.time() - began)
        interrupted.wait(max(0.0, min(1.0, left)))
        keep()
    if interrupted.is_set():
        environment.stop_timeout = 0
    stopping = gevent.spawn(runner.stop)
    while not stopping.ready():
        gevent.wait([stopping], timeout=1.0)
        keep()
    if isinstance(runner, MasterRunner):
        gevent.sleep(2 * 3.0)  # workers report every three seconds: the last records are on their way
        keep()
        runner.quit()
    print(json.dumps({"interrupted": interrupted.is_set()}), flush=True)


def _await_workers(runner: MasterRunner, workers: int, interrupted: Any) -> None:
    deadline = time.monotonic() + _WORKERS_WITHIN_SECONDS
    while len(runner.clients.ready) < workers:
        if time.monotonic() > deadline or interrupted.wait(0.1):
            sys.exit(f"{len(runner.clients.ready)} of {workers} workers came within {_WORKERS_WITHIN_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
