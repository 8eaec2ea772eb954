"""The simulated users of a benchmark: sending requests, timing answers and classifying failures.

`load.py` imports this module after gevent has patched all blocking calls.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as TimeoutInStream

from replicas.aws.session import Aws, error_code, error_message
from replicas.benchmark.frames import RAW_BODY, FrameReader, StreamBroken, keep_raw_bodies
from replicas.benchmark.points import load_of
from replicas.benchmark.prompts import PromptTexts
from replicas.benchmark.records import Record
from replicas.benchmark.settings import Settings
from replicas.catalogue.tasks import Task
from replicas.engines import Generation, dialects
from replicas.engines.dialect import StreamReader
from replicas.load import requests
from replicas.load.arrivals import arrivals

DRAIN_SECONDS = 75.0
"""Longest wait for requests in flight at the end of a measurement, slightly more than SageMaker's limit for an
answer."""
_CONNECTIONS = 1000
"""Connections that are kept open for an open-loop load. More connections are opened if needed."""
_PAUSE_AFTER_ERROR_SECONDS = 0.5
"""Pause of a user after a failed request, so that a failing endpoint is not flooded."""


class Loader:
    """Sends the requests of one measurement with one shared client, and records each of them."""

    def __init__(self, point: dict[str, Any]) -> None:
        self._settings = Settings(**point["settings"])
        self._dialect = dialects()[point["dialect"]]
        self._task: Task = point["task"]
        self._streams = self._settings.stream and self._task == "generate"
        self._call = {
            "EndpointName": point["endpoint"],
            "InferenceComponentName": point["component"],
            "ContentType": "application/json",
        }
        self._runtime = Aws(point["region"]).runtime(connections=point["users"] or _CONNECTIONS)
        keep_raw_bodies(self._runtime)
        self._load = load_of(point)
        seed = hash((self._settings.seed, point["users"] or 0, point.get("worker", 0)))
        self._requests = requests(self._load, seed)
        self._texts = PromptTexts(seed=self._settings.seed, own=seed)
        self._began = 0.0
        self.fresh: list[Record] = []

    def begin(self, at: float) -> None:
        """Set the start of the measurement, in seconds since the epoch. Times in records are relative to the start."""
        self._began = at

    def arrivals(self) -> Iterator[float]:
        """Yield the times at which requests are sent, if they do not wait for answers."""
        return arrivals(self._load, self._settings.duration_seconds, self._settings.seed)

    def request(self, due: float | None = None) -> Record:
        """Send one request and return its record. A failure is recorded, not raised.

        Args:
            due: arrival time in seconds since the start of the measurement. The latency counts from this time, even if
                the request is sent later. Default: now.

        """
        next_request = next(self._requests)
        generation = Generation(max_new_tokens=max(1, next_request.output_tokens))
        body = self._dialect.text_body(
            self._texts.text(next_request), self._task, generation, stream=self._streams, exact_length=True
        )
        began, clock = time.time() - self._began, time.perf_counter()
        if due is not None:
            clock -= max(0.0, began - due)
            began = min(began, due)
        first: float | None = None
        tokens, reader, error = 0, self._dialect.reader(), None
        input_tokens: int | None = None
        try:
            if self._streams:
                response: Mapping[str, Any] = self._runtime.invoke_endpoint_with_response_stream(
                    **self._call, Body=body
                )
                raw = response[RAW_BODY]
                frames = FrameReader()
                while first is None and (content := raw.read1()):
                    tokens += _tokens(frames, reader, content)
                    first = time.perf_counter() - clock if tokens else None
                # Only the first token is timed. The rest is read in one go and its tokens are counted.
                tokens += _tokens(frames, reader, raw.read())
            else:
                answer = self._runtime.invoke_endpoint(**self._call, Body=body)["Body"].read()
                input_tokens, tokens = self._dialect.read_tokens(answer, self._task)
        except (ClientError, BotoCoreError, StreamBroken, HTTPError, ValueError, OSError) as fault:
            error = kind_of(fault)
        record = Record(began, time.perf_counter() - clock, first, tokens, input_tokens or reader.input_tokens, error)
        self.fresh.append(record)
        return record

    def take(self) -> list[Record]:
        """Return the records that were made since the last call."""
        taken, self.fresh = self.fresh, []
        return taken


def _tokens(frames: FrameReader, reader: StreamReader, content: bytes) -> int:
    return sum(piece.tokens for payload in frames.feed(content) for piece in reader.feed(payload))


def kind_of(fault: Exception) -> str:
    """Return the kind of a failure. The report counts failures by kind."""
    if isinstance(fault, StreamBroken):
        return f"stream was cut off ({fault})"
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
    """A user that sends a request, waits for the answer, and then sends the next request."""

    loader: ClassVar[Loader]

    @task
    def ask(self) -> None:
        """Send one request, and pause after a failure."""
        record = self.loader.request()
        if record.error and self.environment.runner and self.environment.runner.state == "running":
            gevent.sleep(_PAUSE_AFTER_ERROR_SECONDS)
