"""Server side of the OpenAI API: validates a completion, and answers it whole or in chunks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from replicas.engines.answering import (
    AcceptedRequest,
    Refused,
    ServedModel,
    compact,
    count_tokens,
    read_object,
    server_sent_event,
)

_COMPLETION_DEFAULT = 16
_TEMPLATE_TOKENS = 4
"""Tokens that a chat template adds around a message, roughly."""
_ROLES = ("system", "developer", "user", "assistant", "tool")


class Completion(AcceptedRequest):
    """One completion or chat completion."""

    def __init__(self, body: bytes, model: ServedModel) -> None:
        """Read and validate a body.

        Raises:
            Refused: 400 or 404, with the message of the server.

        """
        try:
            self._document = read_object(body)
        except ValueError as fault:
            raise _bad(f"Invalid JSON: {fault}") from None
        self._model = model.id
        requested = self._document.get("model")
        if requested and requested != self._model:
            raise _refused(404, f"The model `{requested}` does not exist.", "NotFoundError")
        self.stream = bool(self._document.get("stream", False))
        self._chat = "messages" in self._document
        if self._chat and not model.has_chat_template:
            raise _bad("the model has no chat template: send a prompt.")
        self.input_tokens = self._count()
        self.output_tokens = self._length(model.max_total_tokens)
        for name in ("temperature", "top_p"):
            value = self._document.get(name)
            if value is not None and not (isinstance(value, (int, float)) and value >= 0):
                raise _bad(f"{name} must be non-negative, got {value}.")
        options = self._document.get("stream_options") or {}
        self._with_usage = bool(options.get("include_usage"))
        self._id = f"{'chatcmpl' if self._chat else 'cmpl'}-{uuid4().hex}"
        self._created = int(time.time())

    def _count(self) -> int:
        if self._chat:
            messages = self._document["messages"]
            if not isinstance(messages, list) or not messages:
                raise _bad("messages must be a list with at least one message.")
            texts = [_text(message) for message in messages]
            return sum(count_tokens(text) + _TEMPLATE_TOKENS for text in texts)
        prompt = self._document.get("prompt")
        if not isinstance(prompt, str) or not prompt:
            raise _bad("either messages or prompt must be given.")
        return count_tokens(prompt) + 1

    def _length(self, max_total_tokens: int) -> int:
        """Return the length of the answer: the requested one, otherwise all remaining tokens of a chat, or a small
        default.
        """
        room = max_total_tokens - self.input_tokens
        requested = self._document.get("max_completion_tokens", self._document.get("max_tokens"))
        if requested is None:
            requested = room if self._chat else min(_COMPLETION_DEFAULT, room)
        if not isinstance(requested, int) or (requested < 1 and room >= 1):
            raise _bad(f"max_tokens must be at least 1, got {requested}.")
        if requested > room or room < 1:
            raise _bad(
                f"This model's maximum context length is {max_total_tokens} tokens. However, you requested "
                f"{max(requested, 0)} output tokens and your prompt contains {self.input_tokens} input tokens. "
                "Please reduce the length of the messages or completion."
            )
        return requested

    def whole(self, tokens: Sequence[str]) -> bytes:
        """Return one choice and the usage."""
        text = "".join(tokens)
        content: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choice = {"index": 0, **content, "finish_reason": "length"}
        document = self._envelope([choice], "chat.completion")
        return compact({**document, "usage": self._usage(len(tokens))}).encode()

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return one chunk per token. The first chunk of a chat names the role, the last one is `[DONE]`."""
        chunks = []
        if self._chat and not begin:
            chunks.append(self._chunk({"delta": {"role": "assistant", "content": ""}, "finish_reason": None}))
        for index in range(begin, end):
            reason = "length" if index + 1 == len(tokens) else None
            content: dict[str, Any] = {"delta": {"content": tokens[index]}} if self._chat else {"text": tokens[index]}
            chunks.append(self._chunk({**content, "finish_reason": reason}))
        if end == len(tokens):
            if self._with_usage:
                document = self._envelope([], "chat.completion.chunk")
                chunks.append(server_sent_event({**document, "usage": self._usage(len(tokens))}, "data: "))
            chunks.append(b"data: [DONE]\n\n")
        return chunks

    def _chunk(self, choice: dict[str, Any]) -> bytes:
        return server_sent_event(self._envelope([{"index": 0, **choice}], "chat.completion.chunk"), "data: ")

    def _envelope(self, choices: list[dict[str, Any]], kind: str) -> dict[str, Any]:
        kind = kind if self._chat else "text_completion"
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model, "choices": choices}

    def _usage(self, generated: int) -> dict[str, int]:
        total = self.input_tokens + generated
        return {"prompt_tokens": self.input_tokens, "completion_tokens": generated, "total_tokens": total}


def _text(message: Any) -> str:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise _bad("each message needs a role: system, user or assistant.")
    content = message.get("content")
    if isinstance(content, list):  # parts of a message
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise _bad("the content of each message must be a string or a list of parts.")
    return content


def _bad(message: str) -> Refused:
    return _refused(400, message, "BadRequestError")


def _refused(status: int, message: str, kind: str) -> Refused:
    return Refused(status, {"error": {"message": message, "type": kind, "param": None, "code": status}})
