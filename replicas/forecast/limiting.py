"""Finds the resource that limits a busy copy, by the gain in throughput from doubling each resource.

A busy copy answers `1 / W` requests a second, where `W` is the engine's time for one request. If a resource takes the
share `s` of that time, doubling it leaves the time `W * (1 - s / 2)`. Doubling the batch from `B` to `2 B` requests
does not change the time of prompts. It changes the time of a generated token from `d(B) / B` to `d(2 B) / (2 B)`, where
`d(B)` is the duration of a decoding step with `B` sequences.

If requests wait because the batch is full, and a batch of twice the size would answer many more requests, the limit of
the batch counts as saturated first. The memory bandwidth is then busy only because weights are read for few requests at
once.
"""

from __future__ import annotations

from replicas.forecast.copies import CopyEngine
from replicas.forecast.loads import PointLimits
from replicas.forecast.simulation import Outcome
from replicas.load import Load

BATCH_LIMITS = ("KV cache", "sequences")
"""Limits of the batch, named as in `PointLimits.waits_for`."""
ADMISSION = "concurrency limit"
"""Name of the limit of running and waiting requests. A copy refuses requests above this limit."""


def gain_of_twice_the_batch(engine: CopyEngine, load: Load, outcome: Outcome, duration: float) -> float:
    """Return the relative gain in throughput of busy copies if their batches could hold twice as many requests.

    Args:
        engine: engine of a copy.
        load: the load, which gives the mean length of a context.
        outcome: result of the simulation of the load.
        duration: seconds over which the use of the engines was counted.

    """
    use = outcome.use
    busy = sum(use.parts)
    sequences = max(1, round(use.running / busy)) if busy else 0
    tokens = _decoded_tokens(outcome, duration)
    if not sequences:
        return 0.0
    if not tokens:
        return _gain_of_prompts(engine, load.input_tokens, sequences)
    context = load.input_tokens + load.output_tokens / 2
    one, two = (engine.times.decode(number, number * context) / number for number in (sequences, 2 * sequences))
    decoding = min(busy, tokens * one)
    return busy / (busy - decoding + decoding * two / one) - 1


def gains(limit: PointLimits) -> dict[str, float]:
    """Return the relative gain in throughput from doubling each resource, by the name of the resource."""
    busy = limit.busy or 1.0
    shares = {
        "compute": limit.compute,
        "memory bandwidth": limit.weights_read + limit.cache_read,
        "exchange": limit.exchange,
        "host": limit.host,
    }
    return {what: share / busy / (2 - share / busy) for what, share in shares.items()}


def _gain_of_prompts(engine: CopyEngine, tokens: int, prompts: int) -> float:
    """Return the gain of steps with twice as many prompts, for answers without tokens; 0 if a step cannot compute so
    many prompt tokens.
    """
    if 2 * prompts * tokens > engine.limits.prefill_tokens:
        return 0.0
    return 2 * engine.times.prefill([tokens] * prompts) / engine.times.prefill([tokens] * 2 * prompts) - 1


def _decoded_tokens(outcome: Outcome, duration: float) -> float:
    """Return the number of tokens generated within the duration, without the first token of each answer."""
    tokens = 0.0
    for request in outcome.answered:
        writing = request.ended - request.first_token
        if writing > 0 and request.first_token < duration:
            within = min(request.ended, duration) - request.first_token
            tokens += (request.output_tokens - 1) * within / writing
    return tokens
