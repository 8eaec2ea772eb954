"""One deployment of each engine by the real CDK CLI: it is deployed, answers a chat and a probe, and is deleted."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.conftest import Account, Synthesise

pytestmark = pytest.mark.end_to_end

MODEL = "NousResearch/Meta-Llama-3.1-8B-Instruct"


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
