"""How vLLM keeps the KV cache of layers with a window of attention.

Its hybrid manager splits the layers into groups of one kind and of equal size, and gives each group blocks of its own
from one pool: a group with windows holds the window and the tokens that are being prefilled, the others the whole
request. Sources: `_get_kv_cache_groups_uniform_page_size` and `get_max_concurrency_for_kv_cache_config` in
vllm/v1/core/kv_cache_utils.py, `SlidingWindowSpec` in vllm/v1/kv_cache_interface.py (0.10.1 to 0.32.0).
"""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture


def held_tokens(shape: Architecture, request_tokens: int, *, in_flight_tokens: int, block_tokens: int) -> float:
    """Return the tokens over all layers that the blocks of one request hold at most."""
    windowed, whole = shape.windowed_layers, shape.layers - shape.windowed_layers
    if not windowed or not shape.window_tokens:
        return request_tokens
    of_window = _window_blocks(shape.window_tokens, request_tokens, in_flight_tokens, block_tokens)
    if not whole:
        return of_window * block_tokens
    of_request = _up(request_tokens, block_tokens)
    smaller, larger = sorted((windowed, whole))
    size = larger if larger < 1.5 * smaller else smaller  # layers of a group; the last one is filled up
    blocks = _up(whole, size) * of_request + _up(windowed, size) * of_window
    return blocks * size * block_tokens / shape.layers


def _window_blocks(window: int, request_tokens: int, in_flight_tokens: int, block_tokens: int) -> int:
    """Return the blocks of a window: it may begin within a block, hence one more."""
    return _up(min(window - 1 + in_flight_tokens, request_tokens), block_tokens) + 1


def _up(value: int, size: int) -> int:
    return -(-value // size)
