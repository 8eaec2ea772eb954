"""Types of the JSON documents of `replicas chat --json` and `replicas invoke --json`."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from replicas.catalogue.tasks import Task


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


class InvocationDocument(TypedDict):
    """One answer of a component as its engine wrote it."""

    schema: Literal["replicas.invocation/1"]
    endpoint: str
    component: str
    model: str | None
    task: Task
    seconds: float
    answer: Any
    """The engine's JSON; a string if the answer is not JSON."""
