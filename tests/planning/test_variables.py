"""Variables of an engine that change memory: followed, or the plan is refused with the name of the variable."""

from __future__ import annotations

from typing import Any

import pytest

from replicas import ComponentPlan, plan
from replicas.engines import engine_kinds, engine_names, find_engine
from replicas.rules import check
from tests.planning.build import deployment, problem_of
from tests.rules.base import VLLM as AWS_VLLM
from tests.rules.base import Template, component, container_of, good, variant_of

VLLM: dict[str, Any] = {"engine": "vllm", "model": "NousResearch/Meta-Llama-3.1-8B-Instruct", "copies": 1}
TGI: dict[str, Any] = {"engine": "tgi", "copies": 1}


def planned(**wishes: Any) -> ComponentPlan:
    """The component of a plan that is not refused."""
    (component,) = plan(deployment(**wishes)).components
    return component


def test_float32_doubles_the_weights_and_the_cache() -> None:
    """8,030,261,248 parameters of four bytes are 29.9 GiB, which do not fit a card of 24 GB."""
    usual = planned(**VLLM, instance_type="ml.g6e.xlarge")
    wide = planned(**VLLM, instance_type="ml.g6e.xlarge", environment={"SM_VLLM_DTYPE": "float32"})
    assert wide.memory.weights == 8_030_261_248 * 4 == 2 * usual.memory.weights
    assert wide.memory.pool.block_bytes == 2 * usual.memory.pool.block_bytes
    assert wide.kv_cache_tokens < usual.kv_cache_tokens / 2
    problem = problem_of(deployment(**VLLM, instance_type="ml.g5.2xlarge", environment={"SM_VLLM_DTYPE": "float32"}))
    assert "29.9 of weights" in problem


@pytest.mark.parametrize(
    ("engine", "name", "value"),
    [("vllm", "SM_VLLM_KV_CACHE_DTYPE", "fp8"), ("tgi", "KV_CACHE_DTYPE", "fp8_e4m3fn")],
)
def test_a_cache_of_one_byte_holds_twice_the_tokens(engine: str, name: str, value: str) -> None:
    options: dict[str, Any] = {
        "engine": engine,
        "copies": 1,
        "max_total_tokens": 4096,
        "instance_type": "ml.g6e.xlarge",
    }
    usual = planned(**options)
    narrow = planned(**options, environment={name: value})
    assert narrow.memory.pool.block_bytes == usual.memory.pool.block_bytes / 2
    assert narrow.kv_cache_tokens == pytest.approx(2 * usual.kv_cache_tokens, abs=32)


@pytest.mark.parametrize(
    ("instance_type", "value", "is_open"),
    [
        ("ml.g5.2xlarge", "fp8", True),
        ("ml.p4d.24xlarge", "fp8_e4m3", True),
        ("ml.g5.2xlarge", "fp8_e5m2", False),
        ("ml.g6.2xlarge", "fp8", False),
        ("ml.p5.48xlarge", "fp8_e4m3", False),
    ],
)
def test_a_cache_that_tritons_kernels_do_not_run_is_not_called_fine(
    instance_type: str, value: str, is_open: bool
) -> None:
    """vllm-project/vllm issue 26431: "type fp8e4nv not supported in this architecture", on an RTX 3090 and an A100."""
    variable = {"SM_VLLM_KV_CACHE_DTYPE": value}
    options: dict[str, Any] = {"engine": "vllm-0.30.0", "model": "Qwen/Qwen3-8B", "copies": 1, "max_total_tokens": 4096}
    asked = deployment(**options, instance_type=instance_type, environment=variable)
    questions = [question.why for question in check(_template_of(instance_type, variable)).unjudged]
    if is_open:
        assert "only some attention kernels run a KV cache of fp8" in problem_of(asked)
        assert any("Triton's kernel fails at start" in question for question in questions)
    else:
        assert plan(asked)
        assert questions == []


def _template_of(instance_type: str, variable: dict[str, str]) -> Template:
    template = good()
    variant_of(template).update(
        InstanceType=instance_type, InferenceAmiVersion="al2023-ami-sagemaker-inference-gpu-4-1"
    )
    lengths = {"SM_VLLM_MODEL": "Qwen/Qwen3-8B", "SM_VLLM_MAX_MODEL_LEN": "4096"}
    container = container_of(template)
    container["Image"], container["Environment"] = AWS_VLLM, {**lengths, **variable}
    template["Resources"]["Llama"] = component(copies=1, cpus=1, memory=1024)
    return template


def test_without_graphs_their_memory_is_free() -> None:
    usual = planned(**VLLM, instance_type="ml.g6e.xlarge")
    eager = planned(**VLLM, instance_type="ml.g6e.xlarge", environment={"SM_VLLM_ENFORCE_EAGER": "true"})
    assert usual.memory.graphs > 0
    assert eager.memory.graphs == 0
    assert planned(**VLLM, environment={"SM_VLLM_ENFORCE_EAGER": "false"}).memory.graphs > 0


