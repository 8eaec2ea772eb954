"""Number of requests that a copy processes at once."""

from __future__ import annotations

from replicas.sizing.memory import CopyMemory


def requests_at_once(memory: CopyMemory, *, request_tokens: int, prefill_tokens: int, sequences: int | None) -> int:
    """Return how many requests of `request_tokens` tokens a copy processes at once.

    The KV cache limits them. In a copy without a cache, the step's prompt tokens and sequences limit them.
    """
    if not memory.pool.is_empty:
        return memory.requests_at_once(request_tokens)
    step = prefill_tokens // request_tokens
    return step if sequences is None else min(step, sequences)
