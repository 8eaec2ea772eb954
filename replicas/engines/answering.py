"""The container's side of a dialect: a request is read and validated, an answer is worded, whole or in events.

The tokens are those of a stand-in: one for each word or punctuation mark.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """What a container serves, as far as its answers show it."""

    id: str
    """Repository of the model."""
    max_input_tokens: int
    max_total_tokens: int
    has_chat_template: bool


class Refused(Exception):  # noqa: N818 (an answer of the container with a status that is no success)
    """A container's answer to a request that it does not take."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = compact(document).encode()


class AcceptedRequest(ABC):
    """A request that a container has accepted, and how its engine words the answer."""

    stream: bool
    """Whether the body asks for events."""
    input_tokens: int
    output_tokens: int
    media_type: ClassVar[str] = "application/json"
    stream_media_type: ClassVar[str] = "text/event-stream"

    @abstractmethod
    def whole(self, tokens: Sequence[str]) -> bytes:
        """The answer in one piece."""

    @abstractmethod
    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """The events of the tokens from `begin` up to `end`, where `tokens` are all tokens of the answer."""


def count_tokens(text: str) -> int:
    """The number of tokens of a text."""
    return len(_TOKEN.findall(text))


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        ValueError: the body is not JSON, or not an object.

    """
    try:
        document = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise ValueError(str(fault)) from None
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    return document


def compact(document: object) -> str:
    """JSON as servers write it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def server_sent_event(document: object, prefix: str) -> bytes:
    """A server-sent event; some servers put a space behind `data:`."""
    return f"{prefix}{compact(document)}\n\n".encode()
