"""`replicas chat`: send one message to a component or hold a conversation with it, streamed token by token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from replicas.aws.invocation import Invoker
from replicas.aws.target import Target
from replicas.chat.prompts import ChatTemplate
from replicas.chat.waiting import Waiting, when_running
from replicas.engines import Dialect, Generation, Piece
from replicas.engines.dialect import Message, Messages
from replicas.errors import OperationError


@dataclass(frozen=True)
class Answer:
    """One complete answer."""

    text: str
    output_tokens: int
    ttft_seconds: float | None
    """Time to the first token; None if the answer has no token."""
    seconds: float

    def to_document(self, target: Target) -> dict[str, Any]:
        """Return the JSON document (`replicas.chat.document.AnswerDocument`)."""
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
    """Template that renders the messages to one prompt, for engines that accept only prompts. With None, the messages
    are sent unchanged."""
    wait_seconds: float
    """Longest wait for a component without a running copy."""
    waiting: Waiting
    messages: list[Message] = field(default_factory=list)
    images: list[Message] = field(default_factory=list)
    """Images that are sent as parts of the next message."""

    def ask(self, message: str) -> Iterator[Piece]:
        """Send a message and yield the pieces of the answer. A complete answer is added to the conversation.

        Raises:
            OperationError: the request was refused, the stream broke off, or no copy was running in time.

        """
        content = [*self.images, {"type": "text", "text": message}] if self.images else message
        turn = [*self.messages, {"role": "user", "content": content}]
        texts = []
        reader = self._dialect.reader()
        for chunk in self._parts(body_of(self._dialect, self.template, turn, self.generation, stream=True)):
            try:
                for piece in reader.feed(chunk):
                    texts.append(piece.text)
                    yield piece
            except ValueError as fault:
                raise OperationError(f"the engine failed in the middle of its answer: {fault}") from None
        self.messages, self.images = [*turn, {"role": "assistant", "content": "".join(texts)}], []

    def answer(self, message: str) -> Answer:
        """Return the complete answer with its times. Raises like `ask`."""
        began, first, tokens, text = time.monotonic(), None, 0, []
        for piece in self.ask(message):
            if piece.tokens and first is None:
                first = time.monotonic() - began
            tokens += piece.tokens
            text.append(piece.text)
        return Answer("".join(text).lstrip(), tokens, first, time.monotonic() - began)

    @property
    def _dialect(self) -> Dialect:
        return self.invoker.target.dialect

    def _parts(self, body: bytes) -> Iterator[bytes]:
        """Yield the chunks of the response. The request is repeated only until the first chunk arrives."""

        def begin() -> tuple[bytes | None, Iterator[bytes]]:
            chunks = self.invoker.stream(body)
            return next(chunks, None), chunks

        first, others = when_running(begin, wait_seconds=self.wait_seconds, waiting=self.waiting)
        if first is not None:
            yield first
            yield from others


def body_of(
    dialect: Dialect, template: ChatTemplate | None, messages: Messages, generation: Generation, *, stream: bool
) -> bytes:
    """Return the request body for a conversation. A template, if given, renders the messages to one prompt."""
    if template is not None:
        return dialect.prompt_body(template.render(messages), generation, stream=stream)
    return dialect.chat_body(messages, generation, stream=stream)
