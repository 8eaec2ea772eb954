"""Dialects: formats of an engine's requests, answers and streams."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

from replicas.catalogue.tasks import Task
from replicas.engines.answering import AcceptedRequest, Refused, ServedModel

Message: TypeAlias = dict[str, Any]
"""One message of a conversation: `role`, and `content` as text or as a list of parts."""
Messages: TypeAlias = Sequence[Message]
"""A conversation."""


_QUERY = "What is this text about?"
"""Query used in a request that scores a single text."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """Sampling parameters of an answer. The defaults come from the chat example of the article that README.md names."""

    max_new_tokens: int = 50
    temperature: float = 0.9
    top_p: float = 0.6
    top_k: int = 50
    repetition_penalty: float = 1.03


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """Answer of a model that embeds or scores."""

    vectors: tuple[tuple[float, ...], ...] = ()
    """An embedding for each text, in the order of the request."""
    scores: tuple[float, ...] = ()
    """A score for each document, in the order of the request."""
    input_tokens: int | None = None
    """Number of tokens of all texts, as the engine counts them; None if the answer does not state it."""


@dataclass
class Piece:
    """Text of one event of a stream, or of a whole answer."""

    text: str
    tokens: int
    """Number of new tokens; 0 for an event without tokens."""


class TokenCounts(NamedTuple):
    """Tokens of one request, as the engine counted them."""

    input_tokens: int | None
    """Number of prompt tokens; None if the answer does not state it."""
    output_tokens: int


class StreamReader(ABC):
    """Reader of one streamed answer. The bytes can arrive in chunks of any size."""

    input_tokens: int | None = None
    """Number of prompt tokens, as the engine counts them; None if the stream does not state it."""

    @abstractmethod
    def feed(self, content: bytes) -> Iterator[Piece]:
        """Return the pieces that are complete after this chunk.

        Raises:
            ValueError: an event says that the engine failed.

        """


class EventStreamReader(StreamReader):
    """Reader of a stream of server-sent events that contain JSON."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[Piece]:
        """Return the pieces that are complete after this chunk.

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
        """Return the piece of one event."""


class Dialect(ABC):
    """Request and response bodies of a container on SageMaker's invocation path, for both client and container."""

    name: ClassVar[str]
    """Name of the dialect in documents."""
    takes_messages: ClassVar[bool]
    """True if the engine accepts a conversation and applies the model's chat template itself."""

    takes_images: ClassVar[bool] = False
    """True if messages can contain images, for models with a vision tower."""

    # ---- client side

    @abstractmethod
    def prompt_body(self, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False) -> bytes:
        """Return a request body for a prompt.

        With `exact_length`, the engine ignores end-of-sequence tokens if it has such an option.
        """

    @abstractmethod
    def chat_body(self, messages: Messages, generation: Generation, *, stream: bool) -> bytes:
        """Return a request body for a conversation. Engines without chat bodies get the last message as a prompt."""

    @abstractmethod
    def read_answer(self, body: bytes) -> Piece:
        """Return the text and the number of tokens of a whole answer.

        Raises:
            ValueError: the body is not an answer of this dialect.

        """

    @abstractmethod
    def reader(self) -> StreamReader:
        """Return a reader for one streamed answer."""

    def pooled_body(self, texts: Sequence[str], task: Task) -> bytes:
        """Return a request body for embeddings of texts, or for scores.

        For scores, the first text is the query, and each other text is scored against it.

        Raises:
            ValueError: the dialect has no body for embeddings or scores.

        """
        raise ValueError(f"the dialect {self.name} has no request for task={task!r} with {len(texts)} texts")

    def read_pooled(self, body: bytes) -> Pooled:  # noqa: ARG002 (a dialect with such answers needs it)
        """Return the embeddings or scores of an answer.

        Raises:
            ValueError: the body is not an answer of this dialect.

        """
        raise unexpected_answer()

    def text_body(
        self, text: str, task: Task, generation: Generation, *, stream: bool = False, exact_length: bool = False
    ) -> bytes:
        """Return a request body for one text, which is a prompt, a text to embed or a document to score."""
        if task == "generate":
            return self.prompt_body(text, generation, stream=stream, exact_length=exact_length)
        return self.pooled_body([text] if task == "embed" else [_QUERY, text], task)

    def read_tokens(self, body: bytes, task: Task) -> TokenCounts:
        """Return the token counts that a whole answer states.

        Raises:
            ValueError: the body is not an answer of this dialect.

        """
        if task == "generate":
            return TokenCounts(None, self.read_answer(body).tokens)
        return TokenCounts(self.read_pooled(body).input_tokens, 0)

    # ---- container side

    @abstractmethod
    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """Read and validate a request as the engine does.

        Raises:
            Refused: the request is invalid; the error has the engine's status and message.

        """

    @abstractmethod
    def overloaded(self) -> Refused:
        """Return the response of a container that has reached its limit of requests."""


def json_body(document: dict[str, Any]) -> bytes:
    """Return a document as a request body."""
    return json.dumps(document).encode()


def unexpected_answer() -> ValueError:
    """Return the error of `read_answer` for a body that is not an answer of its dialect."""
    return ValueError("the engine's answer has an unexpected format")
