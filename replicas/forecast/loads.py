"""What is asked of an endpoint, and what comes back: the input and the output of a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

ARTICLE_USERS = (100, 150, 200, 250, 300, 350, 400, 450, 500)
"""The numbers of users of the article's benchmark."""
MAX_USERS = 100_000
MAX_REQUESTS_PER_SECOND = 10_000

Confidence = Literal["calibrated", "extrapolated", "order-of-magnitude"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """Either users in a closed loop without think time, or arrivals at a mean rate (Poisson)."""

    users: int | None = None
    requests_per_second: float | None = None
    input_tokens: int
    """Of each prompt."""
    output_tokens: int
    """Of each answer."""
    shared_tokens: int = 0
    """Tokens at the beginning of every prompt that all prompts have in common; an engine may cache them."""

    def problems(self) -> list[str]:
        """What is wrong with it; empty where nothing is."""
        found = []
        if (self.users is None) == (self.requests_per_second is None):
            found.append(f"users={self.users}, requests_per_second={self.requests_per_second}: exactly one of the two")
        if self.users is not None and not 1 <= self.users <= MAX_USERS:
            found.append(f"users={self.users}: 1 to {MAX_USERS:,}")
        rate = self.requests_per_second
        if rate is not None and not 0 < rate <= MAX_REQUESTS_PER_SECOND:
            found.append(f"requests_per_second={rate}: more than 0, at most {MAX_REQUESTS_PER_SECOND:,}")
        found += [
            f"{name}={tokens}: at least 1"
            for name, tokens in (("input_tokens", self.input_tokens), ("output_tokens", self.output_tokens))
            if tokens < 1
        ]
        if not 0 <= self.shared_tokens <= self.input_tokens:
            found.append(f"shared_tokens={self.shared_tokens}: 0 to input_tokens={self.input_tokens}")
        return found


@dataclass(frozen=True, kw_only=True)
class Point:
    """One load, forecast: the numbers that a benchmark of it measures, by the same definitions."""

    users: int | None
    requests_per_second_offered: float | None
    requests: int
    """All that were sent, answered or refused."""
    refused: int
    """By the engine: as many were running and waiting as it takes."""
    elapsed_seconds: float
    """With the drain: until the last request in flight has ended."""
    requests_per_second_elapsed: float
    """Over the elapsed time: the article's req/s."""
    requests_per_second_window: float
    """Answered within the duration, over the duration: the rate that lasts."""
    latency_p50_seconds: float | None
    latency_p90_seconds: float | None
    latency_p99_seconds: float | None
    ttft_p50_seconds: float | None
    ttft_p90_seconds: float | None
    output_tokens_per_second: float
    """Of requests answered within the duration."""
    usd_per_million_output_tokens: float | None
    """At the price of all instances of the endpoint, shared by nothing else; None where no price is known."""


@dataclass(frozen=True, kw_only=True)
class PointLimits:
    """Where the time of the engines of a point goes, and what keeps requests waiting. Shares of the duration."""

    users: int | None
    requests_per_second_offered: float | None
    busy: float
    """Mean over the copies; the parts below add up to it."""
    compute: float
    """Linear layers and attention of prompts, and decoding where so many sequences decode that it computes."""
    weights_read: float
    """Memory bandwidth: weights, in steps that compute less than they read."""
    cache_read: float
    """Memory bandwidth: the KV cache of decoding sequences."""
    exchange: float
    """Between the accelerators of a copy."""
    host: float
    """Launching kernels, and preparing steps and sequences, while the accelerators wait."""
    running_mean: float
    """Requests in the batch of a busy copy."""
    waiting_mean: float
    """Requests that wait in a copy's queue."""
    kv_cache_share_max: float
    """Fullest KV cache of a copy, part of its tokens that were set aside."""
    waits_for: str | None
    """What kept requests waiting for most of the time: `admission rule`, `KV cache`, `sequences`, `prefill budget`;
    None where none waited."""


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """What saturates first as the load grows over the points."""

    first: str | None
    """`compute`, `memory bandwidth`, `host`, `exchange`, `concurrency limit`; None: every point has time left."""
    users: int | None
    """The first point where it does."""
    requests_per_second_offered: float | None
    requests_per_second: float | None
    """The most that any point answers within its duration."""
    why: str
    """One sentence with the numbers."""
    points: tuple[PointLimits, ...]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one component of a plan will carry."""

    deployment: str
    component: str
    engine: str
    confidence: Confidence
    basis: str
    """What the confidence rests on."""
    routing: str
    """SageMaker's strategy that was assumed."""
    points: tuple[Point, ...]
    limits: Saturation

    def to_document(self) -> dict[str, Any]:
        """JSON document: the fields of the forecast."""
        return {"schema": "replicas.forecast/1", **asdict(self)}


def percentile(ordered: Sequence[float], part: float) -> float:
    """Of sorted values, by linear interpolation between the two nearest."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
