"""`replicas chat`: send one message to a component or hold a conversation with it, streamed token by token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from replicas.aws.invocation import Invoker
from replicas.aws.target import Target
from replicas.aws.waiting import NotYet, Pauses, until_ready
from replicas.chat.prompts import ChatTemplate
from replicas.engines import Generation, Piece
from replicas.errors import OperationError

_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 20.0

Waiting = Callable[[str, float, float], None]
"""Callback before each pause: the reason, the seconds waited so far, and the limit in seconds."""


@dataclass(frozen=True)
class Answer:
    """One complete answer."""

    text: str
    output_tokens: int
    ttft_seconds: float | None
    """Time to the first token; None if the answer has no token."""
    seconds: float

    def to_document(self, target: Target) -> dict[str, Any]:
        """JSON document (`replicas.chat.document.AnswerDocument`)."""
        return {
            "schema": "replicas.answer/1",
            "endpoint": target.endpoint_name,
            "component": target.component_name,
            "model": target.model,
            "text": self.text,
            "output_tokens": self.output_tokens,
            "ttft_seconds": self.ttft_seconds,
            "seconds": self.seconds,
        }


@dataclass
class Conversation:
    """A conversation with one component. A failed turn is not added to it."""

    invoker: Invoker
    generation: Generation
    template: ChatTemplate | None
    """Renders the messages to one prompt, for engines that do not take messages. None: messages are sent unchanged."""
    wait_seconds: float
    """Longest wait for a component without a running copy."""
    waiting: Waiting
    messages: list[dict[str, str]] = field(default_factory=list)

    def ask(self, message: str) -> Iterator[Piece]:
        """Send a message and yield the pieces of the answer. A complete answer is added to the conversation.

        Raises:
            OperationError: the request was refused, the stream broke off, or no copy was running in time.

        """
        turn = [*self.messages, {"role": "user", "content": message}]
        texts = []
        reader = self.invoker.target.dialect.reader()
        for chunk in self._parts(self._body(turn)):
            try:
                for piece in reader.feed(chunk):
                    texts.append(piece.text)
                    yield piece
            except ValueError as fault:
                raise OperationError(f"the engine failed in the middle of its answer: {fault}") from None
        self.messages = [*turn, {"role": "assistant", "content": "".join(texts)}]

    def answer(self, message: str) -> Answer:
        """Return the complete answer with its times. Raises like `ask`."""
        began, first, tokens, text = time.monotonic(), None, 0, []
        for piece in self.ask(message):
            if piece.tokens and first is None:
                first = time.monotonic() - began
            tokens += piece.tokens
            text.append(piece.text)
        return Answer("".join(text).lstrip(), tokens, first, time.monotonic() - began)

    def _body(self, turn: list[dict[str, str]]) -> bytes:
        dialect = self.invoker.target.dialect
        if self.template is not None:
            return dialect.prompt_body(self.template.render(turn), self.generation, stream=True)
        return dialect.chat_body(turn, self.generation, stream=True)

    def _parts(self, body: bytes) -> Iterator[bytes]:
        """Yield the chunks of the response. Only the first chunk is retried; a stream that breaks later is not."""
        began = time.monotonic()

        def begin() -> tuple[bytes | None, Iterator[bytes]]:
            chunks = self.invoker.stream(body)
            return next(chunks, None), chunks

        try:
            first, others = until_ready(
                begin,
                seconds=self.wait_seconds,
                pauses=Pauses(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS),
                waiting=lambda reason, waited: self.waiting(str(reason), waited, self.wait_seconds),
            )
        except NotYet as reason:
            raise OperationError(
                f"{reason}; no answer after {time.monotonic() - began:.0f} s: --wait allows more, `replicas status` "
                "shows more"
            ) from None
        if first is not None:
            yield first
            yield from others
