"""Requests that are sent to the engine and to the stand-in, to compare their answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MODEL = "tiny"
CONTEXT = 512
"""Maximum request length of the tiny model, in tokens (scripts/oracle/engine/tiny.py)."""

_CHAT = {"messages": [{"role": "user", "content": "How many copies fit?"}], "max_tokens": 4, "temperature": 0}
_PROMPT = {"prompt": "The quick brown fox", "max_tokens": 4, "temperature": 0}
_EXACT = {"ignore_eos": True}


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One request on `/invocations`."""

    name: str
    body: bytes


def conversations() -> Iterator[Conversation]:
    """Yield every request."""
    bodies: dict[str, Any] = {
        "chat": {**_CHAT, **_EXACT},
        "chat, model named": {**_CHAT, **_EXACT, "model": MODEL},
        "chat, max_completion_tokens": {**_CHAT, **_EXACT, "max_tokens": None, "max_completion_tokens": 3},
        "chat, parts of text": {**_CHAT, **_EXACT, "messages": [_user([{"type": "text", "text": "How many?"}])]},
        "chat, system and user": {
            **_CHAT,
            **_EXACT,
            "messages": [{"role": "system", "content": "Be short."}, _user("Hi")],
        },
        "chat, streamed": {**_CHAT, **_EXACT, "stream": True},
        "chat, streamed with usage": {**_CHAT, **_EXACT, "stream": True, "stream_options": {"include_usage": True}},
        "completion": {**_PROMPT, **_EXACT},
        "completion, streamed": {**_PROMPT, **_EXACT, "stream": True},
        "completion, streamed with usage": {
            **_PROMPT,
            **_EXACT,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        "completion without a length": {"prompt": "The quick brown fox", **_EXACT},
        "two prompts": {**_PROMPT, **_EXACT, "prompt": ["one", "two"]},
        "prompt of tokens": {**_PROMPT, **_EXACT, "prompt": [5, 6, 7]},
        "two choices": {**_CHAT, **_EXACT, "n": 2, "temperature": 1},
        "log probabilities": {**_CHAT, **_EXACT, "logprobs": True, "top_logprobs": 1},
        "unknown field": {**_CHAT, **_EXACT, "no_such_field": 1},
        "unknown model": {**_CHAT, "model": "another"},
        "unknown model, completion": {**_PROMPT, "model": "another"},
        "prompt too long": {**_PROMPT, "prompt": "fox " * CONTEXT},
        "chat too long": {**_CHAT, "messages": [_user("fox " * CONTEXT)]},
        "answer too long": {**_PROMPT, "max_tokens": CONTEXT},
        "chat, answer too long": {**_CHAT, "max_tokens": CONTEXT},
        "no tokens": {**_PROMPT, "max_tokens": 0},
        "chat, no tokens": {**_CHAT, "max_tokens": 0},
        "negative tokens": {**_CHAT, "max_tokens": -1},
        "tokens as text": {**_CHAT, "max_tokens": "many"},
        "negative temperature": {**_CHAT, "temperature": -1},
        "temperature as text": {**_CHAT, "temperature": "hot"},
        "top_p above 1": {**_CHAT, "top_p": 1.5},
        "top_p of 0": {**_CHAT, "top_p": 0},
        "top_k below -1": {**_CHAT, "top_k": -5},
        "no messages": {**_CHAT, "messages": []},
        "messages as text": {**_CHAT, "messages": "Hi"},
        "message without a role": {**_CHAT, "messages": [{"content": "Hi"}]},
        "message with an unknown role": {**_CHAT, **_EXACT, "messages": [{"role": "narrator", "content": "Hi"}]},
        "message without content": {**_CHAT, "messages": [{"role": "user"}]},
        "an image for a model without a vision tower": {
            **_CHAT,
            "messages": [_user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}])],
        },
        "empty prompt": {**_PROMPT, "prompt": ""},
        "neither prompt nor messages": {"max_tokens": 4},
        "body of text-generation-inference": {"inputs": "The quick brown fox", "parameters": {"max_new_tokens": 4}},
        "stream_options without stream": {**_CHAT, "stream_options": {"include_usage": True}},
        "stream as text": {**_CHAT, "stream": "maybe"},
        "completion, tokens as text": {**_PROMPT, "max_tokens": "many"},
        "no choices": {**_CHAT, "n": 0},
    }
    for name, body in bodies.items():
        yield Conversation(name=name, body=json.dumps(body).encode())
    yield Conversation(name="not JSON", body=b"{'prompt': 'one'}")
    yield Conversation(name="JSON, but no object", body=b"[1, 2]")
    yield Conversation(name="empty body", body=b"")


BY_VERSION = {
    "answer too long": "until 0.31 the engine refuses the request, since 0.32 it shortens the answer",
    "chat, answer too long": "until 0.31 the engine refuses the request, since 0.32 it shortens the answer",
}
"""Requests to which the installed engine answers differently from the versions that have an image. The stand-in
imitates the versions that have an image."""
NOT_SIMULATED = {
    "log probabilities": "the stand-in has no probabilities",
}
"""Requests of which the stand-in simulates only a part of the answer, each with the missing part."""


def _user(content: object) -> dict[str, Any]:
    return {"role": "user", "content": content}
