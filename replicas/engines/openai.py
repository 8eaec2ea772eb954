"""The OpenAI API that several engines serve: chat completions (`messages`) and completions (`prompt`)."""

from __future__ import annotations

import json
from typing import Any

from replicas.engines.answering import AcceptedRequest, Refused, ServedModel
from replicas.engines.dialect import (
    Dialect,
    EventStreamReader,
    Generation,
    Messages,
    Piece,
    StreamReader,
    json_body,
    unexpected_answer,
)


class OpenAi(Dialect):
    """The OpenAI dialect: bodies with `messages` or `prompt`."""

    name = "openai"
    takes_messages = True

    def prompt_body(self, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False) -> bytes:
        """Return the body of a completion. `ignore_eos` is an extension of the engines."""
        more: dict[str, Any] = {"ignore_eos": True} if exact_length else {}
        return json_body({"prompt": prompt, **_sampling(generation, stream=stream), **more})

    def chat_body(self, messages: Messages, generation: Generation, *, stream: bool) -> bytes:
        """Return the body of a chat completion."""
        return json_body({"messages": list(messages), **_sampling(generation, stream=stream)})

    def read_answer(self, body: bytes) -> Piece:
        """Read the first choice of an answer.

        Raises:
            ValueError: not an answer of this dialect.

        """
        document = json.loads(body)
        try:
            choice = document["choices"][0]
            text = choice["message"]["content"] if "message" in choice else choice["text"]
            return Piece(text or "", document.get("usage", {}).get("completion_tokens", 0))
        except (KeyError, IndexError, TypeError):
            raise unexpected_answer() from None

    def reader(self) -> StreamReader:
        """Return a reader of chunks: one for each token, and one with the usage."""
        return _ChunkReader()

    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """Read and validate a completion or a chat completion.

        Raises:
            Refused: 400 or 404, with the message of the server.

        """
        from replicas.engines.openai_answers import Completion  # only the stand-in containers need it

        return Completion(body, model)

    def overloaded(self) -> Refused:
        """Return an error response in the format of the API."""
        error = {"message": "Model is overloaded", "type": "overloaded", "param": None, "code": 429}
        return Refused(429, {"error": error})


class _ChunkReader(EventStreamReader):
    def piece(self, event: dict[str, Any]) -> Piece:
        usage = event.get("usage")
        if usage:
            self.input_tokens = usage["prompt_tokens"]
        return piece_of_chunk(event)


def piece_of_chunk(chunk: dict[str, Any]) -> Piece:
    """Return the text of one chunk of a stream; empty for a chunk without a choice."""
    if not chunk.get("choices"):
        return Piece("", 0)
    choice = chunk["choices"][0]
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
