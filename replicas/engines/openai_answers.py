"""Server side of the OpenAI API: validates a completion, and answers it whole or in chunks."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from replicas.engines.answering import (
    AcceptedRequest,
    NoJson,
    Refused,
    ServedModel,
    compact,
    count_tokens,
    read_object,
    server_sent_event,
)

_COMPLETION_DEFAULT = 16
_TEMPLATE_TOKENS = 4
"""Approximate number of tokens that a chat template adds to a message."""
_NUMBERS = ("max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "n")
_SWITCHES = {"none": False, "true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False}
_MOST_CHOICES = 16_384
_NO_PROMPT = "Either prompt or prompt_embeds must be provided and non-empty."


class Completion(AcceptedRequest):
    """One completion or chat completion.

    Statuses, types and messages of errors are those of vLLM 0.22 to 0.31 (vllm/renderers/params.py,
    vllm/sampling_params.py, vllm/entrypoints/serve/sagemaker/api_router.py); `make oracle` compares them with the
    engine. Since 0.32 the engine shortens an answer that would be too long, instead of refusing the request.
    """

    def __init__(self, body: bytes, model: ServedModel) -> None:
        """Read and validate a body.

        Raises:
            Refused: the body is invalid; the status is 400 or 404, with the message of the server.

        """
        self._document = read_json(body)
        self._model, self._served = model.id, model
        self._chat = "messages" in self._document
        self._check_types()
        requested = self._document.get("model")
        if model.checks_name and requested and requested != self._model:
            raise refusal(404, f"The model `{requested}` does not exist.", "NotFoundError", "model", requested)
        self.stream = _truth(self._document.get("stream")) or False
        options = self._document.get("stream_options")
        if options and not self.stream:
            raise bad("Stream options can only be defined when `stream=True`.", "stream_options")
        self._with_usage = bool((options or {}).get("include_usage"))
        if self._chat and not model.has_chat_template:
            raise bad("the model has no chat template: send a prompt.")
        prompts = self._count()
        self.input_tokens = sum(prompts)
        self._choices = len(prompts) * self._copies()
        self.output_tokens = self._length(max(prompts), model.max_total_tokens)
        self._check_sampling()
        self._id = f"{'chatcmpl' if self._chat else 'cmpl'}-{uuid4().hex[:16]}"
        self._created = int(time.time())

    def _check_types(self) -> None:
        """Refuse a body that is neither a chat nor a completion."""
        is_typed = all(_is_number(self._document.get(name)) for name in _NUMBERS)
        is_typed &= _truth(self._document.get("stream")) is not None
        if self._chat:
            messages = self._document["messages"]
            is_typed &= isinstance(messages, list) and all(map(_is_message, messages))
            if not is_typed:
                raise bad(_NO_PROMPT, "prompt")
        elif not self._document.get("prompt"):
            raise bad(_NO_PROMPT, "prompt")
        elif not is_typed:
            raise bad("Cannot find suitable handler for request.")

    def _count(self) -> list[int]:
        """Return the number of tokens of each prompt. A chat counts as one prompt."""
        if self._chat:
            messages = self._document["messages"]
            if not messages:
                raise bad("Cannot apply chat template to an empty conversation. Provide at least one message.")
            return [sum(count_tokens(_text(message, self._served)) + _TEMPLATE_TOKENS for message in messages)]
        prompt = self._document["prompt"]
        if isinstance(prompt, str):
            prompts: list[Any] = [prompt]
        else:
            prompts = [prompt] if isinstance(prompt, list) and all(isinstance(part, int) for part in prompt) else prompt
        if not isinstance(prompts, list) or not all(isinstance(part, (str, list)) and part for part in prompts):
            raise bad("Cannot find suitable handler for request.")
        return [count_tokens(part) + 1 if isinstance(part, str) else len(part) for part in prompts]

    def _copies(self) -> int:
        """Return the number of answers per prompt."""
        given = self._number("n")
        copies = 1 if given is None else int(given)
        if copies < 1:
            raise bad(f"n must be at least 1, got {copies}.")
        if copies > _MOST_CHOICES:
            raise bad(f"n must be at most {_MOST_CHOICES}, got {copies}.")
        return copies

    def _length(self, prompt_tokens: int, max_total_tokens: int) -> int:
        """Return the length of an answer, tokens.

        It is the requested length, otherwise the remaining tokens for a chat and a small default for a completion.
        """
        given = self._number("max_completion_tokens") if self._chat else None
        given = self._number("max_tokens") if given is None else given
        room = max_total_tokens - prompt_tokens
        if given is None and room >= 1:
            return room if self._chat else min(_COMPLETION_DEFAULT, room)
        requested = int(given or 0)
        if requested < 1 <= room:
            raise bad(f"max_tokens must be at least 1, got {requested}.", "max_tokens", requested)
        if requested > room or room < 1:
            counted = max(0, max_total_tokens - requested) + 1  # the server stops counting at this number
            raise bad(
                f"This model's maximum context length is {max_total_tokens} tokens. However, you requested {requested} "
                f"output tokens and your prompt contains at least {counted} input tokens, for a total of at least "
                f"{counted + requested} tokens. Please reduce the length of the input prompt or the number of "
                "requested output tokens.",
                "input_tokens",
                counted,
            )
        return requested

    def _check_sampling(self) -> None:
        temperature, top_p, top_k = (self._number(name) for name in ("temperature", "top_p", "top_k"))
        if temperature is not None and temperature < 0:
            raise bad(f"temperature must be non-negative, got {temperature}.", "temperature", temperature)
        if top_p is not None and not 0 < top_p <= 1:
            raise bad(f"top_p must be in (0, 1], got {top_p}.", "top_p", top_p)
        if top_k is not None and top_k < -1:
            raise bad(f"top_k must be 0 (disable), or at least 1, got {int(top_k)}.")

    def _number(self, name: str) -> float | None:
        value = self._document.get(name)
        return None if value is None else float(value)

    def whole(self, tokens: Sequence[str]) -> bytes:
        """Return the answers and the token usage."""
        text = "".join(tokens)
        content: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choices = [{"index": index, **content, "finish_reason": "length"} for index in range(self._choices)]
        document = self._envelope(choices, "chat.completion")
        return compact({**document, "usage": self._usage(len(tokens))}).encode()

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return one chunk per token and answer. A chat begins with a chunk that names the role. A stream ends with
        `[DONE]`.
        """
        chunks = []
        every = range(self._choices)
        if self._chat and not begin:
            role = {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
            chunks += [self._chunk(choice, role) for choice in every]
        for index in range(begin, end):
            reason = "length" if index + 1 == len(tokens) else None
            content: dict[str, Any] = {"delta": {"content": tokens[index]}} if self._chat else {"text": tokens[index]}
            chunks += [self._chunk(choice, {**content, "finish_reason": reason}) for choice in every]
        if end == len(tokens):
            if self._with_usage:
                document = self._envelope([], "chat.completion.chunk")
                chunks.append(server_sent_event({**document, "usage": self._usage(len(tokens))}, "data: "))
            chunks.append(b"data: [DONE]\n\n")
        return chunks

    def _chunk(self, index: int, choice: dict[str, Any]) -> bytes:
        return server_sent_event(self._envelope([{"index": index, **choice}], "chat.completion.chunk"), "data: ")

    def _envelope(self, choices: list[dict[str, Any]], kind: str) -> dict[str, Any]:
        kind = kind if self._chat else "text_completion"
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model, "choices": choices}

    def _usage(self, generated: int) -> dict[str, int]:
        generated *= self._choices
        total = self.input_tokens + generated
        return {"prompt_tokens": self.input_tokens, "completion_tokens": generated, "total_tokens": total}


