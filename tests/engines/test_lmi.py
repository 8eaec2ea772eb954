"""LMI: vLLM by the version inside, the variables of AWS's model server, and its answers in lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas import ComponentPlan, plan
from replicas.engines import Generation, effect_of, engine_kinds, find_engine, read_settings
from replicas.engines.answering import Refused, ServedModel
from replicas.errors import SizingError
from replicas.rules import check
from tests.planning.build import deployment
from tests.rules.test_memory import DLC, LLAMA_8B, LLAMA_70B, WEIGHTS, of_memory, only, template_of, why_not_judged

KIND = engine_kinds()["lmi"]
(DIALECT,) = KIND.dialects
LMI = f"{DLC}/djl-inference:0.38.0-lmi29.0.0-cu130"
ARGUMENTS = set(json.loads((Path(__file__).parent / "arguments.json").read_text())["vllm"])
# djl_python/properties_manager/properties.py and vllm_rb_properties.py: what LMI reads itself, for vLLM or not.
PROPERTIES = {
    *("rolling_batch", "async_mode", "entrypoint", "tensor_parallel_degree", "max_rolling_batch_prefill_tokens"),
    *("max_rolling_batch_size", "quantize"),
}
SERVED = ServedModel(id="a/b", max_input_tokens=99, max_total_tokens=100, has_chat_template=True)


def component(**wishes: Any) -> ComponentPlan:
    (found,) = plan(deployment(**{"model": LLAMA_8B, "engine": "lmi", **wishes}), to_deploy=False).components
    return found


def environment(**wishes: Any) -> dict[str, str]:
    return dict(component(**wishes).environment)


# Versions


@pytest.mark.parametrize(
    ("version", "share", "prefill"),
    # release notes of djl-serving and docs/src/data of aws/deep-learning-containers: vLLM 0.8.4, 0.11.1, 0.19.0, 0.20.1
    [("15.0.0", 0.9, 2048), ("17.0.0", 0.9, 2048), ("24.0.0", 0.9, 2048), ("25.0.0", 0.92, 2048)],
)
def test_a_version_has_the_defaults_of_the_vllm_inside(version: str, share: float, prefill: int) -> None:
    found = component(engine=f"lmi-{version}")
    assert (found.memory.share, found.prefill_tokens) == (share, prefill)


def test_it_holds_what_the_vllm_inside_holds() -> None:
    """The same numbers on the same card: the server beside the engine takes nothing of it."""
    settings = {"max_batch_prefill_tokens": 4096, "max_sequences": 64, "tensor_parallel": 1}
    inside = component(engine="vllm-0.28.0", **settings)
    assert component(engine="lmi-29.0.0", **settings).memory == inside.memory


@pytest.mark.parametrize("version", ["14.0.0", "18.5.0", "30.0.0", "0.38.0"])
def test_a_version_whose_vllm_is_not_known_is_refused_with_those_that_are(version: str) -> None:
    with pytest.raises(
        LookupError, match=rf"'lmi-{version}': this version is not supported; supported versions: 15\.0\.0, .*29\.0\.0"
    ):
        find_engine(f"lmi-{version}")


def test_a_version_without_an_image_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(SizingError, match=r"lmi-18\.0\.0 has no container image: .*or one of 10\.0\.0, .*, 29\.0\.0"):
        plan(deployment(model=LLAMA_8B, engine="lmi-18.0.0"))


def test_a_quantization_that_its_vllm_lacks_names_the_first_version_that_has_it() -> None:
    with pytest.raises(
        SizingError, match=r"lmi-15\.0\.0 does not run mxfp4 weights: use engine='lmi-16\.0\.0' or later"
    ):
        component(engine="lmi-15.0.0", model="openai/gpt-oss-20b", instance_type="ml.p5.48xlarge")


# Variables of a plan


def test_it_is_told_every_limit_that_the_plan_assumed() -> None:
    assert environment(max_total_tokens=2048, tensor_parallel=2, max_sequences=32, max_batch_prefill_tokens=1024) == {
        "HF_MODEL_ID": LLAMA_8B,
        "OPTION_ROLLING_BATCH": "disable",
        "OPTION_ASYNC_MODE": "true",
        "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
        "OPTION_TENSOR_PARALLEL_DEGREE": "2",
        "OPTION_MAX_MODEL_LEN": "2048",
        "OPTION_MAX_ROLLING_BATCH_PREFILL_TOKENS": "1024",
        "OPTION_MAX_ROLLING_BATCH_SIZE": "32",
        "OPTION_GPU_MEMORY_UTILIZATION": "0.92",
        "SERVING_FAIL_FAST": "true",
    }


@pytest.mark.parametrize(
    ("wishes", "variable", "value"),
    [
        ({"gpu_memory_share": 0.875}, "OPTION_GPU_MEMORY_UTILIZATION", "0.875"),
        ({"revision": "abc"}, "OPTION_REVISION", "abc"),
        ({"weights": "s3://bucket/prefix/"}, "HF_MODEL_ID", "/opt/ml/model"),
        ({"quantization": "fp8"}, "OPTION_QUANTIZE", "fp8"),
        ({"quantization": "bitsandbytes-nf4"}, "OPTION_QUANTIZE", "bitsandbytes"),
    ],
)
def test_it_is_told_a_wish_in_its_own_words(wishes: dict[str, Any], variable: str, value: str) -> None:
    assert environment(**wishes)[variable] == value


def test_its_options_are_its_own_or_arguments_of_vllm() -> None:
    from replicas import Adapter

    adapters = [Adapter(name="sql", weights="s3://models/sql/", rank=16)]
    given = environment(quantization="fp8", revision="abc", adapters=adapters)
    names = {name.removeprefix("OPTION_").lower() for name in given if name.startswith("OPTION_")}
    assert names - PROPERTIES - ARGUMENTS == set()
    assert {"enable_lora", "max_loras", "max_lora_rank"} <= names


def test_every_option_of_its_table_is_its_own_or_an_argument_of_vllm_of_some_version() -> None:
    """The arguments that vLLM 0.32 knows are all in the table: none of them passes as an unknown one."""
    unknown = [name for name in ARGUMENTS if effect_of(KIND, f"OPTION_{name.upper()}") == "not known"]
    of_vllm = [
        name for name in ARGUMENTS if effect_of(engine_kinds()["vllm"], f"SM_VLLM_{name.upper()}") == "not known"
    ]
    assert unknown == of_vllm


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("OPTION_MAX_NUM_SEQS", "LMI does not start with vLLM's name of this setting: use max_sequences="),
        ("OPTION_TENSOR_PARALLEL_SIZE", "LMI does not start with vLLM's name of this setting: use tensor_parallel="),
        ("OPTION_ROLLING_BATCH", "is planned with vLLM's async handler"),
        ("HF_MODEL_REVISION", "LMI does not read this variable: use revision="),
        ("OPTION_CPU_OFFLOAD_GB_PER_GPU", "weights in the host's memory are not sized"),
        ("OPTION_KV_TRANSFER_CONFIG", "the buffers of a transfer are not sized"),
        ("OPTION_NEW_ARGUMENT", "it is not in the table of LMI's variables"),
        ("MAX_BATCH_SIZE", "max_sequences="),
    ],
)
def test_a_variable_that_it_would_ignore_or_refuse_or_that_is_not_sized_is_refused(variable: str, why: str) -> None:
    with pytest.raises(SizingError, match=why):
        component(environment={variable: "4"})


def test_adapters_need_a_version_whose_async_handler_takes_them() -> None:
    assert find_engine("lmi-15.0.0").adapter_slot_rank(16) is None
    assert find_engine("lmi-16.0.0").adapter_slot_rank(9) == 16


# Containers of others


@pytest.mark.parametrize(
    ("environment", "degree"),
    [
        ({}, None),
        ({"OPTION_TENSOR_PARALLEL_DEGREE": "max"}, None),
        ({"TENSOR_PARALLEL_DEGREE": "max"}, None),
        ({"TENSOR_PARALLEL_DEGREE": "2"}, 2),
        ({"SM_NUM_GPUS": "4"}, 4),
        ({"OPTION_TENSOR_PARALLEL_DEGREE": "2", "SM_NUM_GPUS": "4"}, 2),
    ],
)
def test_the_degree_is_read_by_each_of_its_names(environment: dict[str, str], degree: int | None) -> None:
    settings = read_settings(KIND, environment, has_local_weights=False)
    assert (settings.tensor_parallel, settings.not_followed) == (degree, ())


@pytest.mark.parametrize(
    ("environment", "sequences"),
    # LmiConfigRecommender, setRollingBatchSize: 256 for a rolling batch by vLLM; the async handler leaves 32.
    [({"OPTION_ROLLING_BATCH": "vllm"}, 256), ({"OPTION_ROLLING_BATCH": "auto"}, None), ({"MAX_BATCH_SIZE": "7"}, 7)],
)
def test_the_batch_is_that_of_the_handler(environment: dict[str, str], sequences: int | None) -> None:
    assert read_settings(KIND, environment, has_local_weights=False).sequences == sequences


@pytest.mark.parametrize(
    ("environment", "kept"),
    [
        ({"OPTION_MAX_MODEL_LEN": "8192"}, ()),
        ({"OPTION_MAX_MODEL_LEN": "8192", "OPTION_DTYPE": "bf16", "OPTION_ROLLING_BATCH": "vllm"}, ()),
        ({"OPTION_MAX_MODEL_LEN": "8192", "OPTION_KV_CACHE_DTYPE": "fp8", "OPTION_ENFORCE_EAGER": "true"}, ()),
        ({"OPTION_MAX_MODEL_LEN": "8192", "OPTION_QUANTIZE": "fp8"}, ()),
        ({"OPTION_MAX_MODEL_LEN": "8192", "OPTION_ENABLE_CHUNKED_PREFILL": "true", "SERVING_FAIL_FAST": "true"}, ()),
        ({"OPTION_MAX_MODEL_LEN": "65536", "OPTION_DTYPE": "bf16"}, ()),
        ({"OPTION_MAX_MODEL_LEN": "65536", "OPTION_DTYPE": "fp32"}, ("copy-without-memory",)),
        ({"OPTION_MAX_MODEL_LEN": "65536", "OPTION_GPU_MEMORY_UTILIZATION": "0.5"}, ("copy-without-memory",)),
        ({"OPTION_MAX_MODEL_LEN": "200000"}, ("lengths-of-requests",)),
    ],
)
def test_a_container_of_others_is_sized_by_its_options(environment: dict[str, str], kept: tuple[str, ...]) -> None:
    report = check(template_of(LMI, {"HF_MODEL_ID": LLAMA_8B, **environment}, instance_type="ml.g6e.xlarge"))
    assert sorted(finding.rule for finding in of_memory(report)) == sorted(kept)
    assert [question for question in report.unjudged if question.question == "memory"] == []


def test_max_is_all_accelerators_of_a_copy() -> None:
    options = {"HF_MODEL_ID": LLAMA_70B, "OPTION_TENSOR_PARALLEL_DEGREE": "max", "OPTION_MAX_MODEL_LEN": "8192"}
    fits = check(template_of(LMI, options, instance_type="ml.g6e.48xlarge", accelerators=8))
    assert of_memory(fits) == []
    less = only(check(template_of(LMI, options, instance_type="ml.g6e.48xlarge", accelerators=2)))
    assert less.rule == "copy-without-memory"
    assert "weights" in str(less.what)


def test_a_degree_below_the_accelerators_starts_more_workers_and_leaves_none_idle() -> None:
    """deployment_guide/configurations.md: 4 GPUs and a degree of 2 are two workers."""
    options = {"HF_MODEL_ID": LLAMA_8B, "OPTION_TENSOR_PARALLEL_DEGREE": "2", "OPTION_MAX_MODEL_LEN": "8192"}
    one = check(template_of(LMI, options, instance_type="ml.g6e.12xlarge", accelerators=4))
    assert [finding.rule for finding in one.problems] == []
    adapters = {**options, "OPTION_ENABLE_LORA": "true"}
    other = check(template_of(LMI, adapters, instance_type="ml.g6e.12xlarge", accelerators=4))
    assert "tensor-parallel-mismatch" in [finding.rule for finding in other.problems]


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"OPTION_ROLLING_BATCH": "trtllm"}, "OPTION_ROLLING_BATCH=trtllm: a library other than vLLM loads the model"),
        ({"OPTION_ROLLING_BATCH": "disable"}, "without OPTION_ASYNC_MODE=true, another library loads"),
        ({"OPTION_ASYNC_MODE": "yes"}, "OPTION_ASYNC_MODE=yes: LMI's server and its vLLM handler may read"),
        ({"OPTION_ENTRYPOINT": "model.py"}, "OPTION_ENTRYPOINT=model.py: custom code can take any amount of memory"),
        ({"OPTION_SPECULATIVE_CONFIG": "{}"}, "OPTION_SPECULATIVE_CONFIG={}: the draft model"),
        ({"OPTION_MAX_NUM_SEQS": "64"}, "LMI takes OPTION_MAX_ROLLING_BATCH_SIZE"),
        ({"OPTION_SOMETHING_NEW": "1"}, "OPTION_SOMETHING_NEW=1: it is not in the table of LMI's variables"),
        ({"OPTION_PIPELINE_PARALLEL_DEGREE": "2"}, "stages hold different layers"),
        ({"OPTION_DTYPE": "int8"}, "the size of this type is not known; known types: auto, fp16"),
    ],
)
def test_what_changes_memory_and_is_not_sized_is_told_with_its_name(environment: dict[str, str], why: str) -> None:
    assert why in why_not_judged(check(template_of(LMI, {"HF_MODEL_ID": LLAMA_8B, **environment})))


def test_a_file_of_settings_may_lie_beside_weights_in_s3() -> None:
    template = template_of(LMI, {"OPTION_MAX_MODEL_LEN": "8192"}, ModelDataSource=WEIGHTS)
    report = check(template, models={"Model": LLAMA_8B})
    assert of_memory(report) == []
    assert "serving.properties in the folder of the weights in S3" in why_not_judged(report)


# Dialect


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_answered_and_read(stream: bool) -> None:
    body = DIALECT.chat_body([{"role": "user", "content": "Why?"}], Generation(max_new_tokens=3), stream=stream)
    accepted = DIALECT.accept(body, SERVED)
    tokens = ["one ", "two ", "three"]
    if stream:
        lines = b"".join(accepted.events(tokens, 0, 3))
        assert accepted.stream_media_type == "application/jsonlines"
        assert all(isinstance(json.loads(line), dict) for line in lines.splitlines())
        reader = DIALECT.reader()
        pieces = [piece for start in range(0, len(lines), 7) for piece in reader.feed(lines[start : start + 7])]
        assert ("".join(piece.text for piece in pieces), sum(piece.tokens for piece in pieces)) == ("one two three", 3)
        assert reader.input_tokens == accepted.input_tokens
    else:
        answer = DIALECT.read_answer(accepted.whole(tokens))
        assert (answer.text, answer.tokens) == ("one two three", 3)


def test_a_body_with_inputs_is_answered_as_text_and_in_tokens() -> None:
    body = {"inputs": "Why?", "parameters": {"max_new_tokens": 2, "details": True}}
    accepted = DIALECT.accept(json.dumps(body).encode(), SERVED)
    whole = json.loads(accepted.whole(["a", "b"]))
    assert (whole["generated_text"], whole["details"]["generated_tokens"]) == ("ab", 2)
    assert DIALECT.read_answer(accepted.whole(["a", "b"])).tokens == 2
    *_, last = accepted.events(["a", "b"], 0, 2)
    assert json.loads(last)["generated_text"] == "ab"
    reader = DIALECT.reader()
    assert [piece.text for piece in reader.feed(b"".join(accepted.events(["a", "b"], 0, 2)))] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"question": "Why?"}, 424, "must contain prompt, inputs, or messages"),
        ({"inputs": ["Why?"]}, 424, "Input parsing failed: inputs must be a text"),
        ({"inputs": "Why?", "parameters": {"max_new_tokens": 100}}, 400, "maximum context length is 100"),
        ({"prompt": "Why?", "max_tokens": 100}, 400, "maximum context length is 100"),
        ({"prompt": "Why?", "model": "a/b"}, 404, "The model `a/b` does not exist"),
    ],
)
def test_a_body_that_it_does_not_take_is_refused(body: dict[str, Any], status: int, message: str) -> None:
    with pytest.raises(Refused) as refused:
        DIALECT.accept(json.dumps(body).encode(), SERVED)
    answer = json.loads(refused.value.body)
    assert (refused.value.status, answer["code"]) == (status, status)
    assert message in answer["error"]


def test_its_name_of_the_model_is_taken() -> None:
    assert DIALECT.accept(b'{"prompt": "Why?", "model": "lmi", "max_tokens": 2}', SERVED).output_tokens == 2
