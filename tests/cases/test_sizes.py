"""Sizes of published cases: what engines printed or refused, each with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas import Component, Deployment, SizingError, plan
from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import find_model, read_model
from replicas.engines import find_engine
from replicas.planning.plans import ComponentPlan
from replicas.sizing.memory import CopyMemory, copy_memory
from replicas.units import GIB

CONFIGS = Path(__file__).parent / "configs"


def _memory(model: str, engine: str, *, degree: int, prefill: int, sequences: int, share: float) -> CopyMemory:
    """Memory of a copy on the 80 GB H100 of the cases."""
    facts = find_model(model)
    return copy_memory(
        facts,
        facts.quantization,
        find_instance("ml.p5.48xlarge"),
        find_engine(engine),
        tensor_parallel=degree,
        prefill_tokens=prefill,
        sequences=sequences,
        share=share,
    )


def _plan(instance: str, **options: Any) -> ComponentPlan:
    deployment = Deployment(name="case", instance_type=instance, components=[Component(**options)])
    return plan(deployment, to_deploy=False).components[0]


# ---- MXFP4 as loaded


@pytest.mark.parametrize(
    ("model", "engine", "degree", "share", "gib"),
    [
        # vllm-project/vllm issue 23278, vLLM 0.10.1: Marlin.
        ("openai/gpt-oss-120b", "vllm-0.10.1", 1, 0.9, 65.9651),
        # vllm-project/vllm issue 33155, vLLM 0.14.1: Triton on Hopper.
        ("openai/gpt-oss-120b", "vllm-0.14.1", 1, 0.97, 64.38),
        # llm-d-incubation/llm-d-planner, accuracy/accuracy_report.md, vLLM 0.19.0.
        ("openai/gpt-oss-20b", "vllm-0.19.0", 2, 0.9, 7.01),
    ],
)
def test_mxfp4_weights_take_the_gib_that_vllm_printed(
    model: str, engine: str, degree: int, share: float, gib: float
) -> None:
    memory = _memory(model, engine, degree=degree, prefill=8192, sequences=1024, share=share)
    assert memory.weights / GIB == pytest.approx(gib, rel=0.01)


def test_gpt_oss_120b_with_1024_requests_has_the_cache_that_vllm_printed_and_does_not_start() -> None:
    """vllm-project/vllm issue 27508, vLLM 0.11 on one H100 at 0.95: 1.71 GiB, too little for 131,072 tokens."""
    memory = _memory("openai/gpt-oss-120b", "vllm-0.11.0", degree=1, prefill=1024, sequences=1024, share=0.95)
    assert (memory.usable - memory.fixed) / GIB == pytest.approx(1.71, abs=0.1)
    assert not memory.holds(131_072)
    with pytest.raises(SizingError, match="does not fit"):
        _plan(
            "ml.p5.4xlarge",
            model="openai/gpt-oss-120b",
            engine="vllm-0.11.0",
            gpu_memory_share=0.95,
            max_batch_prefill_tokens=1024,
            max_sequences=1024,
            max_total_tokens=131_072,
        )


@pytest.mark.parametrize(
    ("degree", "share", "sequences", "starts"),
    [(1, 0.95, 1024, False), (2, 0.95, 1024, False), (2, 0.9, 1024, True), (1, 0.95, 256, True)],
)
def test_gpt_oss_20b_starts_where_the_card_has_room_beside_the_share(
    degree: int, share: float, sequences: int, starts: bool
) -> None:
    """llm-d-planner, accuracy_report.md, failed runs: vLLM 0.19.0 on H100 80 GB; the last row is arithmetic."""
    options: dict[str, Any] = {
        "model": "openai/gpt-oss-20b",
        "engine": "vllm-0.19.0",
        "gpu_memory_share": share,
        "tensor_parallel": degree,
        "max_sequences": sequences,
    }
    if starts:
        assert _plan("ml.p5.48xlarge", **options).accelerators == degree
        return
    with pytest.raises(SizingError, match=r"leaves no room for the 4\.\d GiB that .* gpu_memory_share=0\.94"):
        _plan("ml.p5.48xlarge", **options)


def test_gpt_oss_120b_by_marlin_at_its_whole_context_does_not_start_on_one_h100() -> None:
    """vllm-project/vllm issue 23278: a cache of -2.14 GiB at the defaults of 0.10.1."""
    with pytest.raises(SizingError, match=r"65.9 of weights"):
        _plan(
            "ml.p5.4xlarge",
            model="openai/gpt-oss-120b",
            engine="vllm-0.10.1",
            gpu_memory_share=0.9,
            max_batch_prefill_tokens=8192,
            max_sequences=1024,
            max_total_tokens=131_072,
        )


def test_gpt_oss_120b_does_not_fit_four_a10g() -> None:
    """17.2 GiB of padded weights a card leave nothing of 20.3 after graphs, buffers, context and activations."""
    with pytest.raises(SizingError, match=r"does not fit[\s\S]*17.2 of weights"):
        _plan("ml.g5.12xlarge", model="openai/gpt-oss-120b")


@pytest.mark.parametrize(
    ("instance", "engine", "kernel"),
    [
        ("ml.p4d.24xlarge", "vllm-0.29.0", "marlin"),
        ("ml.g6e.12xlarge", "vllm-0.29.0", "marlin"),
        ("ml.g7e.2xlarge", "vllm-0.29.0", "marlin"),
        ("ml.p5.48xlarge", "vllm-0.11.0", "marlin"),
        ("ml.p5.48xlarge", "vllm-0.29.0", "triton"),
        ("ml.p6-b200.48xlarge", "vllm-0.29.0", "flashinfer"),
    ],
)
def test_the_kernel_is_decided_by_the_accelerator_and_the_version(instance: str, engine: str, kernel: str) -> None:
    facts = find_model("openai/gpt-oss-20b")
    _, reason = find_engine(engine).padding_bytes(facts.architecture, facts.quantization, find_instance(instance), 1)
    assert reason.startswith(f"MXFP4 by {kernel}:")


# ---- windows


def test_gpt_oss_20b_holds_the_requests_at_once_that_vllm_printed() -> None:
    """284 requests of 16,384 tokens on two H100 (vLLM 0.19.0); without its windows 164 would be held. The source does
    not state the prefill budget; with 8,192 the printed number would need 80 GiB of cache on a card, so it is 2,048.
    """
    memory = _memory("openai/gpt-oss-20b", "vllm-0.19.0", degree=2, prefill=2048, sequences=256, share=0.9)
    assert memory.requests_at_once(16_384) == pytest.approx(284, rel=0.05)


# ---- divisibility


@pytest.mark.parametrize(
    ("instance", "degree", "options", "reason"),
    [
        # vllm-project/vllm issues 25292, 17569, 52997, 54178; QwenLM/Qwen3 issue 1485.
        (
            *("ml.g6.12xlarge", 4, {"model": "Qwen/Qwen3-30B-A3B-FP8"}),
            "768/4=192 is not a multiple of the quantization block of 128.*tensor_parallel=1 or 2$",
        ),
        # vllm-project/llm-compressor issue 57.
        (
            *("ml.p4de.24xlarge", 4, {"model": "m", "config": CONFIGS / "qwen2-72b-w8a16.json"}),
            r"29568/4=7392 is not a multiple of 128 \(Marlin: min_thread_k\).*tensor_parallel=1$",
        ),
        # vllm-project/llm-compressor issues 57 and 1489.
        (
            *("ml.g6e.12xlarge", 4, {"model": "m", "config": CONFIGS / "w4a16-ct.json"}),
            "29568/4=7392 is not a multiple of the quantization group of 128.*tensor_parallel=1$",
        ),
        # Rule stated in llm-d-planner's accuracy_report.md (Qwen3-14B at degree 5).
        (
            *("ml.p4d.24xlarge", 5, {"model": "microsoft/Phi-3-medium-4k-instruct"}),
            r"vocabulary 32064 \(padded to a multiple of 64: 32064\) is not divisible by 5.*tensor_parallel=1 or 2",
        ),
    ],
)
def test_a_degree_that_a_kernel_refuses_is_refused_with_those_that_it_takes(
    instance: str, degree: int, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SizingError, match=rf"tensor_parallel={degree} does not split .*{reason}"):
        _plan(instance, tensor_parallel=degree, **options)


@pytest.mark.parametrize("instance", ["ml.g6.12xlarge", "ml.g6.48xlarge", "ml.g5.48xlarge", "ml.g6e.12xlarge"])
def test_no_degree_is_chosen_that_breaks_a_block(instance: str) -> None:
    assert _plan(instance, model="Qwen/Qwen3-30B-A3B-FP8").accelerators in (1, 2)


# ---- formats without a kernel

LLAMA_8B: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "vocab_size": 128256,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True}
_INT8 = {"num_bits": 8, "type": "int"}
W8A8 = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": _INT8, "input_activations": _INT8}},
}
W4A8 = {
    "quant_method": "compressed-tensors",
    "format": "pack-quantized",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {"num_bits": 4, "type": "int", "group_size": 128},
            "input_activations": {"num_bits": 8, "type": "float"},
        }
    },
}


def _config(folder: Path, quantization: dict[str, Any]) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps({**LLAMA_8B, "quantization_config": quantization}))
    return file


@pytest.mark.parametrize(
    ("engine", "quantization", "runs"),
    [
        # vLLM 0.30.0, auto_gptq.py (TYPE_MAP, (4, True) and (8, True)) and gptq_utils.py; 0.19.1, gptq.py.
        ("vllm-0.30.0", GPTQ, True),
        ("vllm-0.30.0", {**GPTQ, "bits": 8}, True),
        ("vllm-0.30.0", {**GPTQ, "desc_act": True, "group_size": -1}, True),
        ("vllm-0.30.0", {**GPTQ, "desc_act": True}, False),
        ("vllm-0.30.0", {**GPTQ, "sym": False}, False),
        ("vllm-0.30.0", {**GPTQ, "bits": 3}, False),
        ("vllm-0.19.0", {**GPTQ, "desc_act": True}, True),
        ("vllm-0.19.0", {**GPTQ, "bits": 3, "environment": {"SM_VLLM_DTYPE": "float16"}}, True),
        ("vllm-0.19.0", {"quant_method": "awq", "bits": 8, "group_size": 128}, False),
    ],
)
def test_integer_weights_that_a_version_does_not_take_are_refused(
    engine: str, quantization: dict[str, Any], runs: bool, tmp_path: Path
) -> None:
    declared = {name: value for name, value in quantization.items() if name != "environment"}
    options: dict[str, Any] = {"model": "org/m", "config": _config(tmp_path, declared), "engine": engine}
    options["environment"] = quantization.get("environment", {})
    if runs:
        assert _plan("ml.g5.12xlarge", **options).quantization is not None
        return
    with pytest.raises(SizingError, match=rf"{engine} does not run (gptq|awq) weights .*: use another checkpoint"):
        _plan("ml.g5.12xlarge", **options)


@pytest.mark.parametrize(
    ("quantization", "instance", "runs"),
    [
        # vllm-project/vllm issue 54311: Int8 not supported on SM120.
        (W8A8, "ml.g7e.2xlarge", False),
        (W8A8, "ml.p6-b200.48xlarge", False),
        (W8A8, "ml.g5.xlarge", True),
        (W8A8, "ml.p5.4xlarge", True),
        # vllm-project/vllm issue 35439: W4A8 with FP8 activations runs on Hopper only.
        (W4A8, "ml.p6-b200.48xlarge", False),
        (W4A8, "ml.g6e.xlarge", False),
        (W4A8, "ml.p5.4xlarge", True),
    ],
)
def test_an_accelerator_without_a_kernel_for_the_activations_is_refused(
    quantization: dict[str, Any], instance: str, runs: bool, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"model": "org/m", "config": _config(tmp_path, quantization)}
    if runs:
        assert _plan(instance, **options).accelerators >= 1
        return
    with pytest.raises(SizingError, match=r"has no kernel for weights of [48] bits and (int8|float8) activations on"):
        _plan(instance, **options)


# ---- families

# Parameters: each is right (the published count of the same shape), or refused by the field that is not understood.
RIGHT = {
    "llama31-405b-fbgemm": 405_853_388_800,
    "nvfp4-ct": 70_553_706_496,
    "qwen2-72b-w8a16": 72_706_203_648,
    "qwen3-4b-fp8": 4_022_468_096,
    "w4a16-ct": 72_706_203_648,
    "arcee": 4_600_000_000,
    "bge": 335_141_888,
    "command-a": 111_000_000_000,
    "command-r": 34_980_000_000,
    "dsv3": 671_026_419_200,
    "ernie21b": 21_800_000_000,
    "gemma3-1b": 999_885_952,
    "glm45air": 106_850_000_000,
    "lfm2": 1_170_340_608,
    "nemotron-mini": 4_190_000_000,
    "neox20b": 20_554_567_680,
    "phi2": 2_780_000_000,
    "phi35v": 4_232_523_776,  # as vLLM 0.32.0 builds it, which has the token embeddings twice
    "qwen1-7b": 7_720_000_000,
    "qwen3next": 79_674_391_296,
    "whisper": "model_type 'whisper' cannot be sized.*WhisperForConditionalGeneration is served by vLLM and by SGLang",
}


@pytest.mark.parametrize("config", sorted(path.stem for path in CONFIGS.glob("*.json")))
def test_a_config_is_sized_as_published_or_refused_by_its_field(config: str) -> None:
    right = RIGHT[config]
    if isinstance(right, int):
        assert read_model(CONFIGS / f"{config}.json", config).architecture.parameters == pytest.approx(right, rel=0.005)
    else:
        with pytest.raises(ValueError, match=right):
            read_model(CONFIGS / f"{config}.json", config)


def test_nvfp4_weights_take_four_bits_and_a_byte_for_sixteen() -> None:
    """70B: 68.45e9 linear weights at 4.5 bits and 2.1e9 others at two bytes."""
    model = read_model(CONFIGS / "nvfp4-ct.json", "m")
    assert model.weights_bytes / 1e9 == pytest.approx(68.451 * 0.5625 + 2.102 * 2, rel=0.001)


def test_a_checkpoint_of_modelopt_is_read_from_the_file_beside_its_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        (CONFIGS / "qwen3-4b-fp8.json").read_text().replace("quantization_config", "_")
    )
    (tmp_path / "hf_quant_config.json").write_text(json.dumps({"quantization": {"quant_algo": "NVFP4"}}))
    assert str(read_model(tmp_path, "m-NVFP4").quantization) == "nvfp4, 4 bit, groups of 16"