@pytest.mark.parametrize("name", ["SM_VLLM_DTYPE", "SM_VLLM_KV_CACHE_DTYPE", "SM_VLLM_ENFORCE_EAGER"])
def test_a_plan_warns_that_forecasts_do_not_follow(name: str) -> None:
    value = {"SM_VLLM_DTYPE": "float32", "SM_VLLM_KV_CACHE_DTYPE": "fp8", "SM_VLLM_ENFORCE_EAGER": "true"}[name]
    changed = plan(deployment(**VLLM, instance_type="ml.g6e.xlarge", environment={name: value}))
    assert any("forecasts of speed do not" in warning for warning in changed.warnings)
    block = plan(deployment(**VLLM, instance_type="ml.g6e.xlarge", environment={"SM_VLLM_BLOCK_SIZE": "32"}))
    assert not any("forecasts" in warning for warning in block.warnings)


def test_the_cache_is_counted_in_blocks_of_the_given_size() -> None:
    component = planned(**VLLM, environment={"SM_VLLM_BLOCK_SIZE": "128"})
    assert component.memory.pool.groups[0].block_tokens == 128
    assert component.kv_cache_tokens % 128 == 0


@pytest.mark.parametrize(
    ("wishes", "name", "value"),
    [
        (VLLM, "SM_VLLM_CPU_OFFLOAD_GB", "10"),
        (VLLM, "SM_VLLM_SPECULATIVE_CONFIG", "{}"),
        (VLLM, "SM_VLLM_PIPELINE_PARALLEL_SIZE", "2"),
        (VLLM, "SM_VLLM_DATA_PARALLEL_SIZE", "2"),
        (VLLM, "SM_VLLM_ENABLE_EXPERT_PARALLEL", "true"),
        (VLLM, "SM_VLLM_NUM_GPU_BLOCKS_OVERRIDE", "5000"),
        (VLLM, "SM_VLLM_KV_CACHE_MEMORY_BYTES", "1000"),
        (VLLM, "SM_VLLM_COMPILATION_CONFIG", "{}"),
        (VLLM, "SM_VLLM_LOAD_FORMAT", "gguf"),
        (VLLM, "SM_VLLM_HF_OVERRIDES", "{}"),
        (VLLM, "SM_VLLM_CONFIG", "/opt/ml/model/config.yaml"),
        (VLLM, "SM_VLLM_KV_CACHE_DTYPE", "nvfp4"),
        (VLLM, "VLLM_A_SWITCH_OF_TOMORROW", "1"),
        (VLLM, "VLLM_USE_V1", "0"),
        (TGI, "SPECULATE", "3"),
        (TGI, "CUDA_GRAPHS", "1,2,256"),
        (TGI, "LORA_ADAPTERS", "some/adapter"),
        (TGI, "SHARDED", "false"),
        (TGI, "DTYPE", "float32"),
        (TGI, "ROPE_FACTOR", "2.0"),
    ],
)
def test_a_variable_without_a_formula_refuses_the_plan_with_its_name(
    wishes: dict[str, Any], name: str, value: str
) -> None:
    problem = problem_of(deployment(**wishes, environment={name: value}))
    assert problem.startswith(f"environment[{name!r}]={value!r} may change the memory of a copy: ")
    assert problem.endswith(": leave it out")


@pytest.mark.parametrize(
    ("wishes", "name", "value", "option"),
    [
        (TGI, "MAX_BATCH_PREFILL_TOKENS", "8192", "max_batch_prefill_tokens"),
        (TGI, "CUDA_MEMORY_FRACTION", "0.5", "gpu_memory_share"),
        (TGI, "QUANTIZE", "fp8", "quantization"),
        (TGI, "NUM_SHARD", "2", "tensor_parallel"),
        (VLLM, "SM_VLLM_QUANTIZATION", "fp8", "quantization"),
        (VLLM, "SM_VLLM_ENABLE_LORA", "true", "adapters"),
    ],
)
def test_a_variable_that_an_option_sets_refuses_the_plan_with_the_option(
    wishes: dict[str, Any], name: str, value: str, option: str
) -> None:
    problem = problem_of(deployment(**wishes, environment={name: value}))
    assert problem == f"environment[{name!r}]={value!r}: an option sets this variable: use {option}= instead"


@pytest.mark.parametrize(
    ("wishes", "name", "value"),
    [
        (VLLM, "SM_VLLM_MM_PROCESSOR_CACHE_GB", "8"),
        (VLLM, "SM_VLLM_TOOL_CALL_PARSER", "hermes"),
        (VLLM, "SM_VLLM_PIPELINE_PARALLEL_SIZE", "1"),
        (VLLM, "SM_VLLM_DTYPE", "bfloat16"),
        (VLLM, "SM_VLLM_LOAD_FORMAT", "runai_streamer"),
        (VLLM, "VLLM_LOGGING_LEVEL", "DEBUG"),
        (VLLM, "MY_OWN", "1"),
        (TGI, "MAX_CONCURRENT_REQUESTS", "256"),
        (TGI, "SPECULATE", "0"),
        (TGI, "MY_OWN", "1"),
    ],
)
def test_a_variable_without_effect_on_memory_leaves_the_plan_as_it_is(
    wishes: dict[str, Any], name: str, value: str
) -> None:
    assert planned(**wishes, environment={name: value}).memory == planned(**wishes).memory


