"""Bytes of an element of the KV cache: what a variable, a checkpoint and an engine's version make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replicas.catalogue.checkpoint import CacheRequest
from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import Model, find_model
from replicas.engines import MemorySettings, find_engine

FP8_CHECKPOINT = replace(find_model("meta-llama/Llama-3.1-8B"), cache_request=CacheRequest("modelopt", "fp8"))
H100, A100 = "ml.p5.48xlarge", "ml.p4d.24xlarge"


def _element_bytes(engine: str, model: Model, instance: str = H100, **settings: float) -> float:
    return find_engine(engine).cache_element_bytes(model, find_instance(instance), MemorySettings(**settings))


@pytest.mark.parametrize(
    ("engine", "method", "expected"),
    [
        # vLLM: vllm/utils/torch_utils.py of 0.13.0 and 0.15.1; Attention.__init__ of 0.15.1 and 0.32.0.
        ("vllm-0.13.0", "modelopt", 2),
        ("vllm-0.15.0", "modelopt", 1),
        ("vllm-0.30.0", "modelopt", 1),
        ("vllm-0.13.0", "compressed-tensors", 2),
        ("vllm-0.30.0", "compressed-tensors", 1),
        # sglang 0.5.8, ModelRunner.configure_kv_cache_dtype: modelopt's configurations alone have the attribute.
        ("sglang-0.5.8", "modelopt", 1),
        ("sglang-0.5.8", "compressed-tensors", 2),
        ("tgi-3.3.7", "modelopt", 2),
        ("vllm-0.30.0", None, 2),
    ],
)
def test_a_version_follows_the_checkpoint(engine: str, method: str | None, expected: float) -> None:
    assert (
        _element_bytes(engine, replace(FP8_CHECKPOINT, cache_request=CacheRequest(method, "fp8") if method else None))
        == expected
    )


@pytest.mark.parametrize(("method", "expected"), [("modelopt", 1), ("compressed-tensors", 2)])
def test_latent_attention_does_not_read_the_scheme_of_compressed_tensors(method: str, expected: float) -> None:
    """vLLM 0.15.1 to 0.32.0: `Attention.__init__` reads `kv_cache_scheme`, `MLAAttention.__init__` does not."""
    deepseek = replace(find_model("deepseek-ai/DeepSeek-V3.1"), cache_request=CacheRequest(method, "fp8"))
    assert _element_bytes("vllm-0.30.0", deepseek) == expected


def test_a_card_without_fp8_arithmetic_counts_as_not_following() -> None:
    assert _element_bytes("vllm-0.30.0", FP8_CHECKPOINT, A100) == 2


def test_a_variable_comes_before_the_checkpoint() -> None:
    assert _element_bytes("vllm-0.30.0", FP8_CHECKPOINT, cache_bytes=2) == 2
    assert _element_bytes("vllm-0.30.0", find_model("meta-llama/Llama-3.1-8B"), cache_bytes=1) == 1


def test_without_a_word_of_either_the_cache_has_the_type_of_the_activations() -> None:
    assert _element_bytes("vllm-0.30.0", find_model("meta-llama/Llama-3.1-8B"), weight_bytes=4) == 4


def test_latent_vectors_of_sparse_attention_keep_scales_and_a_wider_part_in_fp8() -> None:
    """DeepSeek-V3.2: 656 bytes a token and layer (vLLM, `fp8_ds_mla`), and an index of 132, in 61 layers."""
    shape = find_model("deepseek-ai/DeepSeek-V3.2").architecture
    assert shape.kv_bytes_per_token(1, 1) == 61 * (656 + 132)
    assert shape.kv_bytes_per_token(1, 2) == 61 * (1152 + 132)


def test_latent_vectors_without_an_index_take_one_byte_an_element_in_fp8() -> None:
    shape = find_model("deepseek-ai/DeepSeek-V3.1").architecture
    assert shape.kv_bytes_per_token(1, 1) == 61 * 576


NVFP4_CHECKPOINT = replace(FP8_CHECKPOINT, cache_request=CacheRequest("modelopt", "nvfp4"))
B200 = "ml.p6-b200.48xlarge"


@pytest.mark.parametrize(
    ("engine", "instance", "expected"),
    [
        # head_size // 2 + head_size // 16 bytes (`nvfp4_kv_cache_full_dim` in vllm/utils/torch_utils.py, 0.30.0)
        ("vllm-0.30.0", B200, 0.5625),
        # An unknown request falls back to `auto` (0.15.1).
        ("vllm-0.15.0", B200, 2),
        ("sglang-0.5.8", B200, 2),
    ],
)
def test_an_nvfp4_cache_has_four_bits_and_a_scale(engine: str, instance: str, expected: float) -> None:
    assert _element_bytes(engine, NVFP4_CHECKPOINT, instance) == expected


def _problems(model: Model, instance: str, cache_bytes: float | None = None) -> list[str]:
    engine = find_engine("vllm-0.30.0")
    return engine.type_problems(model, None, MemorySettings(cache_bytes=cache_bytes), find_instance(instance))


def test_an_nvfp4_cache_is_refused_where_no_kernel_reads_it() -> None:
    """`FlashInferBackend.supports_kv_cache_dtype` of vLLM 0.30.0: compute capability 10 alone."""
    (problem,) = _problems(NVFP4_CHECKPOINT, H100)
    assert problem == (
        "meta-llama/Llama-3.1-8B requests a KV cache in NVFP4, and vllm-0.30.0 does not start: no kernel reads it on "
        "the H100 of ml.p5.48xlarge: set SM_VLLM_KV_CACHE_DTYPE=bfloat16"
    )
    assert _problems(NVFP4_CHECKPOINT, B200) == []
    assert _problems(NVFP4_CHECKPOINT, H100, cache_bytes=2) == []


def test_an_nvfp4_cache_of_latent_attention_is_refused_everywhere() -> None:
    """No backend of vllm/v1/attention/backends/mla has `nvfp4` among its supported_kv_cache_dtypes (0.30.0)."""
    deepseek = replace(find_model("deepseek-ai/DeepSeek-V3.1"), cache_request=CacheRequest("modelopt", "nvfp4"))
    (problem,) = _problems(deepseek, B200)
    assert "no kernel of latent attention reads it" in problem
