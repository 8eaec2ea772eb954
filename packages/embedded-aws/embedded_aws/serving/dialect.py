"""What all engines' bodies have in common: a question, an answer in one piece or in events, a refusal."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from replicas.forecast.batching import Request


class Refusal(Exception):  # noqa: N818 (the container answers, with a status that says no)
    """What a container answers in place of a result."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = compact(document)


class Ask(ABC):
    """A request that an engine has accepted, and how the engine words its answer."""

    stream: bool
    input_tokens: int
    output_tokens: int

    def request(self) -> Request:
        """As the batch knows it."""
        return Request(self.input_tokens, self.output_tokens)

    @abstractmethod
    def whole(self, tokens: Sequence[str]) -> bytes:
        """The answer in one piece."""

    @abstractmethod
    def events(self, tokens: Sequence[str], told: int, generated: int) -> bytes:
        """The events of the tokens from `told` up to `generated`, of all the tokens that there will be."""


def read(body: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        ValueError: it is none.

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


def event(document: object, prefix: str) -> bytes:
    """A server-sent event; after `data:` some servers put a space."""
    return f"{prefix}{compact(document)}\n\n".encode()
