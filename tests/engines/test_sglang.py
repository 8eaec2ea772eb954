"""SGLang: its static share by card and version, the names of its arguments, and chat bodies as the only ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas import Adapter, ComponentPlan, plan
from replicas.catalogue.instances import find_instance
from replicas.engines import Generation, effect_of, engine_kinds, find_engine, read_settings
from replicas.engines.answering import Refused, ServedModel
from replicas.errors import SizingError
from replicas.forecast.copies import copy_engine
from replicas.rules import check
from tests.planning.build import deployment
from tests.rules.test_adapter_engines import about_engine, adapted
from tests.rules.test_memory import DLC, LLAMA_8B, LLAMA_70B, of_memory, only, template_of, why_not_judged

KIND = engine_kinds()["sglang"]
(DIALECT,) = KIND.dialects
SGLANG = f"{DLC}/sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker"
ARGUMENTS = set(json.loads((Path(__file__).parent / "arguments.json").read_text())["sglang"])
SERVED = ServedModel(id="a/b", max_input_tokens=99, max_total_tokens=100, has_chat_template=True)
GIB = 2**30


def component(**wishes: Any) -> ComponentPlan:
    wished = {"model": LLAMA_8B, "engine": "sglang", "instance_type": "ml.g6e.12xlarge", **wishes}
    (found,) = plan(deployment(**wished), to_deploy=False).components
    return found


def environment(**wishes: Any) -> dict[str, str]:
    return dict(component(**wishes).environment)


# Memory


@pytest.mark.parametrize(
    ("version", "instance_type", "degree", "prefill", "reserve"),
    # Computed by hand from the code of the version: 512 MiB, 1.5 a token of a prefill step, 2 a request of the largest
    # graph, 1,024/8 an accelerator, 8 for each captured length of a prefill step; 10 GiB at least above 60 GiB.
    [
        ("0.5.8", "ml.g5.12xlarge", 1, 2048, 512 + 3072 + 48 + 128),
        ("0.5.13", "ml.g5.12xlarge", 1, 2048, 512 + 3072 + 48 + 128 + 42 * 8),
        ("0.5.18", "ml.g5.12xlarge", 4, 2048, 512 + 3072 + 160 + 512 + 42 * 8),
        ("0.5.20", "ml.g5.12xlarge", 1, 4096, 512 + 6144 + 96 + 128 + 50 * 8),
        ("0.5.20", "ml.g6e.12xlarge", 2, 4096, 512 + 6144 + 64 + 256 + 50 * 8),
        ("0.5.8", "ml.p4de.24xlarge", 1, 2048, 10240),
        ("0.5.20", "ml.p5.48xlarge", 8, 8192, 512 + 12288 + 1024 + 1024 + 58 * 8),
    ],
)
def test_the_static_share_is_that_of_the_card_and_the_version(
    version: str, instance_type: str, degree: int, prefill: int, reserve: float
) -> None:
    instance = find_instance(instance_type)
    share, _ = find_engine(f"sglang-{version}").share_on(instance, degree, prefill)
    assert share == round(1 - reserve / instance.accelerator_memory_mib, 3)


@pytest.mark.parametrize(
    ("version", "instance_type", "tokens"),
    [
        ("0.5.18", "ml.g5.12xlarge", 2048),
        ("0.5.20", "ml.g5.12xlarge", 4096),
        ("0.5.20", "ml.g6e.12xlarge", 4096),
        ("0.5.20", "ml.p5.48xlarge", 8192),
    ],
)
def test_a_prefill_step_is_that_of_the_card(version: str, instance_type: str, tokens: int) -> None:
    assert find_engine(f"sglang-{version}").default_prefill_tokens(find_instance(instance_type), 1)[0] == tokens


def test_activations_and_graphs_lie_beside_the_share() -> None:
    memory = component(gpu_memory_share=0.8, tensor_parallel=1).memory
    assert (memory.activations, memory.graphs) == (0, 0)
    assert memory.outside > 0.93 * GIB
    assert memory.kv_cache_tokens == pytest.approx(
        (memory.card * 0.8 - memory.weights - memory.context) / 131072, abs=1
    )


def test_a_share_that_leaves_no_room_beside_it_is_refused_with_one_that_does() -> None:
    with pytest.raises(
        SizingError, match=r"gpu_memory_share=0\.98 leaves no room for the \d\.\d GiB .*: set gpu_memory_share=0"
    ):
        component(gpu_memory_share=0.98, tensor_parallel=1)


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        (
            {"model": "openai/gpt-oss-20b", "instance_type": "ml.p5.48xlarge"},
            r"the memory of the family 'gpt_oss' .*: use engine='vllm'",
        ),
        ({"model": "google/flan-t5-xl"}, r"the memory of the family 't5'"),
        ({"quantization": "bitsandbytes"}, r"the memory of bitsandbytes weights is not known: use engine='vllm'"),
        (
            {"adapters": [Adapter(name="sql", weights="s3://a/b/", rank=8)]},
            r"adapters=: sglang-0\.5\.20 can serve adapters, but their memory is not known: use engine='lmi' or 'vllm'",
        ),
        (
            {"engine": "sglang-0.4.1"},
            r"versions of sglang before 0\.4\.3 are not supported; versions with an image: 0\.5\.8, 0\.5\.13",
        ),
        ({"engine": "sglang-0.6.0"}, r"versions of sglang after 0\.5"),
    ],
)
def test_what_is_not_known_of_it_is_refused_with_another_engine(wishes: dict[str, Any], why: str) -> None:
    with pytest.raises(SizingError, match=why):
        component(**wishes)


def test_its_images_have_two_publishers() -> None:
    assert find_engine("sglang").image.name == "sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker"  # type: ignore[union-attr]
    assert find_engine("sglang", "huggingface").version == "0.5.8"


# Variables


def test_it_is_told_every_limit_that_the_plan_assumed() -> None:
    limits = {"max_total_tokens": 2048, "tensor_parallel": 2, "max_sequences": 32, "max_batch_prefill_tokens": 2048}
    assert environment(gpu_memory_share=0.8, revision="abc", quantization="fp8", **limits) == {
        "SM_SGLANG_MODEL_PATH": LLAMA_8B,
        "SM_SGLANG_TP_SIZE": "2",
        "SM_SGLANG_CONTEXT_LENGTH": "2048",
        "SM_SGLANG_CHUNKED_PREFILL_SIZE": "2048",
        "SM_SGLANG_MAX_RUNNING_REQUESTS": "32",
        "SM_SGLANG_MEM_FRACTION_STATIC": "0.8",
        "SM_SGLANG_REVISION": "abc",
        "SM_SGLANG_QUANTIZATION": "fp8",
    }


def test_its_variables_are_arguments_of_the_server() -> None:
    given = environment(gpu_memory_share=0.8, revision="abc", quantization="fp8")
    assert {name.removeprefix("SM_SGLANG_").lower() for name in given} <= ARGUMENTS


def test_every_argument_of_the_server_is_in_the_table() -> None:
    assert [name for name in ARGUMENTS if effect_of(KIND, f"SM_SGLANG_{name.upper()}") == "not known"] == []


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("HF_MODEL_ID", "SGLang's images do not read this variable: use model="),
        ("SM_NUM_GPUS", "SGLang's images do not read this variable: use tensor_parallel="),
        ("SM_SGLANG_MAX_TOTAL_TOKENS", "it limits the cache independently of the share"),
        ("SM_SGLANG_SPECULATIVE_ALGORITHM", "the draft model"),
        ("SM_SGLANG_ENABLE_HIERARCHICAL_CACHE", "weights or cache in the host's memory"),
        ("SM_SGLANG_NEW_FLAG", "the engine has no such argument"),
        ("SM_SGLANG_TENSOR_PARALLEL_SIZE", "tensor_parallel="),
    ],
)
def test_a_variable_that_it_would_ignore_or_that_is_not_sized_is_refused(variable: str, why: str) -> None:
    with pytest.raises(SizingError, match=why):
        component(environment={variable: "4"})


@pytest.mark.parametrize("name", ["TP_SIZE", "TENSOR_PARALLEL_SIZE", "TP"])
def test_the_degree_is_read_by_each_of_its_names(name: str) -> None:
    assert read_settings(KIND, {f"SM_SGLANG_{name}": "2"}, has_local_weights=False).tensor_parallel == 2


def test_without_the_radix_cache_no_prefix_is_cached() -> None:
    instance = find_instance("ml.g6e.12xlarge")
    assert copy_engine(component(), instance).profile.prefix_caching
    switched_off = component(environment={"SM_SGLANG_DISABLE_RADIX_CACHE": "true"})
    assert not copy_engine(switched_off, instance).profile.prefix_caching
    assert switched_off.memory == component().memory


# Containers of others


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SM_SGLANG_CONTEXT_LENGTH": "131072"},  # more than the cache holds: it starts, and refuses longer requests
        {"SM_SGLANG_CONTEXT_LENGTH": "8192", "SM_SGLANG_DISABLE_RADIX_CACHE": "true", "SM_SGLANG_DTYPE": "bfloat16"},
        {"SM_SGLANG_KV_CACHE_DTYPE": "fp8_e4m3", "SM_SGLANG_ATTENTION_BACKEND": "fa3"},
    ],
)
def test_a_container_of_others_fits(environment: dict[str, str]) -> None:
    report = check(
        template_of(SGLANG, {"SM_SGLANG_MODEL_PATH": LLAMA_8B, **environment}, instance_type="ml.g6e.xlarge")
    )
    assert (of_memory(report), [it for it in report.unjudged if it.question == "memory"]) == ([], [])


@pytest.mark.parametrize(
    ("environment", "instance_type", "accelerators"),
    [
        ({"SM_SGLANG_MODEL_PATH": LLAMA_8B}, "ml.g5.xlarge", 1),  # 0.676 of 22 GiB hold no 15 GiB of weights
        ({"SM_SGLANG_MODEL_PATH": LLAMA_8B, "SM_SGLANG_MEM_FRACTION_STATIC": "0.99"}, "ml.g6e.xlarge", 1),
        ({"SM_SGLANG_MODEL_PATH": LLAMA_70B, "SM_SGLANG_TP": "2"}, "ml.g6e.12xlarge", 2),
    ],
)
def test_a_container_of_others_does_not_fit(environment: dict[str, str], instance_type: str, accelerators: int) -> None:
    template = template_of(SGLANG, environment, instance_type=instance_type, accelerators=accelerators)
    assert only(check(template)).rule == "copy-without-memory"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"SM_SGLANG_DP_SIZE": "2"}, "SM_SGLANG_DP_SIZE=2: several engines share"),
        ({"SM_SGLANG_PAGE_SIZE": "64"}, "SM_SGLANG_PAGE_SIZE=64"),
        ({"SGLANG_ENABLE_POST_CAPTURE_KV_SIZING": "1"}, "the cache is sized after the graphs are captured"),
        ({"SM_SGLANG_SOMETHING_NEW": "1"}, "SM_SGLANG_SOMETHING_NEW=1"),
    ],
)
def test_what_changes_memory_and_is_not_sized_is_told_with_its_name(environment: dict[str, str], why: str) -> None:
    assert why in why_not_judged(check(template_of(SGLANG, {"SM_SGLANG_MODEL_PATH": LLAMA_8B, **environment})))


def test_a_missing_degree_leaves_accelerators_idle() -> None:
    template = template_of(SGLANG, {"SM_SGLANG_MODEL_PATH": LLAMA_8B}, instance_type="ml.g6e.12xlarge", accelerators=4)
    assert [finding.rule for finding in check(template).problems] == ["tensor-parallel-missing"]


def test_adapters_of_a_container_of_others_are_no_problem_by_themselves() -> None:
    findings = about_engine(adapted(SGLANG, SM_SGLANG_MODEL_PATH="/opt/ml/model", SM_SGLANG_ENABLE_LORA="true"))
    assert [finding.rule for finding in findings if finding.certain] == []


# Dialect


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_is_sent_as_a_message(stream: bool) -> None:
    """entrypoints/http_server.py: /invocations is the path of chat completions."""
    body = DIALECT.prompt_body("Why?", Generation(max_new_tokens=3), stream=stream, exact_length=True)
    assert json.loads(body)["messages"] == [{"role": "user", "content": "Why?"}]
    assert json.loads(body)["ignore_eos"] is True
    accepted = DIALECT.accept(body, SERVED)
    tokens = ["one ", "two ", "three"]
    if stream:
        pieces = list(DIALECT.reader().feed(b"".join(accepted.events(tokens, 0, 3))))
        assert "".join(piece.text for piece in pieces) == "one two three"
    else:
        assert DIALECT.read_answer(accepted.whole(tokens)).text == "one two three"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Invalid JSON"),
        (b'{"prompt": "Why?"}', "'messages'), 'msg': 'Field required'"),
        (b'{"messages": [{"role": "user", "content": "Why?"}], "max_tokens": 100}', "maximum context length is 100"),
    ],
)
def test_a_body_that_it_does_not_take_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Refused) as refused:
        DIALECT.accept(body, SERVED)
    answer = json.loads(refused.value.body)
    assert (refused.value.status, answer["code"], answer["object"]) == (400, 400, "error")
    assert message in answer["message"]
