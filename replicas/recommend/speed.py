"""Upper bounds of the speed of one copy, which make most simulations of whole layouts unnecessary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from math import ceil, erfc, sqrt

from replicas.forecast import Load
from replicas.forecast.copies import CopyEngine
from replicas.forecast.simulation import simulate
from replicas.load import requests
from replicas.load.load import lognormal

_BOUNDLESS = 1000
"""Largest batch for which the roofline is computed. It is larger than any real batch, so that the fixed time of a step
is negligible."""
_ROUNDS = 6
"""Number of full batches to simulate on a saturated copy. The requests of the first batch all start at once, so with
fewer batches the first one would distort the result."""
_DRAWN = 5000
"""Number of requests to draw to estimate the share of tokens that is cut."""
_SKIPPED = 0.4
"""Share of the simulated time, from its start, in which answers are not counted."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Best possible times and rate of one copy, without a queue and without a limit of the batch."""

    ttft_seconds: float
    latency_seconds: float
    requests_per_second: float


def bounds(engine: CopyEngine, load: Load) -> Bounds:
    """Return the roofline of a copy: time to first token and latency of one request, and the highest rate of any batch
    size.

    With measured kernels, a larger batch does not always have a higher rate, so several sizes are tried.
    """
    times, decoded = engine.times, load.output_tokens - 1
    computed = _computed_tokens(engine, load)
    first = times.prefill([computed])

    def seconds(batch: int) -> float:
        decoding = sum(times.run(batch, batch * (load.input_tokens + 1), decoded)) if decoded else 0.0
        return times.prefill([computed] * batch) + decoding

    rate = max(batch / seconds(batch) for batch in (1, 8, 64, _BOUNDLESS))
    return Bounds(ttft_seconds=first, latency_seconds=seconds(1), requests_per_second=rate)


@lru_cache(maxsize=64)
def mean_answer(load: Load) -> float:
    """Return the mean length of answers in tokens, after drawn lengths are cut to the limits of the endpoint."""
    unlimited = replace(load, max_input_tokens=None, max_total_tokens=None)
    if not load.is_varied or unlimited == load:
        return load.output_tokens
    cut, drawn = (
        sum(request.output_tokens for request in islice(requests(each, 0), _DRAWN)) for each in (load, unlimited)
    )
    return load.output_tokens * cut / drawn


def has_so_many_long_requests(load: Load, share: float) -> bool:
    """True if at least this share of the requests has a prompt and an answer of at least the mean lengths.

    A percentile of latency above `1 - share` is then at least the latency of a request of mean lengths.
    """
    if load.trace is not None:
        mean = load.input_tokens, load.output_tokens
        long = sum(
            request.input_tokens >= mean[0] and request.output_tokens >= mean[1] for request in load.trace.requests
        )
        return long >= share * len(load.trace.requests)
    both = 1.0
    for tokens, stddev in (
        (load.input_tokens - load.shared_tokens, load.input_stddev),
        (load.output_tokens, load.output_stddev),
    ):
        if stddev and tokens > 0:
            _, deviation = lognormal(tokens, stddev)
            both *= 0.5 * erfc(deviation / 2 / sqrt(2))  # the mean lies half of the deviation's square above the median
    return both >= share


def _computed_tokens(engine: CopyEngine, load: Load) -> int:
    """Return the minimum number of prompt tokens to compute, which a prefix cache cannot contain."""
    if not engine.profile.prefix_caching or not load.has_shared_prompts:
        return load.input_tokens
    repeats = load.distinct_prompts is not None or load.trace is not None
    return 1 if repeats else max(1, load.input_tokens - load.shared_tokens)


def capacity(engine: CopyEngine, load: Load) -> float:
    """Simulate a copy with a queue that is never empty, and return its requests per second.

    Raises:
        ForecastError: the simulation has too many events, or takes more than a simulated day.

    """
    users = saturating_users(engine, load)
    most = bounds(engine, load)
    duration = max(30.0, _ROUNDS * max(most.latency_seconds, users / most.requests_per_second))
    saturating = load.saturating(users)
    outcome = simulate(engine, copies=1, load=saturating, duration_seconds=duration, seed=0, routing="RANDOM")
    if saturating.has_end:
        return len(outcome.answered) / outcome.elapsed_seconds
    begin = _SKIPPED * duration
    ends = [request.ended for request in outcome.answered if begin <= request.ended < duration]
    return len(ends) / (duration - begin)


def saturating_users(engine: CopyEngine, load: Load) -> int:
    """Return the number of users that keeps a copy's batch full and its queue short, without refusals."""
    limits = engine.limits
    held = max(1, limits.kv_cache_tokens // (load.input_tokens + load.output_tokens))
    most = ceil(1.25 * min(held, limits.sequences or held)) + 4
    return min(most, limits.concurrent_requests or most)
