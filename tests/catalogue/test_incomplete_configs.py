"""Configurations that leave fields out, or whose numbers cannot be those of a model."""

from __future__ import annotations

import time
from typing import Any

import pytest

from replicas.catalogue import data
from replicas.catalogue.fields import Fields
from replicas.catalogue.reading import read_config

CONFIGS: dict[str, dict[str, Any]] = {
    name: entry["config"] for name, entry in data.load("models")["architectures"].items()
}

# google/gemma-3-*-it as published: the library left out what is its default.
GEMMA3_TOWER = {
    "hidden_size": 1152,
    "image_size": 896,
    "intermediate_size": 4304,
    "model_type": "siglip_vision_model",
    "num_attention_heads": 16,
    "num_hidden_layers": 27,
    "patch_size": 14,
    "vision_use_head": False,
}
GEMMA3_TEXTS: dict[str, dict[str, Any]] = {
    "4b": {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34},
    "12b": {
        "hidden_size": 3840,
        "intermediate_size": 15360,
        "num_hidden_layers": 48,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
    },
    "27b": {
        "hidden_size": 5376,
        "intermediate_size": 21504,
        "num_hidden_layers": 62,
        "head_dim": 128,
        "num_attention_heads": 32,
        "num_key_value_heads": 16,
        "query_pre_attn_scalar": 168,
    },
}
GEMMA3_COUNTS = {"4b": 4_300_079_472, "12b": 12_187_325_040, "27b": 27_432_406_640}
"""`safetensors.total` of the three repositories on the Hub."""


def gemma3(size: str) -> dict[str, Any]:
    text = {"model_type": "gemma3_text", "sliding_window": 1024, **GEMMA3_TEXTS[size]}
    return {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "model_type": "gemma3",
        "text_config": text,
        "vision_config": GEMMA3_TOWER,
        "mm_tokens_per_image": 256,
    }


@pytest.mark.parametrize("size", GEMMA3_COUNTS)
def test_a_nested_configuration_has_the_defaults_of_the_library(size: str) -> None:
    read = read_config(gemma3(size))
    assert read.parameters == GEMMA3_COUNTS[size]
    assert read.context_tokens == 131_072


SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "intermediate_size": 160,
    "vocab_size": 1000,
    "num_key_value_heads": 4,
    "head_dim": 16,
}


@pytest.mark.parametrize(
    ("family", "field", "parameters"),
    [
        # Parameters of the library's own classes, built on the meta device (transformers 5.12.1).
        ("gemma2", "head_dim", 1_760_832),
        ("gemma2", "num_key_value_heads", 286_272),
        ("gemma3_text", "head_dim", 1_762_880),
        ("ernie4_5", "head_dim", 973_888),
        ("seed_oss", "head_dim", 1_046_080),
    ],
)
def test_a_missing_field_has_the_default_of_the_library(family: str, field: str, parameters: int) -> None:
    config = {name: value for name, value in {**SMALL, "model_type": family}.items() if name != field}
    assert read_config(config).parameters == parameters


@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
def test_a_file_without_a_field_that_every_file_states_is_incomplete(field: str) -> None:
    config = {name: value for name, value in CONFIGS["gemma-2-2b"].items() if name != field}
    with pytest.raises(ValueError, match=f"lacks the field '{field}'"):
        read_config(config)


def test_a_context_that_the_file_leaves_out_is_that_of_the_library() -> None:
    """`Qwen2Config().max_position_embeddings` is 32768: vLLM refuses a longer request than that."""
    config = {name: value for name, value in CONFIGS["qwen2.5-7b"].items() if name != "max_position_embeddings"}
    assert read_config(config).context_tokens == 32_768


def test_olmo_3_without_layer_types_has_full_attention_in_every_fourth_layer() -> None:
    """As `Olmo3Config` fills the field (transformers 5.12.1)."""
    read = read_config({**SMALL, "model_type": "olmo3", "head_dim": None, "sliding_window": 128})
    assert {cache.kind: count for cache, count in read.caches} == {"window": 3, "full": 1}


def test_a_default_counts_only_for_a_missing_field() -> None:
    assert Fields({"model_type": "gemma2", "head_dim": None}).get("head_dim") is None
    assert Fields({"model_type": "gemma2"}).get("head_dim") == 256
    assert Fields({"model_type": "llama"}).get("head_dim") is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("num_hidden_layers", 10**7, "num_hidden_layers is larger than 1,000, the largest accepted value: '10000000'"),
        ("num_hidden_layers", 10**400, "num_hidden_layers is larger than 1,000"),
        ("hidden_size", 2**70, "hidden_size is larger than 1,000,000,000"),
        ("vocab_size", -1, "vocab_size is not a positive integer"),
        ("num_key_value_heads", 5, "5 KV heads do not divide 32 attention heads"),
        ("num_key_value_heads", 64, "64 KV heads do not divide 32 attention heads"),
    ],
)
def test_a_number_that_no_model_has_is_refused_at_once(field: str, value: int, reason: str) -> None:
    before = time.perf_counter()
    with pytest.raises(ValueError, match=reason):
        read_config({**CONFIGS["llama-3.1-8b"], field: value})
    assert time.perf_counter() - before < 1


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        ("deepseek-v3", "num_nextn_predict_layers", "64"),
        ("deepseek-v3", "n_shared_experts", -1),
        ("deepseek-v3", "first_k_dense_replace", [3]),
        ("bge-m3", "pad_token_id", "1"),
    ],
)
def test_a_number_that_may_be_0_is_neither_negative_nor_a_text(model: str, field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{field} is neither 0 nor a positive integer"):
        read_config({**CONFIGS[model], field: value})


def test_a_prediction_layer_needs_a_layer_with_full_attention() -> None:
    config = CONFIGS["qwen3.5-27b"]
    text = {**config["text_config"], "full_attention_interval": 1000, "layer_types": None}
    with pytest.raises(ValueError, match="mtp_num_hidden_layers=1, but no layer has full attention"):
        read_config({**config, "text_config": text})
