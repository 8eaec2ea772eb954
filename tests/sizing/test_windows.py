"""What a request holds in the cache of layers with windows, against vLLM's own arithmetic."""

from __future__ import annotations

import pytest

from replicas.catalogue.models import find_model
from replicas.engines import find_engine

GPT_OSS = find_model("openai/gpt-oss-20b").architecture
MISTRAL = find_model("mistralai/Mistral-7B-Instruct-v0.1").architecture


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
    held = find_engine(engine).held_tokens(GPT_OSS, tokens, prefill)
    assert held == (blocks_of_whole_layers + blocks_of_windows) / 2 * 16


def test_layers_with_windows_alone_are_one_group() -> None:
    assert find_engine("vllm-0.11.0").held_tokens(MISTRAL, 32_768, 2_048) == (384 + 1) * 16


@pytest.mark.parametrize("engine", ["tgi-3.3.7", "vllm-0.6.5"])
def test_engines_that_manage_no_windows_hold_the_whole_request(engine: str) -> None:
    assert find_engine(engine).held_tokens(GPT_OSS, 16_384, 2_048) == 16_384


def test_a_model_without_windows_holds_the_whole_request() -> None:
    llama = find_model("meta-llama/Llama-3.1-8B").architecture
    assert find_engine("vllm-0.29.0").held_tokens(llama, 16_384, 2_048) == 16_384
