"""Traces: recorded requests, in the JSON lines format of Mooncake that AIPerf replays.

Each line is an object with `timestamp` (milliseconds), `input_length` and `output_length` (tokens), and optionally
`hash_ids`: one id for each block of 512 tokens of the prompt. If two blocks have the same id, the prompts are the same
up to the end of these blocks.
Sources: github.com/kvcache-ai/Mooncake, FAST25-release/traces; github.com/ai-dynamo/aiperf, docs (trace replay).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

BLOCK_TOKENS = 512
"""Tokens of the block that a hash id stands for (Mooncake's traces; AIPerf's default)."""


@dataclass(frozen=True, slots=True)
class TracedRequest:
    """One request of a trace."""

    seconds: float
    """Arrival, in seconds after the first request."""
    input_tokens: int
    output_tokens: int
    hash_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Trace:
    """At least one request, in the order of arrival."""

    requests: tuple[TracedRequest, ...]

    @cached_property
    def input_tokens_mean(self) -> float:
        """Mean length of the prompts."""
        return fmean(request.input_tokens for request in self.requests)

    @cached_property
    def output_tokens_mean(self) -> float:
        """Mean length of the answers."""
        return fmean(request.output_tokens for request in self.requests)

    @property
    def seconds(self) -> float:
        """Time between the first and the last arrival."""
        return self.requests[-1].seconds

    @property
    def requests_per_second(self) -> float | None:
        """The inverse of the mean time between arrivals (`Load.offered`); None if all arrive at once."""
        return (len(self.requests) - 1) / self.seconds if self.seconds else None

    def __hash__(self) -> int:
        return hash((len(self.requests), self.requests[0], self.requests[-1]))
