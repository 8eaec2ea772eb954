"""Number of requests that a copy processes at once."""

from __future__ import annotations

from replicas.sizing.memory import CopyMemory


def requests_at_once(memory: CopyMemory, *, request_tokens: int, prefill_tokens: int, sequences: int | None) -> int:
    """Return how many requests of `request_tokens` tokens a copy processes at once.

    The KV cache limits this number. Without a cache, the maximum prompt tokens and sequences of a step limit it.
    """
    if not memory.pool.is_empty:
        return memory.requests_at_once(request_tokens)
    step = prefill_tokens // request_tokens
    return step if sequences is None else min(step, sequences)
