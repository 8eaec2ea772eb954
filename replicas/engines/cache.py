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
    """Number of tokens that the group keeps for a window or chunk, including tokens being prefilled; None if it
    keeps the whole request."""
    begins_within_block: bool = False
    """True if a window can begin in the middle of a block. The window then needs one more block."""
    blocks_of_state: int | None = None
    """Number of blocks of a recurrent state, for a request of any length; None for layers that keep tokens."""
    share: float = 1.0
    """Size of a block of this group, relative to the size of a block of the pool."""

    def blocks(self, request_tokens: int, in_flight_tokens: int) -> int:
        """Return the maximum number of blocks of a request with this number of tokens."""
        if self.blocks_of_state is not None:
            return self.blocks_of_state
        tokens = request_tokens
        if self.window_tokens is not None:
            tokens = min(self.window_tokens + in_flight_tokens, request_tokens)
        return -(-tokens // self.block_tokens) + self.begins_within_block


@dataclass(frozen=True, kw_only=True)
class CachePool:
    """Blocks of one size, from which all groups take. A group can take smaller blocks: shares of one block."""

    block_bytes: float
    """Bytes of one block on one accelerator."""
    groups: tuple[CacheGroup, ...]
    in_flight_tokens: int = 0
    """Number of tokens that the engine schedules before it frees the blocks that a sliding window no longer covers."""

    @property
    def is_empty(self) -> bool:
        """True if no layer has a cache."""
        return not self.groups

    @property
    def is_plain(self) -> bool:
        """True if every layer keeps every token."""
        return len(self.groups) == 1 and self.groups[0].window_tokens is None and not self.groups[0].blocks_of_state

    def request_bytes(self, request_tokens: int) -> float:
        """Return the maximum memory of a request with this number of tokens, bytes."""
        return self.block_bytes * self._blocks(request_tokens)

    def requests(self, cache_bytes: float, request_tokens: int) -> float:
        """Return how many concurrent requests of `request_tokens` tokens fit in a cache of `cache_bytes` bytes."""
        if self.is_empty:
            return math.inf
        blocks = max(0, int(cache_bytes / self.block_bytes))
        return blocks / max(1e-9, self._blocks(request_tokens))

    def _blocks(self, request_tokens: int) -> float:
        return sum(group.share * group.blocks(request_tokens, self.in_flight_tokens) for group in self.groups)

    def whole_tokens(self, cache_bytes: float) -> int:
        """Return how many tokens fit in a cache of this size if every group keeps every token."""
        if self.is_empty:
            return 0
        blocks = max(0, int(cache_bytes / self.block_bytes))
        return blocks // len(self.groups) * min(group.block_tokens for group in self.groups)

    def longest_request(self, cache_bytes: float, bound: int) -> int:
        """Return the longest request that fits in a cache of this size, up to `bound` tokens."""
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
    """Return a pool in which all groups have the same number of layers; the last group of each kind is padded to it.

    Args:
        page_bytes: bytes of a block of one layer.
        layers: each kind of group, with the number of its layers.
        in_flight_tokens: tokens that the engine schedules before it frees the blocks that a sliding window no longer
            covers.

    """
    fewest, most = min(count for _, count in layers), max(count for _, count in layers)
    size = most if most < 1.5 * fewest else fewest
    groups = tuple(group for group, count in layers for _ in range(-(-count // size)))
    return CachePool(block_bytes=page_bytes * size, groups=groups, in_flight_tokens=in_flight_tokens)
