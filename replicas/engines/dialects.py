"""What engines are asked, and how their streams are read: TGI's own bodies, and those of the OpenAI API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Messages: TypeAlias = Sequence[dict[str, str]]


class Dialect(StrEnum):
    """Which bodies a container takes on the path that SageMaker calls."""

    TGI = "tgi"
    """`inputs` and `parameters`."""
    OPENAI = "openai"
    """`messages`, or `prompt`."""


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
    """What one event of a stream brings."""

    text: str
    tokens: int
    """New ones: 0 where the event has none."""


def prompt_body(
    dialect: Dialect, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False
) -> bytes:
    """A body that continues a prompt; with `exact_length` no end-of-sequence token ends the answer early (vLLM)."""
    if dialect is Dialect.TGI:
        parameters = {
            "do_sample": True,
            "return_full_text": False,
            "details": True,
            "max_new_tokens": generation.max_new_tokens,
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "top_k": generation.top_k,
            "repetition_penalty": generation.repetition_penalty,
        }
        return _body({"inputs": prompt, "parameters": parameters, "stream": stream})
    more: dict[str, Any] = {"ignore_eos": True} if exact_length else {}
    return _body({"prompt": prompt, **_sampling(generation, stream=stream), **more})


def chat_body(messages: Messages, generation: Generation, *, stream: bool) -> bytes:
    """A body with a conversation, for engines that apply the model's chat template themselves."""
    return _body({"messages": list(messages), **_sampling(generation, stream=stream)})


def read_answer(dialect: Dialect, body: bytes) -> Piece:
    """The text and the number of tokens of an answer in one piece.

    Raises:
        ValueError: no answer of this dialect.

    """
    document = json.loads(body)
    try:
        if dialect is Dialect.TGI:
            generation = document[0] if isinstance(document, list) else document
            return Piece(generation["generated_text"], generation.get("details", {}).get("generated_tokens", 0))
        choice = document["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        return Piece(text or "", document.get("usage", {}).get("completion_tokens", 0))
    except (KeyError, IndexError, TypeError):
        raise ValueError("the engine's answer has another form than expected") from None


class StreamReader:
    """Reads the server-sent events of an answer, however its bytes are cut."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._rest = b""
        self.input_tokens: int | None = None
        """As the engine counted them, where its stream tells."""

    def feed(self, content: bytes) -> Iterator[Piece]:
        """The pieces that are whole now.

        Raises:
            ValueError: an event that says that the engine failed.

        """
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line.removeprefix(b"data:").strip()
                if data and data != b"[DONE]":
                    yield self._piece(json.loads(data))

    def _piece(self, event: dict[str, Any]) -> Piece:
        if event.get("error"):
            error = event["error"]
            raise ValueError(str(error.get("message", error) if isinstance(error, dict) else error))
        if self._dialect is Dialect.TGI:
            token = event["token"]
            return Piece("" if token.get("special") else token["text"], 1)
        usage = event.get("usage")
        if usage:
            self.input_tokens = usage["prompt_tokens"]
        if not event.get("choices"):
            return Piece("", 0)
        choice = event["choices"][0]
        text = choice["delta"].get("content") if "delta" in choice else choice.get("text")
        return Piece(text or "", 1 if text else 0)


def _sampling(generation: Generation, *, stream: bool) -> dict[str, Any]:
    sampling: dict[str, Any] = {
        "max_tokens": generation.max_new_tokens,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "repetition_penalty": generation.repetition_penalty,
        "stream": stream,
    }
    return {**sampling, "stream_options": {"include_usage": True}} if stream else sampling


def _body(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
