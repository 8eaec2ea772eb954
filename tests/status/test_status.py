"""`replicas status`: healthy, drifted, failed, rolled back, under way; and with everything that AWS refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.support import component_by_hand, endpoint_by_hand
from replicas.status.drift import Wanted, differences, wanted_resources
from tests.commands import TGI, VLLM, Run
from tests.embedded import Deploy, scalable, settled

Outputs = dict[str, dict[str, str]]


def test_a_healthy_deployment_is_as_its_template_asks_for(run: Run, endpoints: Outputs) -> None:
    outcome = run("status", TGI)
    assert outcome.code == 0, outcome.out
    assert "8 of 8" in outcome.said
    assert "1 x ml.p4d.24xlarge: 25.25 USD an hour, indicative" in outcome.said
    assert outcome.out.rstrip().endswith("as in the template")


def test_json_holds_everything(run: Run, endpoints: Outputs) -> None:
    document = run("status", VLLM, "--json").json
    assert document["is_healthy"] is True
    assert document["stack"]["status"] == "CREATE_COMPLETE"
    assert document["usd_per_hour"] == pytest.approx(2.61, abs=0.01)
    (component,) = document["components"]
    assert (component["desired"], component["running"], component["model"]) == (1, 1, "Qwen/Qwen3-8B")


def test_any_endpoint_has_a_status_but_no_template(run: Run, endpoints: Outputs) -> None:
    document = run("status", "--endpoint", endpoints[VLLM]["EndpointName"], "--json").json
    assert (document["stack"], document["drift"], document["is_healthy"]) == (None, [], True)


def test_what_was_changed_by_hand_is_drift(run: Run, deploy: Deploy) -> None:
    outputs = deploy("starcoder2-15b")
    name = outputs["InferenceComponentName"]
    boto3.client("sagemaker").update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 1}
    )
    outcome = run("status", "starcoder2-15b")
    assert outcome.code == 1 or "under way" in outcome.said
    while "under way" in outcome.out:
        outcome = run("status", "starcoder2-15b")
    assert "RuntimeConfig.CopyCount is 1, the template has 2" in outcome.said
    assert "1 property is different from the template" in outcome.said

    # With a target the number of copies is autoscaling's to choose
    with scalable(name, 1, 2):
        scaled = run("status", "starcoder2-15b")
    assert scaled.code == 0, scaled.out
    assert "1 to 2 copies" in scaled.out


def test_an_update_that_was_rolled_back_does_not_pass_for_success(
    run: Run, deploy: Deploy, embedded: EmbeddedAws, assembly: Path
) -> None:
    name = deploy("flan-t5-xxl")["InferenceComponentName"]
    template = json.loads((assembly / "flan-t5-xxl.template.json").read_text())
    (component,) = [
        part for part in template["Resources"].values() if part["Type"] == "AWS::SageMaker::InferenceComponent"
    ]
    component["Properties"]["RuntimeConfig"]["CopyCount"] = 3
    boto3.client("cloudformation").update_stack(
        StackName="flan-t5-xxl", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    assert settled("flan-t5-xxl")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    outcome = run("status", "flan-t5-xxl")
    assert outcome.code == 1
    assert "stack flan-t5-xxl is UPDATE_ROLLBACK_COMPLETE: the previous version still serves" in outcome.said
    assert "There is not enough hardware resources" in outcome.said
    assert name in json.dumps(run("status", "flan-t5-xxl", "--json").json)


def test_a_deployment_that_failed_shows_the_reason_and_the_log(run: Run, embedded: EmbeddedAws, assembly: Path) -> None:
    embedded.faults.add(Fault(FaultKind.COPY_NEVER_STARTS))
    cloudformation = boto3.client("cloudformation")
    body = (assembly / "mistral-7b.template.json").read_text()
    cloudformation.create_stack(
        StackName="mistral-7b", TemplateBody=body, Capabilities=["CAPABILITY_IAM"], DisableRollback=True
    )
    settled("mistral-7b")
    failed = run("status", "mistral-7b")
    assert failed.code == 1
    assert "stack mistral-7b is CREATE_FAILED" in failed.said
    assert "did not pass the ping health check" in failed.said
    cloudformation.delete_stack(StackName="mistral-7b")
    settled("mistral-7b")


def test_a_component_that_failed_shows_its_log(run: Run, endpoints: Outputs, embedded: EmbeddedAws) -> None:
    """On an endpoint of somebody else's."""
    sagemaker, like = boto3.client("sagemaker"), endpoints[VLLM]
    model = sagemaker.describe_inference_component(InferenceComponentName=like["InferenceComponentName"])
    embedded.faults.add(Fault(FaultKind.COPY_NEVER_STARTS, "broken"))
    role = sagemaker.describe_model(ModelName=model["Specification"]["ModelName"])["ExecutionRoleArn"]
    endpoint_by_hand(sagemaker, role, "by-hand", InstanceType="ml.g6e.xlarge")
    component_by_hand(
        *(sagemaker, "broken", 1),
        endpoint="by-hand",
        ModelName=model["Specification"]["ModelName"],
        ComputeResourceRequirements=model["Specification"]["ComputeResourceRequirements"],
        StartupParameters={"ContainerStartupHealthCheckTimeoutInSeconds": 60},
    )
    outcome = run("status", "--endpoint", "by-hand")
    while "Creating" in outcome.out:
        outcome = run("status", "--endpoint", "by-hand")
    assert outcome.code == 1
    assert "component broken failed: The container for the inference component did not pass" in outcome.said
    assert "the container ended with exit code 1" in outcome.said
    sagemaker.delete_inference_component(InferenceComponentName="broken")
    while sagemaker.list_inference_components(EndpointNameEquals="by-hand")["InferenceComponents"]:
        pass
    sagemaker.delete_endpoint(EndpointName="by-hand")
    sagemaker.delete_endpoint_config(EndpointConfigName="c")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FaultKind.THROTTLING, "was throttled"),
        (FaultKind.EXPIRED_CREDENTIALS, "credentials have expired"),
        (FaultKind.ACCESS_DENIED, "is not allowed"),
    ],
)
@pytest.mark.parametrize(
    "on", ["cloudformation:*", "sagemaker:DescribeInferenceComponent", "application-autoscaling:*"]
)
def test_what_aws_refuses_is_one_message(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, kind: FaultKind, on: str, words: str, quick_retries: None
) -> None:
    embedded.faults.add(Fault(kind, on))
    outcome = run("status", TGI)
    assert (outcome.code, outcome.out) == (1, "")
    assert words in outcome.err


