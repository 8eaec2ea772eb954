"""Which configurations are sized: those of which every field is understood."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.catalogue import data
from replicas.catalogue.families import FAMILIES
from replicas.catalogue.reading import WITHOUT_STRUCTURE, read_config

CONFIGS: dict[str, dict[str, Any]] = {
    name: entry["config"] for name, entry in data.load("models")["architectures"].items()
}
LLAMA = CONFIGS["llama-3.1-8b"]
QWEN3_MOE = CONFIGS["qwen3-30b-a3b"]

# As the Hub has it (meta-llama/Llama-3.1-8B-Instruct), without the fields of the table.
AROUND_LLAMA = {
    "_name_or_path": "x",
    "architectures": ["LlamaForCausalLM"],
    "attention_dropout": 0.0,
    "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009],
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": {"factor": 8.0, "rope_type": "llama3"},
    "rope_theta": 500000.0,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.42.3",
    "use_cache": True,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "is_encoder_decoder": False,
    "pruned_heads": {},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_of_the_table_is_understood(name: str) -> None:
    assert read_config(CONFIGS[name]).model_type in FAMILIES


def test_fields_that_carry_no_structure_change_nothing() -> None:
    assert read_config({**LLAMA, **AROUND_LLAMA}) == read_config(LLAMA)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_nextn_predict_layers", 1),
        ("qk_layernorm", True),
        ("vision_config", {"hidden_size": 1024}),
        ("audio_config", {}),
        ("kv_lora_rank", 512),
        ("sliding_window", 4096),
        ("num_local_experts", 8),
        ("cross_attention_layers", [3, 8]),
        ("is_causal", False),
        ("rotary_layers", 3),
    ],
)
def test_a_field_that_nothing_understands_refuses_the_model_by_its_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"'llama' cannot be sized: its config.json has {field}\b.*kv_bytes_per_tok"):
        read_config({**LLAMA, field: value})


def test_a_field_without_a_value_is_no_structure() -> None:
    assert read_config({**LLAMA, "vision_config": None, "sliding_window": None}) == read_config(LLAMA)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("LlamaForSequenceClassification", "a classification head"),
        ("LlamaModel", "no language-model head"),
        ("LlavaForConditionalGeneration", "an encoder or a tower"),
        ("MistralForCausalLM", "not LLaMAForCausalLM or LlamaForCausalLM"),
    ],
)
def test_a_class_with_another_head_or_tower_is_another_model(name: str, what: str) -> None:
    with pytest.raises(ValueError, match=rf"architectures names {name}.*{what}"):
        read_config({**LLAMA, "architectures": [name]})


def test_labels_without_a_class_are_those_of_a_classifier() -> None:
    with pytest.raises(ValueError, match="num_labels"):
        read_config({**LLAMA, "num_labels": 3})


@pytest.mark.parametrize(
    ("field", "value"),
    [("qkv_bias", True), ("use_qk_norm", False)],
)
def test_a_value_that_the_formula_does_not_describe_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"its config.json has {field}="):
        read_config({**QWEN3_MOE, field: value})


def test_a_config_without_a_family_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the field 'model_type'"):
        read_config({key: value for key, value in LLAMA.items() if key != "model_type"})


def test_no_field_is_both_read_by_a_formula_and_without_structure() -> None:
    """A formula looks up what it needs; a field of the list that a formula needs would hide its absence."""
    sizes = {"hidden_size", "num_hidden_layers", "vocab_size", "sliding_window", "layer_types", "tie_word_embeddings"}
    assert not sizes & WITHOUT_STRUCTURE


def _windows(config: dict[str, Any]) -> tuple[int, int | None]:
    """Layers with a window, and its tokens."""
    windows = [(count, cache.tokens) for cache, count in read_config(config).caches if cache.kind == "window"]
    return windows[0] if windows else (0, None)


@pytest.mark.parametrize(
    ("name", "windowed", "window"),
    [
        # Published in each repository's config.json and in transformers' modelling files.
        ("gpt-oss-20b", 12, 128),
        ("gpt-oss-120b", 18, 128),
        ("gemma-2-9b", 21, 4096),
        ("mistral-7b-v0.1", 32, 4096),
        ("mistral-7b-v0.3", 0, None),
        ("qwen2.5-7b", 0, None),
        ("llama-3.1-8b", 0, None),
    ],
)
def test_layers_with_a_window_are_counted(name: str, windowed: int, window: int | None) -> None:
    assert _windows(CONFIGS[name]) == (windowed, window)


def test_qwen_has_windows_from_max_window_layers_on_if_they_are_turned_on() -> None:
    qwen = {**CONFIGS["qwen2.5-7b"], "sliding_window": 4096, "max_window_layers": 20, "use_sliding_window": True}
    assert _windows(qwen) == (8, 4096)
    assert _windows({**qwen, "use_sliding_window": False}) == (0, None)


@pytest.mark.parametrize("off", [0, None])
def test_a_window_of_0_is_none(off: int | None) -> None:
    """vLLM's ModelConfig.get_sliding_window reads 0 and null alike."""
    assert _windows({**CONFIGS["mistral-7b-v0.1"], "sliding_window": off}) == (0, None)


