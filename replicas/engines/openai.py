"""The OpenAI API that several engines serve: chat completions, completions and embeddings, and a rerank API.

Bodies have `messages`, `prompt` or `input`. The rerank API, an extension of the engines, has `query` and `documents`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from replicas.catalogue.tasks import Task
from replicas.engines.answering import AcceptedRequest, Refused, ServedModel
from replicas.engines.dialect import (
    Dialect,
    EventStreamReader,
    Generation,
    Messages,
    Piece,
    Pooled,
    StreamReader,
    json_body,
    unexpected_answer,
)


class OpenAi(Dialect):
    """The OpenAI dialect: bodies with `messages` or `prompt`."""

    name = "openai"
    takes_messages = True
    takes_images = True

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
            ValueError: the body is not an answer of this dialect.

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

    def pooled_body(self, texts: Sequence[str], task: Task) -> bytes:
        """Return the body of an embedding or rerank request."""
        if task == "embed":
            return json_body({"input": list(texts)})
        query, *documents = texts
        return json_body({"query": query, "documents": documents})

    def read_pooled(self, body: bytes) -> Pooled:
        """Read the vectors of an embedding answer, or the scores of a rerank or score answer.

        Raises:
            ValueError: the body is not an answer of this dialect.

        """
        document = json.loads(body)
        try:
            tokens = document.get("usage", {}).get("prompt_tokens")
            if "results" in document:
                ranked = sorted(document["results"], key=lambda result: result["index"])
                scores = tuple(float(result["relevance_score"]) for result in ranked)
                return Pooled(scores=scores, input_tokens=tokens)
            data = sorted(document["data"], key=lambda entry: entry["index"])
            if data and "score" in data[0]:
                return Pooled(scores=tuple(float(entry["score"]) for entry in data), input_tokens=tokens)
            vectors = tuple(tuple(map(float, entry["embedding"])) for entry in data)
            return Pooled(vectors=vectors, input_tokens=tokens)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise unexpected_answer() from None

    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """Read and validate a request of the model's task.

        Raises:
            Refused: the request is invalid; the status is 400 or 404, with the message of the server.

        """
        # Only the stand-in containers need these modules.
        if model.task != "generate":
            from replicas.engines.openai_pooling import PoolingRequest

            return PoolingRequest(body, model)
        from replicas.engines.openai_answers import Completion

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
