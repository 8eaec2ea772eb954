"""The number of requests that a copy processes at once."""

from __future__ import annotations

from replicas.sizing.memory import CopyMemory


def requests_at_once(memory: CopyMemory, *, request_tokens: int, prefill_tokens: int, sequences: int | None) -> int:
    """Return the requests of a length that the KV cache of a copy holds at once. A copy without a cache is bounded by
    the step that computes the requests: its prompt tokens and its sequences.
    """
    if not memory.pool.is_empty:
        return memory.requests_at_once(request_tokens)
    step = prefill_tokens // request_tokens
    return step if sequences is None else min(step, sequences)