def read_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body. Raises `Refused`, with an error type of its own if the body is not JSON."""
    try:
        return read_object(body)
    except NoJson as fault:
        raise refusal(400, f"JSON decode error: {fault}", "Bad Request") from None
    except ValueError as fault:
        raise bad(str(fault)) from None


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        return False
    content = message.get("content")
    return content is None or isinstance(content, (str, list))


def _text(message: dict[str, Any], model: ServedModel) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):  # parts of a message
        if not model.takes_images and any(isinstance(part, dict) and "image_url" in part for part in content):
            raise bad(f"{model.id} is not a multimodal model")
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _is_number(value: Any) -> bool:
    if value is None:
        return True
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _truth(value: Any) -> bool | None:
    """Return a boolean as the server reads it; None if the value is not a boolean."""
    return value if isinstance(value, bool) else _SWITCHES.get(str(value).lower())


def bad(message: str, parameter: str | None = None, value: object = None) -> Refused:
    """Return the error response to a request that the server does not accept."""
    return refusal(400, message, "BadRequestError", parameter, value)


def refusal(status: int, message: str, kind: str, parameter: str | None = None, value: object = None) -> Refused:
    """Return an error response in the format of the API."""
    if parameter is not None:
        message += f" (parameter={parameter}" + (f", value={value})" if value is not None else ")")
    return Refused(status, {"error": {"message": message, "type": kind, "param": parameter, "code": status}})
