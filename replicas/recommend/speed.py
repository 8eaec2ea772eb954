"""What one copy can do at best, without simulating the whole layout: what makes most simulations unnecessary."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from replicas.forecast import Load
from replicas.forecast.copies import CopyEngine
from replicas.forecast.simulation import simulate

_BOUNDLESS = 1000
"""Requests in one batch, larger than any that fits: what every step costs once is next to nothing for each."""
_ROUNDS = 6
"""Of answers that a saturated copy gives, so that the first ones, which all start at once, do not decide."""
_SKIPPED = 0.4
"""Part of the simulated time before answers count."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """No queue, no limit of the batch: no copy is faster."""

    ttft_seconds: float
    latency_seconds: float
    requests_per_second: float


def bounds(engine: CopyEngine, load: Load) -> Bounds:
    """Roofline of a copy: a request alone on it, and requests in a batch without end."""
    times, decoded = engine.times, load.output_tokens - 1
    first = times.prefill([load.input_tokens])
    shared = times.prefill([load.input_tokens] * _BOUNDLESS)
    alone = 0.0
    if decoded:
        alone = sum(times.run(1, load.input_tokens + 1, decoded))
        shared += sum(times.run(_BOUNDLESS, _BOUNDLESS * (load.input_tokens + 1), decoded))
    return Bounds(ttft_seconds=first, latency_seconds=first + alone, requests_per_second=_BOUNDLESS / shared)


def capacity(engine: CopyEngine, load: Load) -> float:
    """Requests a second that a copy answers when requests always wait, simulated.

    Raises:
        ForecastError: the answers would take more than a day.

    """
    users = saturating_users(engine, load)
    most = bounds(engine, load)
    duration = max(30.0, _ROUNDS * max(most.latency_seconds, users / most.requests_per_second))
    saturating = Load(users=users, input_tokens=load.input_tokens, output_tokens=load.output_tokens)
    outcome = simulate(engine, copies=1, load=saturating, duration_seconds=duration, seed=0, routing="RANDOM")
    begin = _SKIPPED * duration
    ends = [each.ended for each in outcome.answered if begin <= each.ended < duration]
    return len(ends) / (duration - begin)


def saturating_users(engine: CopyEngine, load: Load) -> int:
    """Users that keep a copy's batch full and a few requests waiting, and none refused."""
    limits = engine.limits
    held = max(1, limits.kv_cache_tokens // (load.input_tokens + load.output_tokens))
    most = ceil(1.25 * min(held, limits.sequences or held)) + 4
    return min(most, limits.concurrent_requests or most)
