"""A new engine is one folder: the toy goes from a plan to an answer, and no file outside its folder knows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest

from embedded_aws.server import EmbeddedAws
from replicas import Component, Deployment, EndpointPlan, plan
from replicas.engines import dialect_of_image, engine_names, engine_of_image, find_engine, registered
from replicas.errors import SizingError
from replicas.forecast import Load, forecast
from replicas.planning.data_age import gathered
from replicas.rules import check
from replicas_cdk import SageMakerChecks, TemplateProof
from stacks.multi_replica_stack import MultiReplicaStack
from tests.commands import Run
from tests.embedded import create_stack
from tests.engines.toy import ENGINE
from tests.synthesis import template_of_plan

NAME, MODEL = "toy-chat", "NousResearch/Llama-2-7b-chat-hf"


@pytest.fixture(scope="module", autouse=True)
def _toy() -> Iterator[None]:
    with registered(ENGINE):
        yield


def deployment(**settings: Any) -> Deployment:
    component = Component(**{"model": MODEL, "engine": "toy", "copies": 2, "tensor_parallel": 2, **settings})
    return Deployment(name=NAME, instance_type="ml.p4d.24xlarge", components=[component])


@pytest.fixture(scope="module")
def planned() -> EndpointPlan:
    return plan(deployment())


@pytest.fixture(scope="module")
def toy_assembly(planned: EndpointPlan, context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesised as `app.py` does it, with both plugins: a finding of theirs fails the synthesis."""
    folder = tmp_path_factory.mktemp("toy")
    app = cdk.App(context=context, outdir=str(folder))
    cdk.Validations.of(app).add_plugins(TemplateProof(), SageMakerChecks())
    MultiReplicaStack(app, planned)
    app.synth()
    return folder


@pytest.fixture(scope="module")
def template(toy_assembly: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((toy_assembly / f"{NAME}.template.json").read_text())
    return content


def properties_of(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == f"AWS::SageMaker::{kind}"
    ]
    return dict(found)


def test_it_is_found_by_name_version_and_image() -> None:
    assert engine_names() == ["lmi", "sglang", "tgi", "toy", "vllm"]
    assert str(find_engine("toy")) == "toy-1.2.0"
    assert str(find_engine("toy-1.0.0")) == "toy-1.0.0"
    image = "763104351884.dkr.ecr.us-west-2.amazonaws.com/toy-serving:toy1.0.0-gpu-py312-cu121-ubuntu22.04"
    kind = engine_of_image(image)
    assert kind is ENGINE
    assert kind.version_of(image.rpartition(":")[2]) == "1.0.0"
    assert dialect_of_image(image, {}) is ENGINE.dialects[0]
    assert {"toy/facts.json", "toy/images.json"} <= set(dict(gathered()))


def test_an_unknown_engine_is_refused_with_it_among_the_known_ones() -> None:
    with pytest.raises(LookupError, match="engines: lmi, sglang, tgi, toy, vllm"):
        find_engine("toys")


def test_a_plan_has_its_memory_its_limits_and_its_variables(planned: EndpointPlan) -> None:
    (component,) = planned.components
    assert component.memory.share == 0.8
    assert component.memory.context == 0.5 * 2**30
    assert component.environment == {
        "TOY_MODEL": MODEL,
        "TOY_SHARDS": "2",
        "TOY_LENGTH": "4096",
        "TOY_PREFILL": "4095",
        "TOY_SEATS": "8",
    }
    assert planned.inference_ami_version == "al2-ami-sagemaker-inference-gpu-3-1", "CUDA 12.4 needs the newer driver"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "Qwen/Qwen3-8B"}, "toy-1.2.0 does not serve Qwen/Qwen3-8B"),
        ({"model": "TheBloke/Llama-2-7B-Chat-GPTQ"}, "toy-1.2.0 does not run gptq weights"),
        ({"environment": {"TOY_OLD_LENGTH": "5"}}, "toy-1.2.0 is given TOY_LENGTH"),
        ({"environment": {"TOY_TOKEN": "x"}}, "would put a token into the template"),
        ({"environment": {"TOY_SHARDS": "4"}}, "contradicts the plan, which sets '2'"),
    ],
)
def test_what_it_cannot_serve_is_refused_in_its_own_words(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SizingError, match=words):
        plan(deployment(**settings))


def test_the_template_names_its_image_and_its_variables(template: dict[str, Any]) -> None:
    container = properties_of(template, "Model")["PrimaryContainer"]
    assert json.dumps(container["Image"]).count("toy-serving:toy1.2.0-gpu-py312-cu124-ubuntu22.04") == 1
    assert container["Environment"]["TOY_SHARDS"] == "2"


