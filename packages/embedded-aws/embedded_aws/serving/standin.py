"""The stand-in engine of one copy: the batch of the forecast, in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from replicas.forecast.batching import Request
from replicas.forecast.copies import CopyEngine


class StandIn:
    """One copy. It lives on the event loop that it is used on; its task runs only while there are requests."""

    def __init__(self, engine: CopyEngine, speed: float) -> None:
        """An idle engine, `speed` times faster than its plan says."""
        self._times = engine.times
        self._batch = engine.batch()
        self._speed = speed
        self._streams: dict[Request, asyncio.Queue[None]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def outstanding(self) -> int:
        """Requests that it has not answered yet."""
        return len(self._streams)

    def submit(self, request: Request) -> AsyncGenerator[int]:
        """Take a request; iterates over the number of tokens generated so far, until the last.

        Closing the iterator early cancels the request.

        Raises:
            Overloaded: the engine has as many requests as it takes.

        """
        self._batch.submit(request)
        queue = self._streams[request] = asyncio.Queue()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return self._tokens(request, queue)

    def forget(self, request: Request) -> None:
        """Nobody waits for a request any more."""
        if self._streams.pop(request, None) is not None:
            self._batch.cancel(request)

    async def shutdown(self) -> None:
        """Stop in the middle of whatever it does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tokens(self, request: Request, queue: asyncio.Queue[None]) -> AsyncGenerator[int]:
        try:
            told = 0
            while told < request.output_tokens:
                await queue.get()
                told = request.generated  # a reader that came late is told of several at once
                while not queue.empty():
                    queue.get_nowait()
                yield told
        finally:
            self.forget(request)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (step := self._batch.next_step()) is not None:
            # From moment to moment and not from sleep to sleep: what one wakes too late the next sleeps less.
            now += step.seconds(self._times) / self._speed
            await asyncio.sleep(max(0.0, now - loop.time()))
            for request in self._batch.complete(step):
                if request in self._streams:
                    self._streams[request].put_nowait(None)
        self._task = None
