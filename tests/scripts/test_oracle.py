"""The parts of `make oracle` that need no engine."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

import pytest

from deployments import DEPLOYMENTS
from replicas.planning.planner import plan
from scripts.oracle.arguments import ENGINES, Case, planned, problems_of
from scripts.oracle.comparing import Answer, differences
from scripts.oracle.engine import lmi
from scripts.oracle.engine.container import SGLANG_PREFIX, arguments
from scripts.oracle.engine.reading import misread

# huggingface/vllm and scripts/vllm of aws/deep-learning-containers, `sagemaker_entrypoint.sh`.
MAPPED = [
    ({"SM_VLLM_MAX_MODEL_LEN": "8192"}, ["--max-model-len", "8192"]),
    ({"SM_VLLM_ENABLE_LORA": "true"}, ["--enable-lora"]),
    ({"SM_VLLM_ENABLE_LORA": "False"}, []),
    ({"HF_MODEL_ID": "a/b"}, ["--model", "a/b"]),
    ({"HF_MODEL_ID": "a/b", "SM_VLLM_MODEL": "c/d"}, ["--model", "c/d"]),
    ({"VLLM_LOGGING_LEVEL": "INFO", "PATH": "/bin"}, []),
]


@pytest.mark.parametrize(("environment", "expected"), MAPPED)
def test_variables_become_arguments_as_in_the_images(environment: dict[str, str], expected: list[str]) -> None:
    assert arguments(environment) == expected


def test_variables_of_sglang_become_its_arguments() -> None:
    environment = {"SM_SGLANG_TP_SIZE": "4", "SM_SGLANG_DISABLE_RADIX_CACHE": "true", "HF_MODEL_ID": "a/b"}
    assert arguments(environment, SGLANG_PREFIX) == ["--tp-size", "4", "--disable-radix-cache"]


# properties_manager/vllm_rb_properties.py of djl-serving: `generate_vllm_engine_arg_dict`, `construct_vllm_args_list`.
OPTIONS_OF_LMI = [
    ({"HF_MODEL_ID": "a/b"}, ["--max_num_seqs=32", "--max_loras=4", "--model=a/b"]),
    ({"OPTION_TENSOR_PARALLEL_DEGREE": "2"}, ["--max_num_seqs=32", "--max_loras=4", "--tensor_parallel_size=2"]),
    ({"OPTION_MAX_ROLLING_BATCH_SIZE": "8", "OPTION_MAX_LORAS": "1"}, ["--max_num_seqs=8", "--max_loras=1"]),
    ({"OPTION_ENABLE_LORA": "true"}, ["--max_num_seqs=32", "--max_loras=4", "--enable_lora"]),
    ({"OPTION_ASYNC_MODE": "true", "OPTION_NO_SUCH": "1"}, ["--max_num_seqs=32", "--max_loras=4"]),
]


@pytest.mark.parametrize(("environment", "expected"), OPTIONS_OF_LMI)
def test_options_of_lmi_become_arguments_of_vllm(environment: dict[str, str], expected: list[str]) -> None:
    known = {"model", "tensor_parallel_size", "max_num_seqs", "max_loras", "enable_lora"}
    assert lmi.arguments(environment, known) == expected


def test_an_option_of_lmi_that_does_not_arrive_at_vllm_is_named() -> None:
    assert lmi.dropped({"OPTION_NO_SUCH": "1", "OPTION_ROLLING_BATCH": "disable"}, {"model"}) == ["no_such"]


def test_parsers_are_asked_about_every_deployment_of_their_engines() -> None:
    plans = [plan(deployment, to_deploy=False) for deployment in DEPLOYMENTS]
    served = [component for each in plans for component in each.components if component.engine.name in ENGINES]
    assert len({case.name for case in planned()}) == len(served) > 0
    assert {component.engine.name for component in served} == set(ENGINES)


@pytest.mark.parametrize(
    ("value", "setting", "is_misread"),
    [
        ("8", 8, False),
        ("0.9", 0.9, False),
        ("true", True, False),
        ("false", None, False),
        ("8", 9, True),
        ("a", None, True),
        ('{"a": ["b"]}', {"a": ["b"]}, False),
        ('{"a": ["b"]}', {"a": ["c"]}, True),
    ],
)
def test_a_setting_that_is_read_otherwise_is_found(value: str, setting: object, *, is_misread: bool) -> None:
    assert bool(misread({"name": value}, Namespace(name=setting), ArgumentParser())) == is_misread


def test_a_setting_is_found_under_the_name_under_which_the_parser_stores_it() -> None:
    """SGLang 0.5.13 stores --tp-size as tensor_parallel_size."""
    parser = ArgumentParser()
    parser.add_argument("--tensor-parallel-size", "--tp-size", type=int)
    parsed = parser.parse_args(["--tp-size", "2"])
    assert misread({"tp_size": "2"}, parsed, parser) == {}
    assert misread({"tp_size": "4"}, parsed, parser) == {"tp_size": "'4' is read as 2"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"refused": "no", "unknown_variables": []}, "no: {"),
        ({"unknown_variables": ["A"]}, "the engine has no variable A"),
        ({"unknown_variables": [], "misread": {"a": "'1' is read as 2"}}, "a: '1' is read as 2"),
    ],
)
def test_what_a_parser_says_against_a_plan_is_a_problem(answer: dict[str, Any], words: str) -> None:
    (problem,) = problems_of([Case("x", "vllm", "0.30.0", {"B": "1"})], [answer])
    assert problem.startswith("vllm 0.30.0, x: ")
    assert words in problem


def answer(document: object, status: int = 200) -> Answer:
    return Answer(status, "application/json", json.dumps(document))


def chunks(*documents: Any) -> Answer:
    body = "".join(f"data: {json.dumps(document)}\n\n" for document in documents)
    return Answer(200, "text/event-stream", f"{body}data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("engine", "stand_in", "words"),
    [
        (answer({}), answer({}, 404), "status 404 instead of 200"),
        (answer({}), chunks(), "content type text/event-stream instead of application/json"),
        (answer({"usage": {"total": 1}}), answer({"usage": {}}), "usage.total is missing: 1"),
        (answer({}), answer({"more": 1}), "more is not in the engine's answer"),
        (answer({"id": 1}), answer({"id": "1"}), "id is '1' instead of 1"),
        (answer({"choices": [1]}), answer({"choices": []}), "choices. has 0 entries instead of 1"),
        (
            answer({"error": {"type": "a", "param": "x"}}, 400),
            answer({"error": {"type": "b", "param": "x"}}, 400),
            "error type 'b' instead of 'a'",
        ),
        (chunks({"usage": {}}), chunks(), "events"),
    ],
)
def test_a_difference_is_named(engine: Answer, stand_in: Answer, words: str) -> None:
    (difference,) = differences(engine, stand_in)
    assert words in difference


@pytest.mark.parametrize(
    ("engine", "stand_in"),
    [
        (answer({"text": "one", "logprobs": None}), answer({"text": "two"})),
        (chunks({"text": "a"}, {"text": "b"}, {"text": "c"}), chunks({"text": "d"})),
        (
            answer({"error": {"message": "one", "type": "a"}}, 400),
            answer({"error": {"message": "x", "type": "a"}}, 400),
        ),
    ],
)
def test_text_and_the_number_of_chunks_may_differ(engine: Answer, stand_in: Answer) -> None:
    assert differences(engine, stand_in) == []