def test_being_throttled_once_is_not_worth_a_word(run: Run, endpoints: Outputs, embedded: EmbeddedAws) -> None:
    embedded.faults.add(Fault(FaultKind.THROTTLING, "sagemaker:DescribeEndpoint", times=1))
    assert run("status", TGI).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody"], 1, "no stack 'nobody' in us-west-2; deployed there: "),
        (["--endpoint", "nobody"], 1, "no endpoint 'nobody'"),
        ([], 1, "give either the NAME of a deployment"),
        ([TGI, "--endpoint", "x"], 1, "give either the NAME of a deployment, or --endpoint"),
        ([TGI, "--watch", "--json"], 2, "--watch refreshes tables"),
    ],
)
def test_wrong_input_is_one_message(run: Run, endpoints: Outputs, arguments: list[str], code: int, words: str) -> None:
    outcome = run("status", *arguments)
    assert outcome.code == code
    assert words in outcome.said


def test_a_stack_that_is_not_ours_says_so(run: Run, embedded: EmbeddedAws) -> None:
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation").create_stack(StackName="theirs", TemplateBody=json.dumps(body))
    settled("theirs")
    outcome = run("status", "theirs")
    assert outcome.code == 1
    assert "does not belong to this project" in outcome.said
    boto3.client("cloudformation").delete_stack(StackName="theirs")


def test_watching_ends_with_ctrl_c_and_the_state_it_saw(
    run: Run, endpoints: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("replicas.cli.status.time.sleep", interrupted)
    outcome = run("status", TGI, "--watch")
    assert outcome.code == 0
    assert "8 of 8" in outcome.said


# ---- the comparison itself

documents = st.recursive(
    st.integers(0, 9) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("xyz"), documents, max_size=3), st.dictionaries(st.just("live-only"), documents))
def test_what_is_live_as_asked_is_no_difference_whatever_else_is_live(asked: dict[str, Any], more: Any) -> None:
    assert list(differences(Wanted("R", "kind", "name", asked), {**asked, **more})) == []


@given(st.dictionaries(st.sampled_from("xyz"), documents, max_size=3), st.sampled_from("xyz"))
def test_a_property_that_is_gone_is_always_a_difference(asked: dict[str, Any], key: str) -> None:
    live = {name: value for name, value in asked.items() if name != key}
    found = {difference.path for difference in differences(Wanted("R", "kind", "name", asked), live)}
    assert found == ({key} if key in asked else set())


def test_a_secret_is_neither_compared_nor_shown() -> None:
    template = {
        "Resources": {
            "M": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "PrimaryContainer": {"Environment": {"TOKEN": "{{resolve:secretsmanager:hf}}", "A": "1"}}
                },
            }
        }
    }
    (wanted,) = wanted_resources(template, {"M": "m"}, region="us-west-2", parameters={})
    live = {"PrimaryContainer": {"Environment": {"TOKEN": "hf_secret", "A": "2"}}}
    (found,) = differences(wanted, live)
    assert str(found) == "M: PrimaryContainer.Environment.A is 2, the template has 1"
