"""Models of 2025 and 2026 in the table: their parameters against the Hub's count of the safetensors.

The counts are those of the Hub's API as public repositories record them (2026-09): `safetensors.total` of each model.
Layers that predict several tokens are stored and counted there; engines leave them out.
"""

from __future__ import annotations

import pytest

from replicas.catalogue.models import find_model

COUNTS = {
    "Qwen/Qwen3-VL-2B-Instruct": 2127532032,
    "Qwen/Qwen3-VL-4B-Instruct": 4437815808,
    "Qwen/Qwen3-VL-8B-Instruct": 8767123696,
    "Qwen/Qwen3-VL-32B-Instruct": 33357390064,
    "Qwen/Qwen3-VL-30B-A3B-Instruct": 31070754032,
    "Qwen/Qwen3.5-27B": 27781427952,
    "Qwen/Qwen3.6-27B": 27781427952,
    "Qwen/Qwen3.5-35B-A3B": 35951822704,
    "Qwen/Qwen3.6-35B-A3B": 35951822704,
    "unsloth/Llama-4-Scout-17B-16E-Instruct": 108641793536,
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506": 24011361280,
    "openai/gpt-oss-20b": 20914757184,
    "openai/gpt-oss-120b": 116829156672,
}
NEAR = {
    # Layers of full attention share keys and values in the files, not in the engine (`attention_k_eq_v`).
    "google/gemma-4-26B-A4B-it": 25805936206,
    "google/gemma-4-31B-it": 31273088876,
}
V3_TYPES = {"BF16": 3918786560, "F8_E4M3": 680571043840, "F32": 41555600}
"""Elements of deepseek-ai/DeepSeek-V3 by type; the F32 ones are the scales of blocks."""


@pytest.mark.parametrize("name", COUNTS)
def test_the_parameters_are_those_that_the_hub_counts(name: str) -> None:
    architecture = find_model(name).architecture
    assert architecture.parameters + architecture.prediction_parameters == COUNTS[name]


@pytest.mark.parametrize("name", NEAR)
def test_what_an_engine_repeats_is_less_than_half_a_hundredth(name: str) -> None:
    assert find_model(name).architecture.parameters == pytest.approx(NEAR[name], rel=0.005)


@pytest.mark.parametrize("name", ["deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-V3.1", "deepseek-ai/DeepSeek-R1"])
def test_deepseek_v3_with_the_embeddings_and_head_that_its_last_layer_repeats(name: str) -> None:
    model = find_model(name)
    shape = model.architecture
    repeated = 2 * shape.vocab_size * shape.hidden_size
    counted = V3_TYPES["BF16"] + V3_TYPES["F8_E4M3"]
    assert shape.parameters + shape.prediction_parameters + repeated == pytest.approx(counted, rel=1e-6)
    assert model.quantization is not None
    assert model.quantization.block == (128, 128)


@pytest.mark.parametrize("name", ["deepseek-ai/DeepSeek-V3.2", "meta-llama/Llama-4-Scout-17B-16E-Instruct"])
def test_a_model_knows_whether_it_is_gated_and_chats(name: str) -> None:
    model = find_model(name)
    assert (model.gated, model.chat) == (name.startswith("meta-llama"), True)
    assert not model.warnings
