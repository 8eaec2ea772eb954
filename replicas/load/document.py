"""Types of a load in JSON documents."""

from __future__ import annotations

from typing_extensions import TypedDict


class TraceDocument(TypedDict):
    """Size of a trace."""

    requests: int
    seconds: float
    """Time between the first and the last arrival."""


class LoadDocument(TypedDict):
    """A load. Exactly one of `users`, `requests_per_second`, `burst` and `trace` is not null."""

    users: int | None
    requests_per_second: float | None
    burst: int | None
    trace: TraceDocument | None
    input_tokens: int
    """Length of a prompt; the mean if it varies."""
    output_tokens: int
    input_stddev: float
    output_stddev: float
    shared_tokens: int
    distinct_prompts: int | None
