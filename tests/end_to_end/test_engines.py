"""Deployments of each engine and kind of model by the real CDK CLI: each is deployed, answers, and is deleted."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Account, Synthesise

pytestmark = pytest.mark.end_to_end

MODEL = "NousResearch/Meta-Llama-3.1-8B-Instruct"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG file of one pixel, in base64."""


@pytest.mark.parametrize(
    ("engine", "image"),
    [
        ("lmi", "djl-inference:0.38.0-lmi29.0.0-cu130"),
        ("sglang", "sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker"),
        ("vllm", "vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"),
    ],
)
def test_an_engine_is_deployed_and_answers(account: Account, synthesise: Synthesise, engine: str, image: str) -> None:
    name = f"by-{engine}"
    app = synthesise(
        f"Deployment(name={name!r}, instance_type='ml.g6e.12xlarge', components=[Component(model={MODEL!r}, "
        f"engine={engine!r}, copies=2, tensor_parallel=2)])"
    )
    deployed = account.deploy(name, app=app)
    assert deployed.code == 0, deployed.output
    (model,) = account.client("sagemaker").list_models()["Models"]
    described = account.client("sagemaker").describe_model(ModelName=model["ModelName"])
    assert described["PrimaryContainer"]["Image"].endswith(f"/{image}")

    answer = account.replicas("chat", name, "What is a copy?", "--max-new-tokens", "9", "--json")
    assert answer.code == 0, answer.output
    assert json.loads(answer.output)["output_tokens"] == 9

    probed = account.replicas("status", name, "--probe")
    assert probed.code == 0, probed.output
    assert MODEL in probed.output

    assert account.cdk("destroy", name, "--force", app=app).code == 0
    assert account.things() == {}


def test_an_embedding_model_and_its_reranker_are_deployed_and_answer(account: Account, synthesise: Synthesise) -> None:
    app = synthesise(
        "Deployment(name='search', instance_type='ml.g6.12xlarge', components=["
        "Component(name='embedding', model='BAAI/bge-m3', copies=2, tensor_parallel=1), "
        "Component(name='reranker', model='BAAI/bge-reranker-v2-m3', copies=2, tensor_parallel=1)])"
    )
    deployed = account.deploy("search", app=app)
    assert deployed.code == 0, deployed.output

    embedded = account.replicas("invoke", "search", "--component", "embedding", "--text", "a copy", "--json")
    assert embedded.code == 0, embedded.output
    assert len(json.loads(embedded.output)["answer"]["data"][0]["embedding"]) == 1024
    texts = ("--text", "a river in Africa", "--text", "A processor.", "--text", "A river in Africa.")
    ranked = account.replicas("invoke", "search", "--component", "reranker", *texts)
    assert ranked.code == 0, ranked.output
    assert [line.split("  ", 1)[1] for line in ranked.output.splitlines()] == ["A river in Africa.", "A processor."]

    assert account.cdk("destroy", "search", "--force", app=app).code == 0
    assert account.things() == {}


def test_a_model_that_sees_is_deployed_and_answers_about_an_image(
    account: Account, synthesise: Synthesise, tmp_path: Path
) -> None:
    app = synthesise(
        "Deployment(name='seeing', instance_type='ml.g6e.xlarge', components=["
        "Component(model='Qwen/Qwen3-VL-8B-Instruct', copies=1, tensor_parallel=1, max_total_tokens=8192)])"
    )
    deployed = account.deploy("seeing", app=app)
    assert deployed.code == 0, deployed.output
    picture = tmp_path / "picture.png"
    picture.write_bytes(base64.b64decode(PIXEL))

    question = ("What is it?", "--image", str(picture), "--max-new-tokens", "9", "--json")
    answer = account.replicas("chat", "seeing", *question)
    assert answer.code == 0, answer.output
    assert json.loads(answer.output)["output_tokens"] == 9

    assert account.cdk("destroy", "seeing", "--force", app=app).code == 0
    assert account.things() == {}
