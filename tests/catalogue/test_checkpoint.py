"""Where a checkpoint's quantization is written, and what its files leave in doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas.catalogue import data
from replicas.catalogue.checkpoint import CacheRequest, cache_request, contradiction, read_quantization
from replicas.catalogue.models import model_from_config, read_model
from replicas.catalogue.quantization import METHODS
from replicas.units import GIB
from scripts.oracle import configs

QWEN3_MOE: dict[str, Any] = data.load("models")["architectures"]["qwen3-30b-a3b"]["config"]
LLAMA_70B: dict[str, Any] = data.load("models")["architectures"]["llama-3.1-70b"]["config"]

# nvidia/Qwen3-235B-A22B-NVFP4 and nvidia/Llama-3.1-70B-Instruct-FP8, as modelopt wrote them.
NVFP4 = {
    "producer": {"name": "modelopt", "version": "0.33.0"},
    "quantization": {
        "quant_algo": "NVFP4",
        "kv_cache_quant_algo": "FP8",
        "group_size": 16,
        "exclude_modules": ["model.layers.0.mlp.gate", "model.layers.1.mlp.gate", "lm_head"],
    },
}
FP8 = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}}


@pytest.mark.parametrize(
    ("config", "beside"),
    [("config.json", "hf_quant_config.json"), ("Qwen3_config.json", "Qwen3_hf_quant_config.json")],
)
def test_the_file_of_modelopt_beside_the_config_is_read(tmp_path: Path, config: str, beside: str) -> None:
    (tmp_path / config).write_text(json.dumps(QWEN3_MOE))
    assert read_model(tmp_path / config, "mine").quantization is None
    (tmp_path / beside).write_text(json.dumps(NVFP4))
    read = read_model(tmp_path / config, "mine").quantization
    assert read is not None
    assert (read.method, read.bits, read.group_size, read.scale_bits) == ("nvfp4", 4, 16, 8)
    assert read.bytes_per_parameter == 0.5625


def test_what_the_config_says_comes_before_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**QWEN3_MOE, "quantization_config": {"quant_method": "fp8"}}))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(NVFP4))
    read = read_model(tmp_path, "mine").quantization
    assert read is not None
    assert read.method == "fp8"


def test_modelopt_s_fp8_of_llama_70b_takes_about_half_of_16_bit() -> None:
    """nvidia/Llama-3.1-70B-Instruct-FP8: 72.7 GB of safetensors, as the FP8 checkpoints of the same shape."""
    model = model_from_config(LLAMA_70B, "mine", "test", FP8)
    assert model.weights_bytes / 1e9 == pytest.approx(72.67, rel=0.005)


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "it contains a list instead of a JSON object"),
        ('{"quantization": {"quant_algo": "MIXED_PRECISION"}}', "MIXED_PRECISION lacks quantized_layers"),
        ('{"quantization": {"quant_algo": "INT8_SQ"}}', "quant_algo 'INT8_SQ' cannot be sized"),
        ('{"quantization": {"quant_algo": "NVFP4", "group_size": 32}}', "group_size=32"),
    ],
)
def test_a_file_of_modelopt_that_cannot_be_sized_says_why(tmp_path: Path, beside: str, reason: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN3_MOE))
    (tmp_path / "hf_quant_config.json").write_text(beside)
    with pytest.raises(ValueError, match=reason):
        read_model(tmp_path, "mine")


@pytest.mark.parametrize(
    "config",
    [
        {"text_config": {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}},
        {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
        {"compression_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
    ],
)
def test_a_quantization_is_read_wherever_it_is_written(config: dict[str, Any]) -> None:
    read = read_quantization(config)
    assert read is not None
    assert (read.method, read.block) == ("fp8", (128, 128))


@pytest.mark.parametrize("method", ["quark", "aqlm", "hqq", "torchao", "auto-round", ""])
def test_an_unknown_quantization_is_refused_by_its_name(method: str) -> None:
    with pytest.raises(ValueError, match=f"quant_method '{method}' cannot be sized"):
        read_quantization({"quantization_config": {"quant_method": method, "bits": 4}})


def _compressed(**changes: Any) -> dict[str, Any]:
    weights = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, **changes.pop("weights", {})}
    group = {"targets": ["Linear"], "weights": weights, **changes.pop("group", {})}
    declared = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
    return {"quantization_config": {**declared, **changes}}


def test_a_float_of_four_bits_in_compressed_tensors_is_nvfp4() -> None:
    config = _compressed(format="nvfp4-pack-quantized", weights={"type": "float", "group_size": 16})
    assert read_quantization(config) == METHODS["nvfp4"]


@pytest.mark.parametrize(
    ("config", "packed", "bits"),
    [
        (_compressed(), True, 4),
        (_compressed(weights={"num_bits": 8, "group_size": None}), True, 8),
        (_compressed(weights={"num_bits": 8, "type": "float", "group_size": None}), False, 8),
        (_compressed(weights={"num_bits": 8}, group={"input_activations": {"num_bits": 8}}), False, 8),
    ],
)
def test_integers_without_quantized_activations_are_packed(config: dict[str, Any], packed: bool, bits: int) -> None:
    read = read_quantization(config)
    assert read is not None
    assert (read.packed, read.bits) == (packed, bits)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (_compressed(format="naive-quantized", weights={"type": "float"}), "format 'naive-quantized'"),
        (_compressed(sparsity_config={"format": "sparse-24-bitmask"}), "sparsity_config declares sparse weights"),
        ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128]}}, "rows and columns"),
    ],
)
def test_a_quantization_whose_memory_is_not_known_is_refused(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_quantization(config)


FP8_PARTS = {"quant_method": "fp8"}


@pytest.mark.parametrize(
    ("declared", "module", "layer", "method", "bits"),
    [
        # A name, a name with wildcards, an expression: what lies within it stays at two bytes.
        ({**FP8_PARTS, "ignored_layers": ["model.layers.0.mlp.gate_proj"]}, "mlp.gate_proj", 0, None, None),
        ({**FP8_PARTS, "ignored_layers": ["model.layers.0.mlp.gate_proj"]}, "mlp.gate_proj", 1, "fp8", 8),
        ({**FP8_PARTS, "modules_to_not_convert": ["gate"]}, "mlp.gate_proj", 0, "fp8", 8),
        ({"quant_algo": "NVFP4", "exclude_modules": ["model.layers.3.self_attn*"]}, "self_attn.q_proj", 3, None, None),
        ({"quant_algo": "NVFP4", "exclude_modules": ["model.layers.3.self_attn*"]}, "self_attn.q_proj", 30, "nvfp4", 4),
        ({"quant_algo": "NVFP4", "ignore": ["*.mlp.shared_expert.*"]}, "mlp.shared_expert.up_proj", 7, None, None),
        ({"quant_algo": "NVFP4", "ignore": ["*.mlp.shared_expert.*"]}, "mlp.experts.0.up_proj", 7, "nvfp4", 4),
        (
            _compressed(ignore=["re:.*mlp\\.(gate|up|down)_proj.*"])["quantization_config"],
            *("mlp.up_proj", 0, None, None),
        ),
        (
            _compressed(ignore=["re:.*mlp\\.(gate|up|down)_proj.*"])["quantization_config"],
            *("mlp.experts.0.up_proj", 0, "compressed-tensors", 4),
        ),
        # Phi 3 stores queries, keys and values as one matrix.
        ({**FP8_PARTS, "ignored_layers": ["model.layers.0.self_attn.qkv_proj"]}, "self_attn.k_proj", 0, None, None),
        ({**FP8_PARTS, "ignored_layers": ["model.layers.0.mlp.gate_up_proj"]}, "mlp.down_proj", 0, "fp8", 8),
        # GPTQModel's `dynamic`.
        ({"quant_method": "gptq", "dynamic": {"+:.*down.*": {"bits": 8}}}, "mlp.down_proj", 5, "gptq", 8),
        ({"quant_method": "gptq", "dynamic": {"-:.*down.*": {}}}, "mlp.down_proj", 5, None, None),
        # modelopt's mixed precision: what no list names stays at two bytes.
        (
            {
                "quant_algo": "MIXED_PRECISION",
                "quantized_layers": {
                    "model.layers.0.mlp.experts.7.w1": {"quant_algo": "NVFP4", "group_size": 16},
                    "model.layers.0.self_attn.q_proj": {"quant_algo": "MXFP8"},
                },
            },
            *("self_attn.q_proj", 0, "mxfp8", 8),
        ),
        (
            {"quant_algo": "MIXED_PRECISION", "quantized_layers": {"model.layers.0.mlp": {"quant_algo": "FP8"}}},
            *("self_attn.q_proj", 0, None, None),
        ),
    ],
)
def test_the_format_of_a_module_follows_the_names_of_the_configuration(
    declared: dict[str, Any], module: str, layer: int, method: str | None, bits: int | None
) -> None:
    read = read_quantization({"quantization_config": declared})
    assert read is not None
    found = read.of(module, layer)
    assert (found.method, found.bits) == (method, bits) if found else method is None


def test_an_output_head_is_quantized_only_if_it_is_named() -> None:
    layers = {"lm_head": {"quant_algo": "NVFP4"}, "model.layers.0.mlp": {"quant_algo": "FP8"}}
    mixed = read_quantization({"quantization_config": {"quant_algo": "MIXED_PRECISION", "quantized_layers": layers}})
    plain = read_quantization({"quantization_config": FP8_PARTS})
    assert mixed is not None
    assert plain is not None
    assert mixed.named("lm_head") == METHODS["nvfp4"]
    assert plain.named("lm_head") is None


def test_routers_norms_and_the_head_are_never_quantized() -> None:
    ignored = ["lm_head", "model.layers.0.mlp.gate", "model.norm", "model.layers.3.post_attention_layernorm"]
    assert read_quantization({"quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ignored}})


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("nvidia/Qwen3-235B-A22B-NVFP4", None),
        ("nvidia/Qwen3-235B-A22B-NVFP4", "fp8"),
        ("Qwen/Qwen3-8B-FP8", None),
        ("TheBloke/Llama-2-7B-Chat-AWQ", "gptq"),
        ("someone/model-gptq-int4", None),
        ("RedHatAI/Qwen2-72B-Instruct-quantized.w8a16", None),
    ],
)
def test_a_name_that_says_another_quantization_than_the_files_is_a_doubt(name: str, method: str | None) -> None:
    said = contradiction(name, METHODS[method] if method else None)
    assert said is not None
    assert name in said
    assert "hf_quant_config.json" in said


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("nvidia/Qwen3-235B-A22B-NVFP4", "nvfp4"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "compressed-tensors"),
        ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "awq"),
        ("meta-llama/Llama-3.1-8B", None),
        ("openai/gpt-oss-20b", "mxfp4"),
    ],
)
def test_a_name_that_agrees_with_the_files_is_none(name: str, method: str | None) -> None:
    assert contradiction(name, METHODS[method] if method else None) is None


def test_a_checkpoint_named_nvfp4_without_its_declaration_is_sized_and_warned_about() -> None:
    model = model_from_config(QWEN3_MOE, "nvidia/Qwen3-30B-A3B-NVFP4", "test")
    assert model.weights_bytes / GIB == pytest.approx(56.87, rel=0.005)
    assert "says NVFP4" in model.warnings[0]


def test_a_file_of_modelopt_that_is_named_is_read_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN3_MOE))
    (tmp_path / "elsewhere").mkdir()
    named = tmp_path / "elsewhere" / "hf_quant_config.json"
    named.write_text(json.dumps(NVFP4))
    for given in (named, named.parent):
        quantization = read_model(tmp_path, "mine", given).quantization
        assert quantization is not None
        assert quantization.method == "nvfp4"


FP8_SCHEME = {"dynamic": False, "num_bits": 8, "type": "float"}
DYNAMIC_SCHEME = {**FP8_SCHEME, "dynamic": True}


@pytest.mark.parametrize(
    ("config", "method"),
    [
        (NVFP4, "modelopt"),
        # nvidia/GLM-5.1-NVFP4 writes it into config.json.
        ({"quantization_config": {"quant_method": "modelopt", "kv_cache_scheme": FP8_SCHEME}}, "modelopt"),
        # llm-compressor, RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-KV.
        (
            {"quantization_config": {"quant_method": "compressed-tensors", "kv_cache_scheme": FP8_SCHEME}},
            "compressed-tensors",
        ),
        # vLLM 0.32.0, `get_kv_cache_quant_algo_string`: a dynamic scheme and an unknown one fall back to `auto`.
        (
            {"quantization_config": {"quant_method": "modelopt", "kv_cache_scheme": DYNAMIC_SCHEME}},
            None,
        ),
        ({"quantization_config": {"quant_method": "modelopt", "kv_cache_quant_algo": None}}, None),
        ({"quantization_config": {"quant_method": "fp8", "kv_cache_scheme": FP8_SCHEME}}, None),
        # `resolve_kv_cache_dtype_string` reads the outermost quantization_config alone.
        ({"text_config": {"quantization_config": {"quant_method": "modelopt", "kv_cache_quant_algo": "FP8"}}}, None),
        ({}, None),
    ],
)
def test_a_checkpoint_asks_for_an_fp8_cache_by_its_method(config: dict[str, Any], method: str | None) -> None:
    assert cache_request(config) == (CacheRequest(method, "fp8") if method else None)


@pytest.mark.parametrize(
    "declared",
    [
        {"kv_cache_quant_algo": "NVFP4"},
        {"kv_cache_scheme": {"num_bits": 4, "type": "float", "group_size": 16, "dynamic": True}},
    ],
)
def test_a_checkpoint_asks_for_an_nvfp4_cache(declared: dict[str, Any]) -> None:
    """vLLM 0.30.0, `get_kv_cache_quant_algo_string`: of modelopt alone, as a name or a scheme of 4 bits."""
    config = {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4", **declared}}
    assert cache_request(config) == CacheRequest("modelopt", "nvfp4")
    other = {"quantization_config": {"quant_method": "fp8", **declared}}
    assert cache_request(other) is None


def test_a_named_file_comes_before_the_one_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN3_MOE))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(NVFP4))
    (tmp_path / "other.json").write_text(json.dumps(FP8))
    quantization = read_model(tmp_path, "mine", tmp_path / "other.json").quantization
    assert quantization is not None
    assert quantization.method == "fp8"


def test_a_named_file_that_contradicts_the_config_is_a_warning_and_the_config_decides(
    tmp_path: Path,
) -> None:
    """nvidia/DeepSeek-V4-Flash-NVFP4 has both files, and they differ."""
    (tmp_path / "config.json").write_text(json.dumps({**QWEN3_MOE, "quantization_config": {"quant_method": "fp8"}}))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(NVFP4))
    model = read_model(tmp_path, "mine", tmp_path / "hf_quant_config.json")
    assert model.quantization is not None
    assert model.quantization.method == "fp8"
    (doubt,) = model.warnings
    assert doubt.startswith("mine: its config.json declares fp8, 8 bit and ")
    assert "declares nvfp4, 4 bit, groups of 16: the size follows config.json" in doubt
    (tmp_path / "same.json").write_text(json.dumps(FP8))
    assert read_model(tmp_path, "mine", tmp_path / "same.json").warnings == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "cut off"),
        ("[]", "not the hf_quant_config.json of a model: it contains a list"),
        ("{}", "no quantization"),
    ],
)
def test_a_named_file_that_declares_no_quantization_says_so(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN3_MOE))
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(ValueError, match=reason):
        read_model(tmp_path, "mine", tmp_path / "q.json")


# ---- integers of GPTQ, AWQ and compressed-tensors


def test_awq_is_read_by_the_names_that_engines_read_first() -> None:
    """`AutoAWQConfig.from_config` (vLLM 0.30.0): w_bit before bits, q_group_size before group_size."""
    read = read_quantization({"quantization_config": {"quant_method": "awq", "w_bit": 4, "q_group_size": 64}})
    assert read is not None
    assert (read.bits, read.group_size) == (4, 64)


def test_a_channel_of_gptq_has_no_order_of_activations() -> None:
    """vLLM 0.30.0, `normalize_and_validate_gptq_desc_act`: without groups the order has no effect."""
    gptq = {"quant_method": "gptq", "bits": 4, "desc_act": True}
    whole = read_quantization({"quantization_config": {**gptq, "group_size": -1}})
    grouped = read_quantization({"quantization_config": {**gptq, "group_size": 128}})
    assert whole is not None
    assert grouped is not None
    assert (whole.ordered, grouped.ordered) == (False, True)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"quant_method": "gptq", "bits": 5}, "weights of 5 bits cannot be sized; known: 2, 3, 4, 8"),
        ({"quant_method": "compressed-tensors"}, "config_groups is missing or empty"),
        ({"quant_method": "compressed-tensors", "config_groups": {}}, "config_groups is missing or empty"),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"g": {"targets": ["Linear"]}}},
            "a group without weights.num_bits",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "int-quantized",
                "config_groups": {"g": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int"}}},
            },
            "format 'int-quantized' of 4 bits cannot be sized",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "marlin-24",
                "config_groups": {"g": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int"}}},
            },
            "format 'marlin-24' declares sparse weights",
        ),
        ({"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"}, "quant_algo 'W4A16_AWQ' cannot be sized"),
    ],
)
def test_a_size_that_the_files_do_not_state_is_not_assumed(declared: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_quantization({"quantization_config": declared})


@pytest.mark.parametrize(
    ("family", "kept", "layers"),
    [
        # Names of modules in the checkpoints of these families.
        ("granite-4.0-h-micro", "model.layers.{}.shared_mlp.input_linear", 40),
        ("granite-4.0-h-micro", "model.layers.{}.mamba.in_proj", 36),
        ("lfm2-1.2b", "model.layers.{}.self_attn.out_proj", 6),
        ("qwen3-omni-30b", "thinker.model.layers.{}.self_attn.o_proj", 48),
        ("idefics3-8b", "model.text_model.layers.{}.mlp.down_proj", 32),
    ],
)
def test_modules_that_a_checkpoint_keeps_are_found_by_their_names(family: str, kept: str, layers: int) -> None:
    config = configs.families()[family]
    declared = {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": FP8_GROUPS}
    ignored = [kept.format(number) for number in range(48)]
    whole = model_from_config({**config, "quantization_config": declared}, "m", "config.json")
    part = model_from_config({**config, "quantization_config": {**declared, "ignore": ignored}}, "m", "config.json")
    name = kept.rpartition("{}.")[2]
    named = [
        (matrix.parameters, alike.count)
        for alike in whole.architecture.stack
        for matrix in alike.layer.every_matrix()
        if matrix.name == name
    ]
    assert sum(count for _, count in named) == layers * (2 if name.endswith("input_linear") else 1)
    kept_parameters = sum(parameters * count for parameters, count in named)
    assert part.weights_bytes - whole.weights_bytes == pytest.approx(kept_parameters, rel=0.001)


FP8_GROUPS = {
    "group_0": {
        "targets": ["Linear"],
        "weights": {"num_bits": 8, "type": "float", "strategy": "channel"},
        "input_activations": {"num_bits": 8, "type": "float", "dynamic": True},
    }
}
