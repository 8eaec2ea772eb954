"""Dialect of LMI: OpenAI's bodies and TGI's bodies, answered as JSON. Streams consist of lines of JSON.

Names and formats are those of djl_python/lmi_vllm/request_response_utils.py and djl_python/async_utils.py (0.33 to
0.36).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from replicas.engines.answering import (
    AcceptedRequest,
    Refused,
    ServedModel,
    compact,
    count_tokens,
    read_object,
)
from replicas.engines.dialect import Piece, StreamReader
from replicas.engines.openai import OpenAi, piece_of_chunk

_SERVED_NAME = "lmi"
"""Name of the model in bodies, unless OPTION_SERVED_MODEL_NAME sets another name."""
_DEFAULT_NEW_TOKENS = 30
_FAILED = 424


class LmiDialect(OpenAi):
    """The dialect of LMI's vLLM handler."""

    name = "lmi"

    def read_answer(self, body: bytes) -> Piece:
        """Read a completion, or the answer to a body with `inputs`.

        Raises:
            ValueError: the body is not an answer of this dialect.

        """
        document = json.loads(body)
        if isinstance(document, dict) and isinstance(document.get("generated_text"), str):
            return Piece(document["generated_text"], (document.get("details") or {}).get("generated_tokens", 0))
        return super().read_answer(body)

    def reader(self) -> StreamReader:
        """Return a reader of lines of JSON."""
        return _LineReader()

    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """Read and validate a request.

        Raises:
            Refused: the request is invalid; the status is 400, 404 or 424.

        """
        try:
            document = read_object(body)
            if "inputs" in document:
                return _InputsRequest(document, model)
            if not {"messages", "prompt"} & document.keys():
                raise ValueError("invalid payload. must contain prompt, inputs, or messages")
        except ValueError as fault:
            raise _refused(_FAILED, f"Input parsing failed: {fault}") from None
        try:
            return _InLines(super().accept(body, replace(model, id=_SERVED_NAME)))
        except Refused as refused:
            raise _refused(refused.status, json.loads(refused.body)["error"]["message"]) from None

    def overloaded(self) -> Refused:
        """Return the model server's response when its queue is full (SERVING_JOB_QUEUE_SIZE)."""
        return _refused(503, "No worker is available to serve request.")


class _LineReader(StreamReader):
    """Reader of lines of JSON: chunks of OpenAI's API, or tokens of TGI's."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[Piece]:
        """Yield the pieces that are now complete.

        Raises:
            ValueError: a line says that the engine failed.

        """
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            text = line.removeprefix(b"data:").strip()
            if text and text != b"[DONE]":
                yield self._piece(json.loads(text))

    def _piece(self, document: dict[str, Any]) -> Piece:
        if error := document.get("error"):
            raise ValueError(str(error.get("message", error) if isinstance(error, dict) else error))
        if "token" in document:
            return Piece(document["token"]["text"], 1)
        if usage := document.get("usage"):
            self.input_tokens = usage["prompt_tokens"]
        return piece_of_chunk(document)


class _InLines(AcceptedRequest):
    """A completion whose events are lines of JSON."""

    stream_media_type = "application/jsonlines"

    def __init__(self, completion: AcceptedRequest) -> None:
        self._completion = completion
        self.stream = completion.stream
        self.input_tokens = completion.input_tokens
        self.output_tokens = completion.output_tokens

    def whole(self, tokens: Sequence[str]) -> bytes:
        """Return the completion, followed by a newline."""
        return self._completion.whole(tokens) + b"\n"

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return one line for each chunk."""
        chunks = [event.removeprefix(b"data: ").strip() for event in self._completion.events(tokens, begin, end)]
        return [chunk + b"\n" for chunk in chunks if chunk != b"[DONE]"]


class _InputsRequest(AcceptedRequest):
    """One request with `inputs` and `parameters`."""

    stream_media_type = "application/jsonlines"

    def __init__(self, document: dict[str, Any], model: ServedModel) -> None:
        """Read and validate a body.

        Raises:
            Refused: the lengths are invalid; the status is 400, with vLLM's message.
            ValueError: a field has a wrong type.

        """
        inputs, parameters = document["inputs"], document.get("parameters") or {}
        if not isinstance(inputs, str) or not inputs or not isinstance(parameters, dict):
            raise ValueError("inputs must be a text, and parameters an object")
        self._inputs = inputs
        self.stream = bool(document.get("stream", False))
        self.input_tokens = count_tokens(inputs) + 1
        requested = parameters.get("max_new_tokens", _DEFAULT_NEW_TOKENS)
        if not isinstance(requested, int) or requested < 1:
            raise _refused(400, f"max_tokens must be at least 1, got {requested}.")
        if self.input_tokens + requested > model.max_total_tokens:
            raise _refused(
                400,
                f"This model's maximum context length is {model.max_total_tokens} tokens. However, you requested "
                f"{requested} output tokens and your prompt contains {self.input_tokens} input tokens. "
                "Please reduce the length of the messages or completion.",
            )
        self.output_tokens = requested
        self._details = bool(parameters.get("details", False))
        self._full_text = bool(parameters.get("return_full_text", False))

    def whole(self, tokens: Sequence[str]) -> bytes:
        """Return the generated text, and the details of its tokens if they are requested."""
        answer: dict[str, Any] = {"generated_text": self._text(tokens)}
        if self._details:
            listed = [_token(index, text) for index, text in enumerate(tokens)]
            answer["details"] = {**_summary(tokens), "prefill": [], "tokens": listed}
        return compact(answer).encode() + b"\n"

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return one line for each token; the last one has the whole text."""
        lines = []
        for index in range(begin, end):
            is_last = index + 1 == len(tokens)
            document = {
                "index": 0,
                "token": _token(index, tokens[index]),
                "generated_text": self._text(tokens) if is_last else None,
                "details": {**_summary(tokens), "input_length": self.input_tokens}
                if is_last and self._details
                else None,
            }
            lines.append(compact(document).encode() + b"\n")
        return lines

    def _text(self, tokens: Sequence[str]) -> str:
        return (self._inputs if self._full_text else "") + "".join(tokens)


def _summary(tokens: Sequence[str]) -> dict[str, Any]:
    return {"finish_reason": "length", "generated_tokens": len(tokens), "seed": None}


def _token(index: int, text: str) -> dict[str, Any]:
    return {"id": index + 3, "text": text, "logprob": -0.5}


def _refused(status: int, message: str) -> Refused:
    return Refused(status, {"error": message, "code": status})
