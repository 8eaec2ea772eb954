"""The parts of `make oracle` that need no engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments import DEPLOYMENTS
from replicas.planning.planner import plan
from scripts.oracle.arguments import ENGINE, planned
from scripts.oracle.comparing import Answer, differences
from scripts.oracle.engine.container import arguments

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


def test_the_parser_is_asked_about_every_deployment_of_the_engine() -> None:
    plans = [plan(deployment, to_deploy=False) for deployment in DEPLOYMENTS]
    served = [component for each in plans for component in each.components if component.engine.name == ENGINE]
    assert len(dict(planned())) == len(served) > 0


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
