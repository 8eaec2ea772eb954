"""What a request holds in the cache of layers that are not alike, against vLLM's own arithmetic."""

from __future__ import annotations

import pytest

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.models import find_model
from replicas.catalogue.reading import read_config
from replicas.engines import find_engine
from replicas.engines.cache import CachePool

GPT_OSS = find_model("openai/gpt-oss-20b").architecture
MISTRAL = find_model("mistralai/Mistral-7B-Instruct-v0.1").architecture

PAGE = 16 * 2 * 8 * 64 * 2
"""Bytes of a block of one layer of gpt-oss: 16 tokens, key and value of 8 heads of 64 elements at two bytes."""


def _pool(engine: str, shape: Architecture, prefill: int, degree: int = 1) -> CachePool:
    return find_engine(engine).cache_pool(shape, degree, 2, block_tokens=16, prefill_tokens=prefill)


@pytest.mark.parametrize(
    ("engine", "tokens", "prefill", "blocks_of_whole_layers", "blocks_of_windows"),
    [
        # kv_cache_interface.py: ceil(min(window - 1 + max_num_batched_tokens, max_model_len) / 16) + 1 blocks.
        ("vllm-0.11.0", 16_384, 2_048, 1_024, 137),
        ("vllm-0.11.0", 16_384, 8_192, 1_024, 521),
        ("vllm-0.11.0", 1_024, 8_192, 64, 65),
        # max_in_flight_tokens: two steps under way.
        ("vllm-0.29.0", 131_072, 2_048, 8_192, 265),
    ],
)
def test_a_request_holds_its_window_and_what_is_being_prefilled(
    engine: str, tokens: int, prefill: int, blocks_of_whole_layers: int, blocks_of_windows: int
) -> None:
    held = _pool(engine, GPT_OSS, prefill).request_bytes(tokens)
    assert held == (blocks_of_whole_layers + blocks_of_windows) * 12 * PAGE


def test_layers_with_windows_alone_are_one_group() -> None:
    pool = _pool("vllm-0.11.0", MISTRAL, 2_048)
    assert pool.request_bytes(32_768) == (384 + 1) * 32 * 16 * 2 * 8 * 128 * 2


@pytest.mark.parametrize("engine", ["tgi-3.3.7", "vllm-0.6.5"])
def test_engines_that_manage_no_windows_hold_the_whole_request(engine: str) -> None:
    assert _pool(engine, GPT_OSS, 2_048).request_bytes(16_384) == 16_384 / 16 * 24 * PAGE


def test_a_model_without_windows_holds_the_whole_request() -> None:
    llama = find_model("meta-llama/Llama-3.1-8B").architecture
    assert _pool("vllm-0.29.0", llama, 2_048).request_bytes(16_384) == 16_384 * 131_072


QWEN3_NEXT = {
    "model_type": "qwen3_next",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "vocab_size": 151936,
    "max_position_embeddings": 262144,
    "intermediate_size": 5120,
    "num_experts": 512,
    "num_experts_per_tok": 10,
    "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512,
    "full_attention_interval": 4,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_conv_kernel_dim": 4,
}
"""Qwen3-Next-80B-A3B, fields of its published config.json."""


@pytest.mark.parametrize(("engine", "blocks_of_state"), [("vllm-0.22.0", 1), ("vllm-0.32.0", 2)])
def test_a_page_of_attention_is_as_large_as_a_recurrent_state(engine: str, blocks_of_state: int) -> None:
    """vllm/platforms/interface.py: 16 * ceil(page of the state / (16 * page of a token)) tokens. The state is 3 * 8192
    elements of the convolution and 32 * 128 * 128 of the rule at two bytes: 1,097,728; a token takes 2,048: 544
    tokens. 36 recurrent layers make three groups of 12 beside the 12 layers with attention.
    """
    pool = _pool(engine, read_config(QWEN3_NEXT), 8_192)
    page = 544 * 2_048
    blocks = -(-16_384 // 544) + 3 * blocks_of_state
    assert pool.block_bytes == 12 * page
    assert pool.request_bytes(16_384) == blocks * 12 * page


def test_what_remains_is_counted_in_requests_of_full_length_after_0_20_0() -> None:
    """vllm/v1/core/kv_cache_utils.py, 0.20.2: tokens = int(max_concurrency * max_model_len)."""
    assert find_engine("vllm-0.20.2").counts_cache_in_requests
    assert not find_engine("vllm-0.19.1").counts_cache_in_requests


def test_a_hybrid_model_holds_the_requests_that_the_engine_printed() -> None:
    """vLLM issue 40691: 0.19.0 with Qwen3.5-27B and --max-num-batched-tokens 16384 printed 290,864 tokens and 33.04
    requests of 32,768. A quarter of the blocks, times 784 tokens, is the first: 371.75 blocks for each of 4 groups.
    """
    pool = _pool("vllm-0.19.0", find_model("Qwen/Qwen3.5-27B").architecture, 16_384)
    memory = 1_487 * pool.block_bytes
    assert pool.whole_tokens(memory) == 290_864
    assert pool.requests(memory, 32_768) == pytest.approx(33.04, abs=0.005)


def test_two_versions_print_one_cache_in_two_ways() -> None:
    """vLLM issue 43308: Gemma 4 31B with 50 GB of cache printed 55,000 tokens in 0.20.0 and 525,000 in 0.21.0.
    Its prefill budget is not stated: one of 2,048 and one of 8,192 tokens lie on both sides of the second.
    """
    gemma, cache = find_model("google/gemma-4-31B-it").architecture, 50 * 2**30
    before = find_engine("vllm-0.20.0")
    assert not before.counts_cache_in_requests
    assert _pool("vllm-0.20.0", gemma, 2_048).whole_tokens(cache) == pytest.approx(55_000, rel=0.01)
    small, large = (_pool("vllm-0.21.0", gemma, prefill).requests(cache, 262_144) for prefill in (2_048, 8_192))
    assert find_engine("vllm-0.21.0").counts_cache_in_requests
    assert large * 262_144 < 525_000 < small * 262_144