@pytest.mark.parametrize("engine", engine_names())
def test_a_variable_is_in_one_list_of_the_table(engine: str) -> None:
    table = engine_kinds()[engine].facts("variables")
    listed = [*table["followed"], *(entry["name"] for entry in table["not_followed"]), *table["no_effect"]]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("engine", engine_names())
def test_the_followed_variables_are_those_that_are_read(engine: str) -> None:
    kind = engine_kinds()[engine]
    about_memory = {"model", "revision", "quantization", "tensor_parallel", "max_input_tokens", "max_total_tokens"}
    about_memory |= {"prefill_tokens", "sequences", "memory_share", "weight_precision", "cache_precision"}
    about_memory |= {"without_graphs", "block_tokens", "longer_context"}
    if find_engine(engine).plans_adapters:
        about_memory |= {"serves_adapters", "adapter_slots", "adapter_rank"}
    read = {name for purpose in about_memory for name in getattr(kind.variables, purpose)}
    assert read - {"HF_MODEL_ID"} == set(kind.facts("variables")["followed"]) - {"HF_MODEL_ID"}


@pytest.mark.parametrize(
    ("model", "name", "value", "refusal"),
    [
        # vLLM 0.30.0, config/model.py, _FLOAT16_NOT_SUPPORTED_MODELS.
        ("google/gemma-2-9b-it", "SM_VLLM_DTYPE", "half", "refuses float16 for the model family 'gemma2'"),
        ("google/gemma-2-9b-it", "SM_VLLM_DTYPE", "bfloat16", None),
        # The same version, get_supported_act_dtypes of each quantization.
        ("openai/gpt-oss-20b", "SM_VLLM_DTYPE", "float16", "runs mxfp4 weights with bfloat16, not with float16"),
        ("Qwen/Qwen3-8B-AWQ", "SM_VLLM_DTYPE", "float32", "runs awq weights with float16 or bfloat16, not with"),
        ("Qwen/Qwen3-8B-AWQ", "SM_VLLM_DTYPE", "bfloat16", None),
        # The same version, layers/attention/attention.py.
        ("Qwen/Qwen3-8B-FP8", "SM_VLLM_KV_CACHE_DTYPE", "fp8_e5m2", "refuses a cache of fp8_e5m2 for FP8 checkpoints"),
        ("Qwen/Qwen3-8B-FP8", "SM_VLLM_KV_CACHE_DTYPE", "fp8", None),
        ("Qwen/Qwen3-8B", "SM_VLLM_KV_CACHE_DTYPE", "fp8_e5m2", None),
        ("Qwen/Qwen3-8B", "SM_VLLM_BLOCK_SIZE", "7", "cache blocks of this size are not known; known sizes: 16, 32"),
        (
            "Qwen/Qwen3-8B",
            "SM_VLLM_BLOCK_SIZE",
            "1000000000",
            "cache blocks of this size are not known; known sizes: 16, 32",
        ),
        ("Qwen/Qwen3-8B", "SM_VLLM_BLOCK_SIZE", "32", None),
    ],
)
def test_a_data_type_or_block_that_vllm_refuses(model: str, name: str, value: str, refusal: str | None) -> None:
    options: dict[str, Any] = {
        "engine": "vllm-0.30.0",
        "model": model,
        "copies": 1,
        "instance_type": "ml.g6e.xlarge",
        "environment": {name: value},
        "token_secret": "hub",
    }
    if refusal is None:
        assert planned(**options).environment[name] == value
    else:
        assert refusal in problem_of(deployment(**options))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SM_VLLM_SEED", "abc", "it is not an integer"),
        ("SM_VLLM_TRUST_REMOTE_CODE", "1", "a switch must be true or false"),
        ("SM_VLLM_ENABLE_AUTO_TOOL_CHOICE", "true", "it needs SM_VLLM_TOOL_CALL_PARSER"),
        ("SM_VLLM_DTYPE", "float8", "it is not one of auto, bfloat16, float, float16, float32, half"),
        ("SM_VLLM_A_FLAG_OF_TOMORROW", "1", "the engine has no such argument"),
        ("SM_VLLM_SWAP_SPACE", "8", "the engine has no such argument"),  # vllm/engine/arg_utils.py has it up to 0.17
        ("SM_VLLM_REASONING_PARSER", "nonsense", "it is not one of cohere_command3, "),
        ("SM_VLLM_LIMIT_MM_PER_PROMPT", "image=2", "it is not a JSON object"),
    ],
)
def test_a_value_with_which_the_engine_does_not_start_refuses_the_plan(name: str, value: str, why: str) -> None:
    """argparse refuses them, and vLLM's cli_args.py: '--enable-auto-tool-choice requires --tool-call-parser'."""
    problem = problem_of(deployment(**VLLM, instance_type="ml.g6e.xlarge", environment={name: value}))

    assert f"environment[{name!r}]={value!r} stops vllm-" in problem
    assert f"at start: {why}" in problem
