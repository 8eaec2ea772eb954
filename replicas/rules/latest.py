"""Keeps what was read from the endpoint model that is judged, because several rules read the same from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypeVar

from replicas.endpoint.topology import Topology

T = TypeVar("T")


def kept_for_latest(read: Callable[[Topology], Iterable[T]]) -> Callable[[Topology], tuple[T, ...]]:
    """Let a function keep its result for the endpoint model that it read last.

    The model is compared by identity, because the hash of a whole model takes as long as reading it.
    """
    latest: tuple[Topology, tuple[T, ...]] | None = None

    @wraps(read)
    def kept(topology: Topology) -> tuple[T, ...]:
        nonlocal latest
        known = latest
        if known is None or known[0] is not topology:
            known = latest = (topology, tuple(read(topology)))
        return known[1]

    return kept
