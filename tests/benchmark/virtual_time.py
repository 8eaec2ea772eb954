"""The load generator and the data plane of the embedded AWS on one virtual clock: waiting takes no time.

Everything between a user of the load generator and the engine of a copy is the real thing: prompts, boto3 with its
signing and parsing, the HTTP request as the data plane receives it, routing, the dialect, the batch, the clock readings
of the load generator. Two things are replaced. An event loop jumps to its next timer instead of sleeping, and each user
is a greenlet that hands its request over to that loop instead of a socket. So a run gives the same figures each time,
on any machine.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from greenlet import getcurrent, greenlet
from starlette.requests import Request
from starlette.types import Message

from embedded_aws.faults import Faults
from embedded_aws.server import EmbeddedAws
from embedded_aws.serving import routing, runtime
from embedded_aws.serving.engine import ServingEngine
from replicas.benchmark import records


class _Timers(selectors.DefaultSelector):
    """A selector that moves its clock on by what it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "every task waits for another one"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds pass only when every task waits."""

    def __init__(self) -> None:
        self._timers = _Timers()
        super().__init__(self._timers)

    def time(self) -> float:
        """Seconds since the loop was created."""
        return self._timers.now


class _Clock:
    """`time` of the load generator."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.time = self.perf_counter = loop.time


def run_point(
    order: dict[str, Any], aws: EmbeddedAws, engine: ServingEngine, *, speed: float, patch: pytest.MonkeyPatch
) -> None:
    """Run one point of a benchmark, as the process `replicas.benchmark.load` does, and write its records.

    Args:
        order: what a sweep tells that process.
        aws: where the endpoint is deployed.
        engine: runs in the copies; `speed` times faster than its plan says.
        speed: see `engine`.
        patch: undone by the caller.

    """
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")  # the process of the tests keeps its sockets
    from replicas.benchmark import loader

    loop = VirtualLoop()
    patch.setattr(loader, "time", _Clock(loop))
    patch.setattr(routing, "_random", random.Random(0))  # noqa: S311 (which copy, nothing secret)
    patch.setattr(runtime, "run_in_threadpool", _called)
    serving = runtime.Serving(aws.gateway._sagemaker, Faults(), engine, speed=speed)
    load = loader.Loader(order)
    load._runtime.meta.events.register(
        "before-send.sagemaker-runtime", lambda request, **_: _wait(_sent(serving, request, order["region"]))
    )
    load.begin(0.0)
    loader.ClosedLoopUser.loader = load

    def use() -> None:
        user = loader.ClosedLoopUser.__new__(loader.ClosedLoopUser)
        while loop.time() < order["settings"]["duration_seconds"]:
            user.ask()

    async def use_all() -> None:
        await asyncio.gather(*(_in_greenlet(use) for _ in range(order["users"])))
        await serving.shutdown()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(use_all())
    records.write(Path(order["records"]), load.take())


async def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    """Starlette's thread pool without threads: a virtual clock does not see them work."""
    return function(*arguments)


async def _in_greenlet(function: Callable[[], None]) -> None:
    """Run code that blocks; what it waits for with `_wait` is awaited here."""
    child = greenlet(function)
    awaited: Awaitable[Any] = child.switch()
    while not child.dead:
        awaited = child.switch(await awaited)


def _wait(awaitable: Awaitable[Any]) -> Any:
    return getcurrent().parent.switch(awaitable)


async def _sent(serving: runtime.Serving, request: AWSPreparedRequest, region: str) -> AWSResponse:
    """What the data plane answers to a request of boto3."""
    body = request.body
    assert isinstance(body, bytes | str)
    content = body if isinstance(body, bytes) else body.encode()
    scope = {
        "type": "http",
        "method": request.method,
        "path": urlsplit(request.url).path,
        "query_string": b"",
        "headers": [
            (key.lower().encode(), value if isinstance(value, bytes) else str(value).encode())
            for key, value in request.headers.items()
        ],
    }
    answer: dict[str, Any] = {"body": b""}

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.update(status=message["status"], headers=message["headers"])
        else:
            answer["body"] += message.get("body", b"")

    response = await serving.answer(Request(scope, receive), region)
    await response(scope, receive, send)
    headers = HTTPMessage()
    for key, value in answer["headers"]:
        headers[key.decode()] = value.decode()
    return AWSResponse(request.url, answer["status"], headers, _Raw(answer["body"]))


class _Raw:
    """A body as urllib3 has it: read once, as a whole."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, *_: object) -> bytes:
        content, self._content = self._content, b""
        return content

    def stream(self, *_: object, **__: object) -> Any:
        yield self.read()
