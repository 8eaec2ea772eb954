"""How an engine is asked and how it answers: request bodies, answers in one piece, streams."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from replicas.engines.answering import AcceptedRequest, Refused, ServedModel

Messages: TypeAlias = Sequence[dict[str, str]]
"""A conversation: `role` and `content` of each message."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """How an answer is sampled. The defaults are those of the article's chat."""

    max_new_tokens: int = 50
    temperature: float = 0.9
    top_p: float = 0.6
    top_k: int = 50
    repetition_penalty: float = 1.03


@dataclass
class Piece:
    """Text that one event of a stream brings, or the whole text of an answer."""

    text: str
    tokens: int
    """New tokens; 0 for an event without any."""


class StreamReader(ABC):
    """Reads the bytes of one streamed answer, in whatever parts they arrive."""

    input_tokens: int | None = None
    """Tokens of the prompt as the engine counted them; None where its stream does not say."""

    @abstractmethod
    def feed(self, content: bytes) -> Iterator[Piece]:
        """The pieces that are complete now.

        Raises:
            ValueError: an event says that the engine failed.

        """


class EventStreamReader(StreamReader):
    """A stream of server-sent events with JSON in them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[Piece]:
        """The pieces that are complete now.

        Raises:
            ValueError: an event says that the engine failed.

        """
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line.removeprefix(b"data:").strip()
                if data and data != b"[DONE]":
                    yield self._checked(json.loads(data))

    def _checked(self, event: dict[str, Any]) -> Piece:
        if event.get("error"):
            error = event["error"]
            raise ValueError(str(error.get("message", error) if isinstance(error, dict) else error))
        return self.piece(event)

    @abstractmethod
    def piece(self, event: dict[str, Any]) -> Piece:
        """The piece of one event."""


class Dialect(ABC):
    """Bodies that a container takes on the path that SageMaker calls, from the caller's side and from its own."""

    name: ClassVar[str]
    """Identifies the dialect in documents."""
    takes_messages: ClassVar[bool]
    """True where the engine takes a conversation and applies the model's chat template itself."""

    # ---- the caller's side

    @abstractmethod
    def prompt_body(self, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False) -> bytes:
        """A body that continues a prompt.

        With `exact_length` no end-of-sequence token ends the answer early, where the engine has such an option.
        """

    @abstractmethod
    def chat_body(self, messages: Messages, generation: Generation, *, stream: bool) -> bytes:
        """A body for a conversation; an engine that takes no messages gets the last one as a prompt."""

    @abstractmethod
    def read_answer(self, body: bytes) -> Piece:
        """The text and the number of tokens of an answer in one piece.

        Raises:
            ValueError: not an answer of this dialect.

        """

    @abstractmethod
    def reader(self) -> StreamReader:
        """A reader for one streamed answer."""

    # ---- the container's side

    @abstractmethod
    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """A request, read and validated as the engine does it.

        Raises:
            Refused: with the status and the words of the engine.

        """

    @abstractmethod
    def overloaded(self) -> Refused:
        """The answer of a container that has as many requests as it takes."""


def json_body(document: dict[str, Any]) -> bytes:
    """A request body."""
    return json.dumps(document).encode()


def unexpected_answer() -> ValueError:
    """The error of `read_answer` for a body that is no answer of its dialect."""
    return ValueError("the engine's answer has another form than expected")
