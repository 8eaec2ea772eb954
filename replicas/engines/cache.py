"""The KV cache of one copy on one accelerator: groups of layers that take blocks from one pool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CacheGroup:
    """Layers that keep the same tokens of a request, in their own blocks."""

    block_tokens: int
    """Tokens of one block."""
    window_tokens: int | None = None
    """Tokens of a window or chunk that it keeps, including those being prefilled; None if it keeps the whole
    request.
    """
    begins_within_block: bool = False
    """True if a window may begin within a block, which needs one more block."""
    blocks_of_state: int | None = None
    """Blocks of a recurrent state, independent of the request's length; None for layers that keep tokens."""
    share: float = 1.0
    """Share of a pool block that one block of this group takes."""

    def blocks(self, request_tokens: int, in_flight_tokens: int) -> int:
        """Return the blocks that a request of a length holds at most."""
        if self.blocks_of_state is not None:
            return self.blocks_of_state
        tokens = request_tokens
        if self.window_tokens is not None:
            tokens = min(self.window_tokens + in_flight_tokens, request_tokens)
        return -(-tokens // self.block_tokens) + self.begins_within_block


@dataclass(frozen=True, kw_only=True)
class CachePool:
    """The blocks of all groups, which have one size."""

    block_bytes: float
    """Bytes of one block on one accelerator."""
    groups: tuple[CacheGroup, ...]
    in_flight_tokens: int = 0
    """Tokens that are scheduled before the blocks behind a window are freed."""

    @property
    def is_empty(self) -> bool:
        """True if no layer has a cache."""
        return not self.groups

    @property
    def is_plain(self) -> bool:
        """True if every layer keeps every token."""
        return len(self.groups) == 1 and self.groups[0].window_tokens is None and not self.groups[0].blocks_of_state

    def request_bytes(self, request_tokens: int) -> float:
        """Return the maximum memory of a request of a length, bytes."""
        return self.block_bytes * self._blocks(request_tokens)

    def requests(self, cache_bytes: float, request_tokens: int) -> float:
        """Return how many requests of a length a cache of this size holds at once."""
        if self.is_empty:
            return math.inf
        blocks = max(0, int(cache_bytes / self.block_bytes))
        return blocks / max(1e-9, self._blocks(request_tokens))

    def _blocks(self, request_tokens: int) -> float:
        return sum(group.share * group.blocks(request_tokens, self.in_flight_tokens) for group in self.groups)

    def whole_tokens(self, cache_bytes: float) -> int:
        """Return the number of tokens that the blocks hold if every group keeps every token."""
        if self.is_empty:
            return 0
        blocks = max(0, int(cache_bytes / self.block_bytes))
        return blocks // len(self.groups) * min(group.block_tokens for group in self.groups)

    def longest_request(self, cache_bytes: float, bound: int) -> int:
        """Return the longest request that a cache of this size holds, tokens, up to a bound."""
        low, high = 0, bound
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.request_bytes(middle) <= cache_bytes else (low, middle - 1)
        return low


NO_CACHE = CachePool(block_bytes=0, groups=())
"""The pool of a model without a cache."""


def plain_pool(token_bytes: float, block_tokens: int) -> CachePool:
    """Return a pool in which every layer keeps every token.

    Args:
        token_bytes: bytes of one token over all layers, on one accelerator; 0 for a model without a cache.
        block_tokens: tokens of a block.

    """
    if not token_bytes:
        return NO_CACHE
    return CachePool(block_bytes=token_bytes * block_tokens, groups=(CacheGroup(block_tokens=block_tokens),))


def grouped_pool(page_bytes: float, layers: Sequence[tuple[CacheGroup, int]], *, in_flight_tokens: int) -> CachePool:
    """Return a pool of groups with the same number of layers, the last of each kind filled up.

    Args:
        page_bytes: bytes of a block of one layer.
        layers: each kind of group, with the number of its layers.
        in_flight_tokens: tokens that are scheduled before the blocks behind a window are freed.

    """
    fewest, most = min(count for _, count in layers), max(count for _, count in layers)
    size = most if most < 1.5 * fewest else fewest
    groups = tuple(group for group, count in layers for _ in range(-(-count // size)))
    return CachePool(block_bytes=page_bytes * size, groups=groups, in_flight_tokens=in_flight_tokens)