def test_a_token_reaches_the_container_by_its_variable_too(context: dict[str, Any]) -> None:
    synthesised = template_of_plan(plan(deployment(token_secret="hub-token")), context)  # noqa: S106
    environment = properties_of(synthesised, "Model")["PrimaryContainer"]["Environment"]
    assert environment["TOY_TOKEN"] == "{{resolve:secretsmanager:hub-token:SecretString:::}}"  # noqa: S105


def test_its_template_is_clean(template: dict[str, Any]) -> None:
    report = check(template)
    assert (report.problems, report.unresolved) == ((), ())


@pytest.mark.parametrize(
    ("changes", "rule", "finding"),
    [
        ({"TOY_SHARDS": "4"}, "tensor-parallel-mismatch", "TOY_SHARDS=4, NumberOfAcceleratorDevicesRequired=2"),
        ({"TOY_SHARDS": None, "SM_NUM_GPUS": "2"}, "tensor-parallel-missing", "TOY_SHARDS is not set for toy-serving"),
        ({"TOY_OLD_LENGTH": "9"}, "input-limit-twice", "TOY_LENGTH and TOY_OLD_LENGTH"),
    ],
)
def test_rules_judge_its_containers_by_its_variables(
    template: dict[str, Any], changes: dict[str, str | None], rule: str, finding: str
) -> None:
    changed = json.loads(json.dumps(template))
    environment = properties_of(changed, "Model")["PrimaryContainer"]["Environment"]
    for name, value in changes.items():
        environment.pop(name, None)
        environment.update({name: value} if value else {})

    (problem,) = check(changed).problems

    assert problem.rule == rule
    assert finding in problem.what


def test_a_forecast_uses_its_profile(planned: EndpointPlan) -> None:
    (component,) = planned.components
    told = forecast(planned, component, [Load(users=4, input_tokens=500, output_tokens=50)])
    (point,) = told.points
    assert told.engine == "toy-1.2.0"
    # 50 steps of at least 10 ms of the host's time, which no other engine has.
    assert point.latency_p50_seconds is not None
    assert 0.5 < point.latency_p50_seconds < 3


def test_a_forecast_follows_its_batch_limit() -> None:
    """One seat a copy: of eight users on two copies two are served at a time."""
    load = Load(users=8, input_tokens=500, output_tokens=50)
    rates = []
    for seats in (1, 4):
        planned = plan(deployment(max_sequences=seats))
        (point,) = forecast(planned, planned.components[0], [load]).points
        rates.append(point.requests_per_second_window)
    assert rates[1] > 2 * rates[0]


@pytest.fixture(scope="module")
def outputs(running_aws: EmbeddedAws, toy_assembly: Path) -> dict[str, str]:
    from embedded_aws.process import client_environment

    with pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(running_aws.url).items():
            patch.setenv(variable, value)
        boto3.DEFAULT_SESSION = None
        return create_stack(toy_assembly, NAME)


def test_its_endpoint_answers_a_chat_word_by_word(run: Run, embedded: EmbeddedAws, outputs: dict[str, str]) -> None:
    outcome = run("chat", NAME, "What is a toy?", "--max-new-tokens", "9", "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.json
    assert document["output_tokens"] == 9
    assert document["text"].startswith("This answer comes from a stand-in")
    assert document["model"] == MODEL


def test_its_container_answers_and_refuses_in_its_own_words(embedded: EmbeddedAws, outputs: dict[str, str]) -> None:
    runtime = boto3.client("sagemaker-runtime")
    target = {"EndpointName": outputs["EndpointName"], "InferenceComponentName": outputs["InferenceComponentName"]}

    answer = runtime.invoke_endpoint(**target, Body=json.dumps({"ask": "Why?", "words": 3}))
    assert json.loads(answer["Body"].read())["words"] == 3

    with pytest.raises(runtime.exceptions.ModelError) as refused:
        runtime.invoke_endpoint(**target, Body=json.dumps({"inputs": "Why?"}))
    assert refused.value.response["OriginalStatusCode"] == 418
    assert "the toy is asked with `ask`" in refused.value.response["OriginalMessage"]

    stream = runtime.invoke_endpoint_with_response_stream(
        **target, Body=json.dumps({"ask": "Why?", "words": 5, "lines": True})
    )
    assert stream["ContentType"] == "application/jsonlines"
    lines = b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]).splitlines()
    assert len(lines) == 5


def test_status_names_its_model_and_probes_it(run: Run, embedded: EmbeddedAws, outputs: dict[str, str]) -> None:
    outcome = run("status", NAME, "--probe")
    assert outcome.code == 0, outcome.said
    assert MODEL in outcome.said
