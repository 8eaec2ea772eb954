"""Type of the JSON document of `replicas chat --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class AnswerDocument(TypedDict):
    """One answer of a component, with its times."""

    schema: Literal["replicas.answer/1"]
    endpoint: str
    component: str
    model: str | None
    text: str
    output_tokens: int
    ttft_seconds: float | None
    """Time to the first token."""
    seconds: float
