"""The KV cache of vLLM for models with different kinds of layers.

vLLM's hybrid manager splits the layers into groups of one kind and equal size. Each group takes its own blocks from one
pool. A group with windows stores the window and the tokens that are being prefilled, a recurrent group stores its
state, and other groups store the whole request. All blocks have the size of the largest page: other pages contain more
tokens or are padded, and a page of attention is at least as large as a state. Sources, vLLM 0.12.0 to 0.32.0:
`get_max_concurrency_for_kv_cache_config`, `unify_kv_cache_spec_page_size` and `_get_kv_cache_groups_uniform_page_size`
in vllm/v1/core/kv_cache_utils.py, `SlidingWindowSpec`, `ChunkedLocalAttentionSpec` and `MambaSpec` in
vllm/v1/kv_cache_interface.py, `_align_hybrid_block_size` in vllm/platforms/interface.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.parts import Cache
from replicas.engines.cache import CacheGroup, CachePool, grouped_pool, plain_pool

_LATENT_ALIGNMENT = 128
"""Block sizes are multiples of this number for models with a recurrent state and latent attention."""


@dataclass(frozen=True)
class _Kind:
    """Layers that keep the same tokens, with the bytes of one token (for a state: of one sequence) on one
    accelerator.
    """

    cache: Cache
    layers: int
    size: float


def pool(
    shape: Architecture,
    degree: int,
    element_bytes: float,
    *,
    block_tokens: int,
    in_flight_tokens: int | None,
    blocks_of_state: int,
) -> CachePool:
    """Return the pool of a model.

    Args:
        shape: the model.
        degree: accelerators of a copy.
        element_bytes: bytes of an element of the cache.
        block_tokens: tokens of a block.
        in_flight_tokens: tokens that are scheduled before the blocks that a window no longer covers are freed; None for
            versions in which every layer keeps every token.
        blocks_of_state: number of blocks that a sequence takes for the state of a recurrent layer.

    """
    kinds = [_Kind(cache, count, cache.bytes_per_token(degree, element_bytes)) for cache, count in shape.caches]
    growing = [kind for kind in kinds if kind.cache.grows and kind.cache.kind != "cross"]
    bounded = [kind for kind in kinds if not kind.cache.grows]
    if not bounded or in_flight_tokens is None:
        return plain_pool(shape.cached_bytes_per_token(degree, element_bytes), block_tokens)
    states = [kind for kind in kinds if kind.cache.kind == "state"]
    windows = [kind for kind in bounded if kind.cache.kind != "state"]
    block = block_tokens
    if states and growing:
        largest, smallest = max(kind.size for kind in states), max(kind.size for kind in growing)
        aligned = _LATENT_ALIGNMENT if any(kind.cache.kind == "latent" for kind in growing) else block_tokens
        block = aligned * -(-int(largest) // int(aligned * smallest))
    if any(kind.cache.tokens_per_entry > 1 for kind in kinds):
        return _packed(kinds, block, in_flight_tokens)
    pages = [kind.size * block for kind in (*growing, *windows)] + [kind.size for kind in states]
    page = max(pages)
    groups = [(_tokens_group(kind, page, block), kind.layers) for kind in (*growing, *windows)]
    groups += [(CacheGroup(block_tokens=block, blocks_of_state=blocks_of_state), kind.layers) for kind in states]
    return grouped_pool(page, _merged(groups), in_flight_tokens=in_flight_tokens)


def _packed(kinds: list[_Kind], block: int, in_flight_tokens: int) -> CachePool:
    """Return a pool of blocks of different sizes. The pool is computed as if the blocks were packed without gaps."""
    sizes = [kind.layers * kind.size * block for kind in kinds]
    largest = max(sizes)
    groups = tuple(
        replace(_tokens_group(kind, kind.size * block, block), share=size / largest)
        for kind, size in zip(kinds, sizes, strict=True)
    )
    return CachePool(block_bytes=largest, groups=groups, in_flight_tokens=in_flight_tokens)


def _tokens_group(kind: _Kind, page: float, block: int) -> CacheGroup:
    """Return the group of layers that keep tokens.

    A smaller page contains more tokens if its size divides the size of the largest page.
    """
    own = kind.size * block
    tokens = block * int(page / own) if own and page % own == 0 else block
    if kind.cache.grows:
        return CacheGroup(block_tokens=tokens)
    is_window = kind.cache.kind == "window"
    kept_tokens = (kind.cache.tokens or 0) - is_window
    return CacheGroup(block_tokens=tokens, window_tokens=kept_tokens, begins_within_block=is_window)


def _merged(groups: list[tuple[CacheGroup, int]]) -> list[tuple[CacheGroup, int]]:
    """Merge identical groups and add up their numbers of layers."""
    counts: dict[CacheGroup, int] = {}
    for group, layers in groups:
        counts[group] = counts.get(group, 0) + layers
    return list(counts.items())
