"""Dialect of TGI: bodies with `inputs` and `parameters`. Names and messages are those of TGI's router, 1.1 to 3.3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from replicas.engines.answering import (
    AcceptedRequest,
    Refused,
    ServedModel,
    compact,
    count_tokens,
    read_object,
    server_sent_event,
)
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

_DEFAULT_NEW_TOKENS = 20
_POSITIVE = ("temperature", "repetition_penalty")
_OPEN_INTERVAL = ("top_p", "typical_p")


class TgiDialect(Dialect):
    """TGI's dialect: bodies with `inputs` and `parameters`."""

    name = "tgi"
    takes_messages = False

    def prompt_body(self, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False) -> bytes:
        """Return a request body for a prompt. TGI has no option to ignore end-of-sequence tokens."""
        del exact_length
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
        return json_body({"inputs": prompt, "parameters": parameters, "stream": stream})

    def chat_body(self, messages: Messages, generation: Generation, *, stream: bool) -> bytes:
        """Return a request body for the last message only; earlier messages are not sent."""
        return self.prompt_body(messages[-1]["content"], generation, stream=stream)

    def read_answer(self, body: bytes) -> Piece:
        """Return the generated text.

        Raises:
            ValueError: the body is not an answer of this dialect.

        """
        document = json.loads(body)
        try:
            generation = document[0] if isinstance(document, list) else document
            return Piece(generation["generated_text"], generation.get("details", {}).get("generated_tokens", 0))
        except (KeyError, IndexError, TypeError, AttributeError):
            raise unexpected_answer() from None

    def reader(self) -> StreamReader:
        """Return a reader of events, one per token."""
        return _TokenReader()

    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """Read and validate a generation request.

        Raises:
            Refused: the body is invalid; the status is 422, with the message of the router.

        """
        return TgiRequest(body, model)

    def overloaded(self) -> Refused:
        """Return the router's response when MAX_CONCURRENT_REQUESTS is exceeded."""
        return Refused(429, {"error": "Model is overloaded", "error_type": "overloaded"})


class _TokenReader(EventStreamReader):
    def piece(self, event: dict[str, Any]) -> Piece:
        token = event["token"]
        return Piece("" if token.get("special") else token["text"], 1)


class TgiRequest(AcceptedRequest):
    """One generation request."""

    def __init__(self, body: bytes, model: ServedModel) -> None:
        """Read and validate a body.

        Raises:
            Refused: the body is invalid; the status is 422, with the message of the router.

        """
        try:
            document = read_object(body)
        except ValueError as fault:
            raise Refused(422, {"error": f"Failed to deserialize the JSON body: {fault}"}) from None
        self._inputs = document.get("inputs")
        parameters = document.get("parameters") or {}
        if not isinstance(self._inputs, str) or not isinstance(parameters, dict):
            raise Refused(
                422, {"error": "Failed to deserialize the JSON body into the target type: missing field `inputs`"}
            )
        self.stream = bool(document.get("stream", False))
        self.input_tokens = count_tokens(self._inputs) + 1  # the beginning-of-sequence token
        requested = parameters.get("max_new_tokens")
        self.output_tokens = _DEFAULT_NEW_TOKENS if requested is None else requested
        self._details = bool(parameters.get("details", False))
        # On SageMaker's path the answer repeats the prompt unless the body disables it.
        full = parameters.get("return_full_text")
        self._full_text = True if full is None else bool(full)
        problem = _problem(model, parameters, self._inputs, self.input_tokens, self.output_tokens)
        if problem:
            raise Refused(422, {"error": f"Input validation error: {problem}", "error_type": "validation"})

    def whole(self, tokens: Sequence[str]) -> bytes:
        """Return a list with one generation."""
        generation: dict[str, Any] = {"generated_text": self._text(tokens)}
        if self._details:
            generation["details"] = {
                **self._summary(tokens),
                "prefill": [],
                "tokens": [_token(index, text) for index, text in enumerate(tokens)],
            }
        return compact([generation]).encode()

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return one event per token; the last one contains the whole text."""
        events = []
        for index in range(begin, end):
            last = index + 1 == len(tokens)
            document = {
                "token": _token(index, tokens[index]),
                "generated_text": self._text(tokens) if last else None,
                "details": self._summary(tokens) if last and self._details else None,
            }
            events.append(server_sent_event(document, "data:"))
        return events

    def _text(self, tokens: Sequence[str]) -> str:
        return (str(self._inputs) if self._full_text and not self.stream else "") + "".join(tokens)

    def _summary(self, tokens: Sequence[str]) -> dict[str, Any]:
        return {"finish_reason": "length", "generated_tokens": len(tokens), "seed": None}


def _token(index: int, text: str) -> dict[str, Any]:
    return {"id": index + 3, "text": text, "logprob": -0.5, "special": False}


def _problem(model: ServedModel, parameters: dict[str, Any], inputs: str, given: int, requested: Any) -> str | None:
    """Return the router's message about a request; None for a valid request. Of several problems, the last is named."""
    problem = None
    if not inputs:
        problem = "`inputs` cannot be empty"
    for name in _POSITIVE:
        if parameters.get(name) is not None and not parameters[name] > 0:
            problem = f"`{name}` must be strictly positive"
    for name in _OPEN_INTERVAL:
        if parameters.get(name) is not None and not 0 < parameters[name] < 1:
            problem = f"`{name}` must be > 0.0 and < 1.0"
    if parameters.get("top_k") is not None and not parameters["top_k"] > 0:
        problem = "`top_k` must be strictly positive"
    if not isinstance(requested, int) or requested < 1:
        problem = "`max_new_tokens` must be strictly positive"
    elif given > model.max_input_tokens:
        problem = f"`inputs` must have less than {model.max_input_tokens} tokens. Given: {given}"
    elif given + requested > model.max_total_tokens:
        problem = (
            f"`inputs` tokens + `max_new_tokens` must be <= {model.max_total_tokens}. "
            f"Given: {given} `inputs` tokens and {requested} `max_new_tokens`"
        )
    return problem
