"""What a plan tells a container: variables by engine, version and setting."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from replicas import ComponentPlan, plan
from replicas.catalogue.checkpoint import read_quantization
from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import find_model, model_from_config
from replicas.catalogue.quantization import METHODS, Quantization
from replicas.engines import MemorySettings, engine_names, find_engine, image_versions
from replicas.errors import SizingError
from tests.planning.build import deployment

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")


def component(**wishes: Any) -> ComponentPlan:
    (found,) = plan(deployment(**wishes), to_deploy=False).components
    return found


def environment(**wishes: Any) -> dict[str, str]:
    return dict(component(**wishes).environment)


def test_a_name_alone_is_the_newest_version_with_an_image() -> None:
    newest = {
        name: max(image_versions(name), key=lambda it: [int(part) for part in it.split(".")]) for name in engine_names()
    }
    assert {name: find_engine(name).version for name in engine_names()} == newest


@pytest.mark.parametrize("wish", ["", "vLLM", "tgi 1.1.0", "djl-lmi"])
def test_what_is_no_engine_is_refused_with_those_there_are(wish: str) -> None:
    with pytest.raises(
        LookupError, match=r"is not known; engines: lmi, sglang, tgi, vllm, or a name with a version \(tgi-1\.1\.0\)"
    ):
        find_engine(wish)


@pytest.mark.parametrize("version", ["", "1", "1.1.x", "1..1"])
def test_what_is_no_version_is_refused_with_those_that_have_an_image(version: str) -> None:
    words = f"engine 'tgi-{version}': {version!r} is not a version; versions of tgi with an image: 0.6.0, "
    with pytest.raises(LookupError, match=re.escape(words)):
        find_engine(f"tgi-{version}")


# ---- TGI


@pytest.mark.parametrize(
    ("version", "variable"),
    # MAX_INPUT_TOKENS came with TGI 2.0.3; images of 1.x know the old name only, later ones refuse both together.
    [("0.9.3", "LENGTH"), ("1.1.0", "LENGTH"), ("1.4.5", "LENGTH"), ("2.2.0", "TOKENS"), ("3.3.6", "TOKENS")],
)
def test_tgi_is_told_its_longest_prompt_by_the_name_of_its_version(version: str, variable: str) -> None:
    given = environment(engine=f"tgi-{version}", max_input_tokens=1000, max_total_tokens=2000)
    assert {name: value for name, value in given.items() if name.startswith("MAX_INPUT")} == {
        f"MAX_INPUT_{variable}": "1000"
    }


def test_tgi_is_told_the_split_and_the_longest_request() -> None:
    given = environment(engine="tgi", tensor_parallel=2, max_total_tokens=2000)
    assert (given["SM_NUM_GPUS"], given["MAX_TOTAL_TOKENS"]) == ("2", "2000")


def test_tgi_is_told_nothing_that_was_not_decided() -> None:
    given = environment(engine="tgi")
    assert set(given) == {"HF_MODEL_ID", "SM_NUM_GPUS", "MAX_INPUT_TOKENS", "MAX_TOTAL_TOKENS"}


@pytest.mark.parametrize(
    ("wishes", "variable", "value"),
    [
        ({"gpu_memory_share": 0.9}, "CUDA_MEMORY_FRACTION", "0.9"),
        ({"max_batch_prefill_tokens": 6000}, "MAX_BATCH_PREFILL_TOKENS", "6000"),
        ({"revision": "abc"}, "HF_MODEL_REVISION", "abc"),
        ({"weights": "s3://bucket/prefix/"}, "HF_MODEL_ID", "/opt/ml/model"),
        ({"quantization": "eetq"}, "HF_MODEL_QUANTIZE", "eetq"),
        ({"quantization": "bitsandbytes-nf4"}, "HF_MODEL_QUANTIZE", "bitsandbytes-nf4"),
        ({"model": "TheBloke/Llama-2-13B-chat-GPTQ"}, "HF_MODEL_QUANTIZE", "gptq"),
    ],
)
def test_tgi_is_told_a_wish_in_its_own_words(wishes: dict[str, Any], variable: str, value: str) -> None:
    assert environment(engine="tgi", **wishes)[variable] == value


@pytest.mark.parametrize(
    ("version", "share"),
    # The server sources; the table of docs and of facts/sizing.md.
    [("1.1.0", 1.0), ("1.4.0", 1.0), ("1.4.5", 0.95), ("2.2.0", 0.95), ("2.4.0", 0.9), ("3.0.1", None), ("3.3.6", 0.9)],
)
def test_tgi_takes_the_share_of_its_version(version: str, share: float | None) -> None:
    taken = find_engine(f"tgi-{version}").gpu_memory_share()[0]
    assert taken == share if share else 0.9 <= taken <= 0.95


@pytest.mark.parametrize(("version", "prompt", "prefill"), [("1.1.0", 2048, 4096), ("3.3.6", 2048, 2098)])
def test_tgi_prefills_by_the_default_of_its_version(version: str, prompt: int, prefill: int) -> None:
    found = component(engine=f"tgi-{version}", max_input_tokens=prompt, max_total_tokens=4096)
    assert found.prefill_tokens == prefill


def test_tgi_must_cache_a_full_prefill_step_at_warm_up() -> None:
    found = component(engine="tgi-1.1.0", max_total_tokens=1000, model="llama-2-7b")
    assert found.kv_cache_tokens >= 4096


def test_a_batch_budget_is_set_only_for_the_family_that_obeys_it() -> None:
    assert environment(engine="tgi", model="google/flan-t5-xl")["MAX_BATCH_TOTAL_TOKENS"].isdigit()
    assert "MAX_BATCH_TOTAL_TOKENS" not in environment(engine="tgi")


def test_tgi_takes_no_chat_bodies() -> None:
    assert not component(engine="tgi").accepts_chat


# ---- vLLM


@pytest.mark.parametrize(("publisher", "more"), [("huggingface", {"HF_ENABLE_LMCACHE": "0"}), ("aws", {})])
def test_vllm_is_told_every_limit_that_the_plan_assumed(publisher: str, more: dict[str, str]) -> None:
    limits = {"max_total_tokens": 2048, "tensor_parallel": 2, "max_sequences": 32, "max_batch_prefill_tokens": 1024}
    found = component(image_source=publisher, **limits)
    assert found.environment == {
        **more,
        "SM_VLLM_MODEL": "NousResearch/Llama-2-13b-chat-hf",
        "SM_VLLM_TENSOR_PARALLEL_SIZE": "2",
        "SM_VLLM_MAX_MODEL_LEN": "2048",
        "SM_VLLM_MAX_NUM_BATCHED_TOKENS": "1024",
        "SM_VLLM_MAX_NUM_SEQS": "32",
        "SM_VLLM_GPU_MEMORY_UTILIZATION": "0.92",
    }


@pytest.mark.parametrize(
    ("engine", "publisher", "image"),
    [
        ("vllm-0.29.0", None, "huggingface-vllm:0.29.0-transformers5.15.0-gpu-py312-cu130-ubuntu24.04-v1.0"),
        ("vllm-0.29.0", "aws", "vllm:0.29.0-gpu-py312-cu130-ubuntu24.04-sagemaker"),
        ("vllm-0.30.0", None, "vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"),
        ("vllm-0.24.0", None, "vllm:0.24.0-gpu-py312-cu130-ubuntu22.04-sagemaker"),
        ("vllm", None, "vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"),
        ("vllm", "huggingface", "huggingface-vllm:0.29.0-transformers5.15.0-gpu-py312-cu130-ubuntu24.04-v1.0"),
    ],
)
def test_a_version_that_both_publish_is_hugging_faces_unless_another_source_is_named(
    engine: str, publisher: str | None, image: str
) -> None:
    found = find_engine(engine, publisher).image
    assert found is not None
    assert found.name == image


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        (
            {"image_source": "ibm"},
            r"image_source='ibm': images of vllm are published by huggingface, aws: use one of these",
        ),
        ({"image_source": "aws", "engine": "tgi"}, r"images of tgi are published by huggingface: use one of these"),
        (
            {"image_source": "aws", "engine": "vllm-0.14.0"},
            r"vllm-0\.14\.0 has no container image of image_source='aws': .* or one of 0\.23\.0, .*, 0\.30\.0",
        ),
        (
            {"image_source": "huggingface", "engine": "vllm-0.30.0"},
            r"has no container image of image_source='huggingface': .* or one of 0\.14\.0, .*, 0\.29\.0",
        ),
        (
            {"image_source": "aws", "environment": {"HF_ENABLE_LMCACHE": "0"}},
            r"environment\['HF_ENABLE_LMCACHE'\]: the image vllm has no such cache: remove the variable",
        ),
    ],
)
def test_a_source_that_does_not_have_the_image_is_refused_with_what_there_is(
    wishes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SizingError, match=sentence):
        plan(deployment(**wishes))


@pytest.mark.parametrize(
    ("wishes", "variable", "value"),
    [
        ({"gpu_memory_share": 0.875}, "SM_VLLM_GPU_MEMORY_UTILIZATION", "0.875"),
        ({"revision": "abc"}, "SM_VLLM_REVISION", "abc"),
        ({"weights": "s3://bucket/prefix/"}, "SM_VLLM_MODEL", "/opt/ml/model"),
        ({"quantization": "fp8"}, "SM_VLLM_QUANTIZATION", "fp8"),
        ({"quantization": "bitsandbytes-nf4"}, "SM_VLLM_QUANTIZATION", "bitsandbytes"),
    ],
)
def test_vllm_is_told_a_wish_in_its_own_words(wishes: dict[str, Any], variable: str, value: str) -> None:
    assert environment(**wishes)[variable] == value


def test_vllm_reads_the_quantization_of_a_checkpoint_by_itself() -> None:
    assert "SM_VLLM_QUANTIZATION" not in environment(model="TheBloke/Llama-2-13B-chat-AWQ")


@pytest.mark.parametrize(("version", "share"), [("0.2.5", 0.9), ("0.19.0", 0.9), ("0.21.0", 0.92), ("0.29.0", 0.92)])
def test_vllm_takes_the_share_of_its_version(version: str, share: float) -> None:
    assert find_engine(f"vllm-{version}").gpu_memory_share()[0] == share


@pytest.mark.parametrize(
    ("version", "instance_type", "tokens", "sequences"),
    # vllm/engine/arg_utils.py of these versions; 0.8.5 by 0.8.5.post1.
    [
        ("0.8.1", "ml.p5.48xlarge", 8192, 1024),
        ("0.8.3", "ml.g6e.2xlarge", 2048, 1024),
        ("0.8.4", "ml.p4de.24xlarge", 2048, 256),
        ("0.8.4", "ml.p5en.48xlarge", 8192, 1024),
        ("0.8.5", "ml.p4de.24xlarge", 8192, 1024),
        ("0.8.5", "ml.p4d.24xlarge", 2048, 256),
        ("0.9.0", "ml.p4de.24xlarge", 2048, 256),
        ("0.27.1", "ml.p6-b200.48xlarge", 8192, 1024),
        ("0.28.0", "ml.p6-b200.48xlarge", 16384, 1024),
        ("0.33.0", "ml.p5en.48xlarge", 8192, 1024),
        ("0.33.0", "ml.g7e.2xlarge", 8192, 1024),
        ("0.33.0", "ml.g6.2xlarge", 2048, 256),
    ],
)
def test_vllm_has_the_batch_defaults_of_its_version(
    version: str, instance_type: str, tokens: int, sequences: int
) -> None:
    engine, instance = find_engine(f"vllm-{version}"), find_instance(instance_type)
    assert engine.default_prefill_tokens(instance, 1)[0] == tokens
    assert engine.default_sequences(instance) == sequences


@pytest.mark.parametrize(
    ("instance_type", "prefill"),
    # vllm/engine/arg_utils.py: 8192 on H100 and other cards of 70 GiB and more, 2048 elsewhere and on A100.
    [("ml.p5.48xlarge", 8192), ("ml.p4de.24xlarge", 2048), ("ml.p4d.24xlarge", 2048), ("ml.g6e.2xlarge", 2048)],
)
def test_vllm_prefills_by_the_card(instance_type: str, prefill: int) -> None:
    assert component(instance_type=instance_type, tensor_parallel=1, max_total_tokens=512).prefill_tokens == prefill


def test_vllm_answers_chat_bodies_of_models_with_a_chat_template() -> None:
    assert component(model="llama-2-13b").accepts_chat
    assert not component(model="NousResearch/Llama-2-13b-hf").accepts_chat


# ---- both


@pytest.mark.parametrize("engine", ["tgi", "tgi-1.1.0", "vllm"])
def test_no_container_is_told_a_token(engine: str) -> None:
    found = component(model="meta-llama/Llama-2-13b-chat-hf", engine=engine, token_secret="hub-token")  # noqa: S106
    assert found.token_secret == "hub-token"  # noqa: S105
    assert not any("hub-token" in value or "HF_TOKEN" in name for name, value in found.environment.items())


@pytest.mark.parametrize("engine", ["tgi", "vllm"])
def test_a_users_variable_joins_the_plans(engine: str) -> None:
    assert environment(engine=engine, environment={"LOG_LEVEL": "debug"})["LOG_LEVEL"] == "debug"


@pytest.mark.parametrize("engine", ["tgi", "vllm"])
def test_a_users_variable_that_says_the_same_is_no_contradiction(engine: str) -> None:
    decided = environment(engine=engine)
    assert environment(engine=engine, environment=decided) == decided


@pytest.mark.parametrize("engine", ["tgi", "tgi-1.1.0", "vllm"])
def test_the_most_variables_that_a_user_may_add_still_fit_a_model(engine: str) -> None:
    """All names and values of a container have 32 KB (API reference of SageMaker, ContainerDefinition)."""
    most = {"A": "x" * 1024, **{f"A{number}": "x" * 256 for number in range(79)}}
    given = environment(engine=engine, environment=most, revision="main", gpu_memory_share=0.9)
    limits = SAGEMAKER.shape_for("EnvironmentMap").metadata
    assert len(given) + 1 <= limits["max"]  # and the token that the construct adds
    longest = SAGEMAKER.shape_for("EnvironmentValue").metadata["max"]
    assert max(map(len, given.values())) <= longest
    assert sum(len(name) + len(value) for name, value in given.items()) <= 32 * 1024


@pytest.mark.parametrize("engine", ["tgi", "vllm"])
def test_the_startup_timeout_is_within_what_sagemaker_takes(engine: str) -> None:
    bounds = SAGEMAKER.shape_for("ProductionVariantContainerStartupHealthCheckTimeoutInSeconds").metadata
    for model in ("llama-3.2-1b", "llama-2-70b"):
        seconds = component(model=model, engine=engine).startup_timeout_seconds
        assert bounds["min"] <= seconds <= bounds["max"]


def test_the_resources_of_a_copy_are_within_what_sagemaker_takes() -> None:
    found = component(cpus=0.25, memory_mib=128)
    assert found.cpus >= SAGEMAKER.shape_for("NumberOfCpuCores").metadata["min"]
    assert found.memory_mib >= SAGEMAKER.shape_for("MemoryInMb").metadata["min"]
    assert found.accelerators >= SAGEMAKER.shape_for("NumberOfAcceleratorDevices").metadata["min"]


@pytest.mark.parametrize(
    ("method", "instance", "half"),
    [
        # Compute capability by NVIDIA: A10G 8.6, A100 8.0, L4 8.9, H100 9.0, B200 10.0.
        ("fp8", "ml.g5.xlarge", True),
        ("fp8", "ml.p4d.24xlarge", True),
        ("fp8", "ml.g6.xlarge", False),
        ("fp8", "ml.p5.48xlarge", False),
        ("nvfp4", "ml.p5.48xlarge", True),
        ("nvfp4", "ml.p6-b200.48xlarge", False),
        ("awq", "ml.g5.xlarge", False),
    ],
)
def test_a_card_without_a_formats_arithmetic_runs_it_at_half_precision(method: str, instance: str, half: bool) -> None:
    said = find_engine("vllm").weight_only(METHODS[method], find_instance(instance))
    assert (said is not None) == half


QWEN_1 = {
    "model_type": "qwen",
    "architectures": ["QWenLMHeadModel"],
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "intermediate_size": 22016,
    "vocab_size": 151936,
    "kv_channels": 128,
    "seq_length": 8192,
    "no_bias": True,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    ("engine", "advice"),
    [
        ("vllm-0.23.0", None),
        ("vllm-0.24.0", "use engine='vllm-0.23.0'"),
        ("vllm-0.30.0", "use engine='vllm-0.23.0'"),
        ("lmi-17.0.0", None),
        ("lmi-29.0.0", "use engine='lmi-17.0.0'"),
    ],
)
def test_a_class_that_vllm_removed_is_refused_in_later_versions(engine: str, advice: str | None) -> None:
    """`_PREVIOUSLY_SUPPORTED_MODELS` of vLLM 0.32.0: the last version with QWenLMHeadModel is 0.23.0."""
    model = model_from_config(QWEN_1, "Qwen/Qwen-7B-Chat", "config.json")
    problems = find_engine(engine).problems(model, None)
    assert [problem.rpartition(": ")[2] for problem in problems] == ([advice] if advice else [])


def _gptq(**declared: Any) -> Quantization:
    config = {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, **declared}}
    read = read_quantization(config)
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("engine", "declared", "words"),
    [
        # MARLIN_SUPPORTED_GROUP_SIZES of vLLM 0.30.0 and SGLang 0.5.20; ExllamaLinearKernel.can_implement: float16
        ("vllm-0.30.0", {}, None),
        ("vllm-0.30.0", {"group_size": -1}, None),
        ("vllm-0.30.0", {"group_size": 256}, "set SM_VLLM_DTYPE=float16"),
        ("lmi-29.0.0", {"group_size": 48}, "set OPTION_DTYPE=float16"),
        ("sglang-0.5.20", {"group_size": 256}, "set SM_SGLANG_DTYPE=float16"),
        ("sglang-0.5.20", {"sym": False}, "set SM_SGLANG_DTYPE=float16"),
        ("sglang-0.5.20", {"bits": 8}, None),
    ],
)
def test_gptq_weights_that_marlin_does_not_run_need_float16(
    engine: str, declared: dict[str, Any], words: str | None
) -> None:
    version, read, model = find_engine(engine), _gptq(**declared), find_model("Qwen/Qwen3-8B")
    problems = version.type_problems(model, read, MemorySettings(), None)
    assert [problem for problem in problems if words and words in problem] == problems
    assert bool(problems) == (words is not None)
    assert version.type_problems(model, read, MemorySettings(weight_type="float16"), None) == []


@pytest.mark.parametrize(
    ("engine", "declared", "is_run"),
    [
        # QuantLinear of TGI: "Only 2,4,8 bits are supported."; GPTQConfig of SGLang: 2, 3, 4 or 8 bits.
        ("tgi-3.3.6", {"bits": 3}, False),
        ("tgi-3.3.6", {"bits": 8}, True),
        ("tgi-2.0.2", {"sym": False, "desc_act": True}, True),
        ("sglang-0.5.20", {"bits": 3}, True),
        ("vllm-0.30.0", {"bits": 3}, False),
        ("vllm-0.30.0", {"sym": False}, False),
    ],
)
def test_integer_weights_that_an_engine_has_no_kernel_for_are_refused(
    engine: str, declared: dict[str, Any], *, is_run: bool
) -> None:
    problems = find_engine(engine).problems(find_model("Qwen/Qwen2.5-7B-Instruct"), _gptq(**declared))
    assert (problems == []) == is_run, problems


@pytest.mark.parametrize("engine", ["tgi-3.3.6", "sglang-0.5.20", "vllm-0.21.0"])
def test_awq_weights_have_four_bits(engine: str) -> None:
    read = read_quantization({"quantization_config": {"quant_method": "awq", "bits": 8, "group_size": 128}})
    problems = find_engine(engine).problems(find_model("Qwen/Qwen2.5-7B-Instruct"), read)
    assert any("awq weights of 8 bits" in problem for problem in problems)