@pytest.mark.parametrize("window", [-1, True, 4096.0, [4096]])
def test_a_window_that_is_no_count_is_refused(window: object) -> None:
    with pytest.raises(ValueError, match="sliding_window is not a positive integer"):
        read_config({**CONFIGS["mistral-7b-v0.1"], "sliding_window": window})


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        (["full_attention"] * 3, "has 3 entries, not one for each of 36 layers"),
        (["linear_attention"] * 36, "has linear_attention"),
    ],
)
def test_kinds_of_layers_that_no_formula_sizes_are_refused(kinds: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=f"layer_types {reason}"):
        read_config({**CONFIGS["qwen3-8b"], "layer_types": kinds})


BGE_M3 = {
    "model_type": "xlm-roberta",
    "architectures": ["XLMRobertaModel"],
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "max_position_embeddings": 8194,
    "pad_token_id": 1,
    "type_vocab_size": 1,
    "vocab_size": 250002,
}
RERANKER = {
    **BGE_M3,
    "architectures": ["XLMRobertaForSequenceClassification"],
    "id2label": {"0": "LABEL_0"},
    "label2id": {"LABEL_0": 0},
}
MODERNBERT = {
    "model_type": "modernbert",
    "architectures": ["ModernBertModel"],
    "hidden_size": 768,
    "intermediate_size": 1152,
    "num_hidden_layers": 22,
    "num_attention_heads": 12,
    "max_position_embeddings": 8192,
    "vocab_size": 50368,
}


@pytest.mark.parametrize(
    ("config", "parameters", "context", "head"),
    [
        # The safetensors totals that the repositories state, BAAI/bge-m3 and -reranker-v2-m3 and ModernBERT-base.
        (BGE_M3, 567_754_752, 8192, "pooling"),
        (RERANKER, 567_755_777, 8192, "classification"),
        (MODERNBERT, 149_014_272, 8192, "pooling"),
    ],
)
def test_an_encoder_embeds_or_scores_and_keeps_no_cache(
    config: dict[str, Any], parameters: int, context: int, head: str
) -> None:
    shape = read_config(config)
    assert shape.parameters == parameters
    assert (shape.context_tokens, shape.head, shape.caches) == (context, head, ())


@pytest.mark.parametrize(
    ("class_name", "words"),
    [
        # vllm/model_executor/models/registry.py of 0.8.5 to 0.32.0, EntryClass of sglang 0.5.8 to 0.5.20
        ("MllamaForConditionalGeneration", "is served by vLLM up to 0.10.2 and by SGLang"),
        ("WhisperForConditionalGeneration", "is served by vLLM and by SGLang 0.5.13 and later"),
        ("DebertaV2ForSequenceClassification", "no version of vLLM 0.8.5 to 0.32.0 and SGLang 0.5.8 to 0.5.20 has"),
        ("DeepseekOCRForCausalLM", "is served by vLLM 0.11.1 and later and by SGLang"),
    ],
)
def test_the_refusal_of_an_unknown_family_says_which_engine_serves_it(class_name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_config({"model_type": "unknown", "architectures": [class_name], "hidden_size": 64})
