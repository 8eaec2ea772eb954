"""Bodies of vLLM: chat completions (`messages`) and completions (`prompt`), as the OpenAI API has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from embedded_aws.serving.dialect import Ask, Refusal, compact, event, read
from embedded_aws.serving.text import count_tokens
from replicas.planning.plans import ComponentPlan

_COMPLETION_DEFAULT = 16
_TEMPLATE_TOKENS = 4
"""What a chat template puts around a message, about."""


class OpenAiAsk(Ask):
    """One completion."""

    def __init__(self, plan: ComponentPlan, body: bytes) -> None:
        """Read and validate a body.

        Raises:
            Refusal: 400 or 404, in the server's words.

        """
        try:
            self._document = read(body)
        except ValueError as fault:
            raise _bad(f"Invalid JSON: {fault}") from None
        self._model = plan.model.id
        asked = self._document.get("model")
        if asked and asked != self._model:
            raise _refusal(404, f"The model `{asked}` does not exist.", "NotFoundError")
        self.stream = bool(self._document.get("stream", False))
        self._chat = "messages" in self._document
        if self._chat and not plan.accepts_chat:
            raise _bad("the model has no chat template: send a prompt.")
        self.input_tokens = self._count()
        room = plan.max_total_tokens - self.input_tokens
        wanted = self._document.get("max_completion_tokens", self._document.get("max_tokens"))
        if wanted is None:
            wanted = room if self._chat else min(_COMPLETION_DEFAULT, room)
        if not isinstance(wanted, int) or (wanted < 1 and room >= 1):
            raise _bad(f"max_tokens must be at least 1, got {wanted}.")
        if wanted > room or room < 1:
            raise _bad(
                f"This model's maximum context length is {plan.max_total_tokens} tokens. However, you requested "
                f"{max(wanted, 0)} output tokens and your prompt contains {self.input_tokens} input tokens. "
                "Please reduce the length of the messages or completion."
            )
        for name, least in (("temperature", 0), ("top_p", 0)):
            value = self._document.get(name)
            if value is not None and not (isinstance(value, (int, float)) and value >= least):
                raise _bad(f"{name} must be non-negative, got {value}.")
        self.output_tokens = wanted
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

    def whole(self, tokens: Sequence[str]) -> bytes:
        """One choice, and what was used."""
        text = "".join(tokens)
        content: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choice = {"index": 0, **content, "finish_reason": "length"}
        document = self._envelope([choice], "" if not self._chat else "chat.completion")
        return compact({**document, "usage": self._usage(len(tokens))}).encode()

    def events(self, tokens: Sequence[str], told: int, generated: int) -> bytes:
        """A chunk a token; the first of a chat names the role, the last is `[DONE]`."""
        parts = []
        if self._chat and not told:
            parts.append(self._chunk({"delta": {"role": "assistant", "content": ""}, "finish_reason": None}))
        for index in range(told, generated):
            reason = "length" if index + 1 == len(tokens) else None
            content: dict[str, Any] = {"delta": {"content": tokens[index]}} if self._chat else {"text": tokens[index]}
            parts.append(self._chunk({**content, "finish_reason": reason}))
        if generated == len(tokens):
            if self._with_usage:
                document = self._envelope([], "chat.completion.chunk")
                parts.append(event({**document, "usage": self._usage(len(tokens))}, "data: "))
            parts.append(b"data: [DONE]\n\n")
        return b"".join(parts)

    def _chunk(self, choice: dict[str, Any]) -> bytes:
        return event(self._envelope([{"index": 0, **choice}], "chat.completion.chunk"), "data: ")

    def _envelope(self, choices: list[dict[str, Any]], kind: str) -> dict[str, Any]:
        kind = kind if self._chat else "text_completion"
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model, "choices": choices}

    def _usage(self, generated: int) -> dict[str, int]:
        total = self.input_tokens + generated
        return {"prompt_tokens": self.input_tokens, "completion_tokens": generated, "total_tokens": total}


def _text(message: Any) -> str:
    if not isinstance(message, dict) or message.get("role") not in ("system", "developer", "user", "assistant", "tool"):
        raise _bad("each message needs a role: system, user or assistant.")
    content = message.get("content")
    if isinstance(content, list):  # parts of a message
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise _bad("the content of each message must be a string or a list of parts.")
    return content


def _bad(message: str) -> Refusal:
    return _refusal(400, message, "BadRequestError")


def _refusal(status: int, message: str, kind: str) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": kind, "param": None, "code": status}})
