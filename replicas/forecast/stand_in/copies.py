"""Container of one copy: the batch of the forecast in real time, with requests and answers in the engine's format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from replicas.engines.answering import AcceptedRequest, Refused, ServedModel
from replicas.engines.dialect import Dialect
from replicas.forecast.batching import Overloaded, Request
from replicas.forecast.copies import CopyEngine
from replicas.forecast.stand_in.text import answer_tokens

_CHAT_COMPLETIONS = "/v1/chat/completions"
_NOT_FOUND = {"error": {"message": "Not Found", "type": "NotFoundError", "param": None, "code": 404}}


@dataclass(frozen=True)
class Reply:
    """A container's answer to one request."""

    status: int
    media_type: str
    parts: AsyncGenerator[Sequence[bytes]]
    """Body of the answer: one item for each group of new events, or a single item with the whole body."""
    is_stream: bool = False
    tokens: int | None = None


class StandInCopy:
    """One copy, for use in one event loop. Its task runs only while it has requests."""

    def __init__(
        self, engine: CopyEngine, dialect: Dialect, model: ServedModel, *, accepts_chat: bool, speed: float
    ) -> None:
        """Create an idle engine, `speed` times faster than the forecast."""
        self._times = engine.times
        self._cache_tokens = engine.limits.kv_cache_tokens
        self._batch = engine.batch()
        self._dialect = dialect
        self._model = model
        self._accepts_chat = accepts_chat
        self._speed = speed
        self._frontend_seconds = engine.profile.frontend_seconds / speed
        self._progress: dict[Request, asyncio.Queue[None]] = {}
        self._outstanding = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def outstanding(self) -> int:
        """Number of requests that are not answered yet."""
        return self._outstanding

    async def invoke(self, body: bytes, path: str) -> Reply:
        """Return the answer to a request body for `/invocations` or `/v1/chat/completions`. A refused request gets an
        answer with an error status.
        """
        try:
            if path == _CHAT_COMPLETIONS and not self._accepts_chat:
                raise Refused(404, _NOT_FOUND)
            model = replace(self._model, checks_name=path == _CHAT_COMPLETIONS)
            accepted = self._dialect.accept(body, model)
            if self._frontend_seconds:
                await asyncio.sleep(self._frontend_seconds)
            progress = self._submit(accepted, max(1, accepted.output_tokens))
        except Refused as refused:
            return Reply(refused.status, "application/json", _once(refused.body))
        tokens = answer_tokens(self._model.id, accepted.output_tokens)
        if accepted.stream:
            events = _events(accepted, tokens, progress)
            return Reply(200, accepted.stream_media_type, events, is_stream=True, tokens=len(tokens))
        return Reply(200, accepted.media_type, _whole(accepted, tokens, progress), tokens=len(tokens))

    async def shutdown(self) -> None:
        """Stop at once, even if requests are running."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _submit(self, accepted: AcceptedRequest, steps: int) -> AsyncGenerator[int]:
        """Submit the prompts of a request to the batch and return an iterator over the steps of the last prompt.

        `steps` is the number of steps for an answer: one for each token, or one for an embedding. The iterator yields
        the number of completed steps. Closing the iterator early cancels the request.
        """
        if max(accepted.prompts) + accepted.output_tokens > self._cache_tokens:
            raise Refused(500, {"error": "the KV cache of the copy does not hold the request"})
        requests = [Request(prompt, steps) for prompt in accepted.prompts]
        submitted: list[Request] = []
        try:
            for request in requests:
                self._batch.submit(request)
                submitted.append(request)
        except Overloaded:
            for request in submitted:
                self._batch.cancel(request)
            raise self._dialect.overloaded() from None
        for request in requests:
            self._progress[request] = asyncio.Queue()
        self._outstanding += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return self._done(requests)

    async def _done(self, requests: Sequence[Request]) -> AsyncGenerator[int]:
        try:
            for request in requests[:-1]:
                async for _ in self._generated(request, self._progress[request]):
                    pass
            async for generated in self._generated(requests[-1], self._progress[requests[-1]]):
                yield generated
        finally:
            self._outstanding -= 1
            for request in requests:
                self._forget(request)

    async def _generated(self, request: Request, queue: asyncio.Queue[None]) -> AsyncGenerator[int]:
        try:
            generated = 0
            while generated < request.output_tokens:
                await queue.get()
                generated = request.generated  # a slow reader gets several tokens at once
                while not queue.empty():
                    queue.get_nowait()
                yield generated
        finally:
            self._forget(request)

    def _forget(self, request: Request) -> None:
        if self._progress.pop(request, None) is not None:
            self._batch.cancel(request)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (step := self._batch.next_step()) is not None:
            # The clock advances by step times, not by sleeps, so a sleep that is too long shortens the next sleep.
            now += step.seconds(self._times) / self._speed
            await asyncio.sleep(max(0.0, now - loop.time()))
            for request in self._batch.complete(step):
                if request in self._progress:
                    self._progress[request].put_nowait(None)
        self._task = None


async def _events(
    accepted: AcceptedRequest, tokens: Sequence[str], progress: AsyncGenerator[int]
) -> AsyncGenerator[Sequence[bytes]]:
    begin = 0
    try:
        async for generated in progress:
            yield accepted.events(tokens, begin, generated)
            begin = generated
    finally:
        await progress.aclose()


async def _whole(
    accepted: AcceptedRequest, tokens: Sequence[str], progress: AsyncGenerator[int]
) -> AsyncGenerator[Sequence[bytes]]:
    try:
        async for _ in progress:
            pass
        yield [accepted.whole(tokens)]
    finally:
        await progress.aclose()


async def _once(body: bytes) -> AsyncGenerator[Sequence[bytes]]:
    yield [body]
