"""What limits a busy copy: how many more answers twice as much of each resource would bring.

A copy that is busy all the time answers `1 / W` requests a second, where `W` is the engine's time for one request.
Twice as much of what a share `s` of that time goes to leaves `1 - s / 2` of it. A batch that may hold twice as many
requests leaves the time of prompts as it is, and changes that of a generated token from `d(B) / B` to `d(2 B) / (2 B)`,
where `d(B)` is a decoding step of `B` sequences.

Where requests wait for a full batch, and one of twice the size would bring much more, the limit of the batch saturates
first: reading the weights for few requests at once is its consequence.
"""

from __future__ import annotations

from replicas.forecast.copies import CopyEngine
from replicas.forecast.loads import PointLimits
from replicas.forecast.simulation import Outcome
from replicas.load import Load

BATCH_LIMITS = ("KV cache", "sequences")
"""Limits of the batch, as `PointLimits.waits_for` names them."""
ADMISSION = "concurrency limit"
"""Limit of running and waiting requests, beyond which a copy refuses."""


def gain_of_twice_the_batch(engine: CopyEngine, load: Load, outcome: Outcome, duration: float) -> float:
    """Return the share by which the answers of busy copies rise if their batches hold twice as many requests.

    Args:
        engine: engine of a copy.
        load: the load, for the length of a context.
        outcome: its simulation.
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
    """Return what twice as much of each resource that engines spend time on would bring, as shares of the answers."""
    busy = limit.busy or 1.0
    shares = {
        "compute": limit.compute,
        "memory bandwidth": limit.weights_read + limit.cache_read,
        "exchange": limit.exchange,
        "host": limit.host,
    }
    return {what: share / busy / (2 - share / busy) for what, share in shares.items()}


def _gain_of_prompts(engine: CopyEngine, tokens: int, prompts: int) -> float:
    """Return the gain where answers have no tokens: steps that compute twice as many prompts, if they may."""
    if 2 * prompts * tokens > engine.limits.prefill_tokens:
        return 0.0
    return 2 * engine.times.prefill([tokens] * prompts) / engine.times.prefill([tokens] * 2 * prompts) - 1


def _decoded_tokens(outcome: Outcome, duration: float) -> float:
    """Return the tokens after the first of each answer that were generated within the duration."""
    tokens = 0.0
    for request in outcome.answered:
        writing = request.ended - request.first_token
        if writing > 0 and request.first_token < duration:
            within = min(request.ended, duration) - request.first_token
            tokens += (request.output_tokens - 1) * within / writing
    return tokens
