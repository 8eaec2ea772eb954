"""The server side of a dialect: reads and validates requests, and writes complete or streamed answers.

A stand-in container counts one token for each word or punctuation mark.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from replicas.catalogue.tasks import Task

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """The facts about a container's model on which its answers depend."""

    id: str
    """Repository on the Hub that contains the model."""
    max_input_tokens: int
    max_total_tokens: int
    has_chat_template: bool
    task: Task = "generate"
    embedding_size: int = 0
    """Dimensions of an embedding."""
    takes_images: bool = False
    checks_name: bool = True
    """True if the model name in the body is checked. False on SageMaker's invocation path: a header
    names the adapter there (model-hosting-container-standards, `inject_adapter_id`)."""


class NoJson(ValueError):  # noqa: N818 (a reason, which becomes a response)
    """The body of a request is not JSON."""


class Refused(Exception):  # noqa: N818 (a response of the container with an error status)
    """The error response of a container to a request that it does not accept."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = compact(document).encode()


class AcceptedRequest(ABC):
    """A request that a container has accepted; it writes the answer in the engine's format."""

    stream: bool
    """True if the body requests a stream of events."""
    input_tokens: int
    output_tokens: int
    """Number of tokens that the answer will have; 0 for embeddings and scores."""
    media_type: ClassVar[str] = "application/json"
    stream_media_type: ClassVar[str] = "text/event-stream"

    @property
    def prompts(self) -> Sequence[int]:
        """Number of tokens of each prompt in the request."""
        return (self.input_tokens,)

    @abstractmethod
    def whole(self, tokens: Sequence[str]) -> bytes:
        """Return the whole answer as one body."""

    @abstractmethod
    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return the events for the tokens from `begin` up to `end`. `tokens` contains all tokens of the answer."""


def count_tokens(text: str) -> int:
    """Return the number of tokens of a text."""
    return len(words_of(text))


def words_of(text: str) -> list[str]:
    """Return the words and punctuation marks of a text."""
    return _TOKEN.findall(text)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        NoJson: the body is not JSON.
        ValueError: it is not an object.

    """
    try:
        document = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise NoJson(str(fault)) from None
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    return document


def compact(document: object) -> str:
    """Return compact JSON, as servers write it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def server_sent_event(document: object, prefix: str) -> bytes:
    """Return a server-sent event. `prefix` is the text before the JSON; servers differ in a space at its end."""
    return f"{prefix}{compact(document)}\n\n".encode()
