"""`replicas teardown`: everything of one deployment, nothing of another, whatever AWS does in between."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.support import component_by_hand, endpoint_by_hand
from replicas.teardown import teardown as room
from tests.commands import TGI, VLLM, Run
from tests.embedded import Deploy, settled

Outputs = dict[str, dict[str, str]]
NAME = "mistral-7b"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, quick_retries: None) -> None:
    monkeypatch.setattr("replicas.teardown.teardown._FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr("replicas.teardown.teardown._LONGEST_PAUSE_SECONDS", 0.1)


@pytest.fixture
def doomed(deploy: Deploy) -> Iterator[dict[str, str]]:
    """A deployment with everything that a teardown has to find: a target, policies, a schedule, an adapter."""
    outputs = deploy(NAME)
    scale(outputs["InferenceComponentName"])
    add_adapter(outputs, "an-adapter")
    yield outputs
    sagemaker = boto3.client("sagemaker")
    with contextlib.suppress(ClientError):
        sagemaker.delete_inference_component(InferenceComponentName="an-adapter")
    while "an-adapter" in everything()["components"]:
        pass
    boto3.client("cloudformation").delete_stack(StackName=NAME)
    settled(NAME)


def scale(component: str) -> None:
    scaling = boto3.client("application-autoscaling")
    which: dict[str, Any] = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{component}",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    # Suspended: copies move when these tests move them, not when nobody asks.
    suspended = {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": True,
        "ScheduledScalingSuspended": True,
    }
    scaling.register_scalable_target(**which, MinCapacity=1, MaxCapacity=4, SuspendedState=suspended)
    tracking = {
        "TargetValue": 4.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
        },
    }
    scaling.put_scaling_policy(
        **which,
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )
    scaling.put_scheduled_action(
        **which, ScheduledActionName="night", Schedule="cron(0 20 * * ? *)", ScalableTargetAction={"MinCapacity": 1}
    )


def add_adapter(outputs: dict[str, str], name: str) -> None:
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName=outputs["EndpointName"],
        Specification={
            "BaseInferenceComponentName": outputs["InferenceComponentName"],
            "Container": {"ArtifactUrl": "s3://bucket/adapter/"},
        },
    )
    while sagemaker.describe_inference_component(InferenceComponentName=name)["InferenceComponentStatus"] == "Creating":
        time.sleep(0.02)


def everything() -> dict[str, set[str]]:
    """All that bills or lies around in the region."""
    sagemaker = boto3.client("sagemaker")
    found: dict[str, set[str]] = {
        "endpoints": {entry["EndpointName"] for entry in sagemaker.list_endpoints()["Endpoints"]},
        "configs": {entry["EndpointConfigName"] for entry in sagemaker.list_endpoint_configs()["EndpointConfigs"]},
        "models": {entry["ModelName"] for entry in sagemaker.list_models()["Models"]},
        "targets": {
            target["ResourceId"]
            for target in boto3.client("application-autoscaling").describe_scalable_targets(
                ServiceNamespace="sagemaker"
            )["ScalableTargets"]
        },
        "alarms": {alarm["AlarmName"] for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]},
        "logs": {group["logGroupName"] for group in boto3.client("logs").describe_log_groups()["logGroups"]},
        "components": {
            entry["InferenceComponentName"]
            for page in sagemaker.get_paginator("list_inference_components").paginate()
            for entry in page["InferenceComponents"]
        },
    }
    return found


def test_everything_of_a_deployment_goes_and_its_neighbours_stay(run: Run, endpoints: Outputs, deploy: Deploy) -> None:
    before = everything()
    outputs = deploy(NAME)
    scale(outputs["InferenceComponentName"])
    add_adapter(outputs, "an-adapter")
    outcome = run("teardown", NAME, "--yes")
    assert outcome.code == 0, outcome.said
    assert everything() == before
    assert settled(NAME) == {}
    for kind in ("scaling policy", "scheduled action", "scalable target", "alarm", "adapter component", "log group"):
        assert kind in outcome.said
    assert f"still billed region {outputs['EndpointName']}" not in outcome.said
    assert endpoints[TGI]["EndpointName"] in outcome.said, "the neighbours do bill"

    again = run("teardown", NAME, "--yes")
    assert again.code == 0
    assert f"no resource of {NAME} is left in us-west-2" in again.said


def test_the_order_is_one_in_which_aws_lets_things_go(run: Run, doomed: dict[str, str]) -> None:
    told = run("teardown", NAME, "--yes").err
    order = ["scaling policy", "scalable target", "adapter component", "inference component", "endpoint ", "model"]
    places = [told.index(f"deleting {kind}") for kind in [*order, "stack"]]
    assert places == sorted(places)


def test_a_dry_run_only_shows(run: Run, doomed: dict[str, str]) -> None:
    before = everything()
    outcome = run("teardown", NAME, "--dry-run", "--json")
    kinds = [thing["kind"] for thing in outcome.json["things"]]
    assert kinds[-1] == "stack"
    assert everything() == before
    assert run("teardown", NAME).code == 2, "nobody is there to ask"
    assert everything() == before


def test_what_is_being_created_is_waited_for(run: Run, doomed: dict[str, str]) -> None:
    boto3.client("sagemaker").update_inference_component_runtime_config(
        InferenceComponentName=doomed["InferenceComponentName"], DesiredRuntimeConfig={"CopyCount": 1}
    )
    outcome = run("teardown", NAME, "--yes")
    assert outcome.code == 0, outcome.said
    assert settled(NAME) == {}


def test_slow_deletions_are_waited_for_and_not_for_ever(
    run: Run, doomed: dict[str, str], embedded: EmbeddedAws
) -> None:
    component = doomed["InferenceComponentName"]
    embedded.faults.add(Fault(FaultKind.SLOW_DELETION, component, seconds=6_000))
    slow = run("teardown", NAME, "--yes", "--timeout", "1")
    assert slow.code == 1
    assert f"not deleted: inference component {component}: timed out while waiting for" in slow.said
    assert f"not deleted: endpoint {doomed['EndpointName']}: inference component {component} still exists" in slow.said
    embedded.faults.clear()
    resumed = run("teardown", NAME, "--yes")
    assert resumed.code == 0, resumed.said
    assert settled(NAME) == {}


@pytest.mark.parametrize(
    "on",
    [
        "sagemaker:DeleteInferenceComponent",
        "sagemaker:DeleteEndpoint",
        "sagemaker:DeleteModel",
        "application-autoscaling:DeleteScalingPolicy",
        "logs:DeleteLogGroup",
        "cloudformation:DeleteStack",
    ],
)
@pytest.mark.parametrize("kind", [FaultKind.THROTTLING, FaultKind.ACCESS_DENIED])
def test_what_aws_refuses_is_left_and_named_and_the_next_run_goes_on(
    run: Run, doomed: dict[str, str], embedded: EmbeddedAws, on: str, kind: FaultKind
) -> None:
    embedded.faults.add(Fault(kind, on))
    refused = run("teardown", NAME, "--yes")
    assert refused.code == 1
    words = "was throttled" if kind is FaultKind.THROTTLING else "is not allowed"
    assert words in refused.said
    assert "not deleted: " in refused.out
    embedded.faults.clear()
    resumed = run("teardown", NAME, "--yes")
    assert resumed.code == 0, resumed.said
    assert not any(doomed["InferenceComponentName"] in names for names in map(str, everything().values()))


def test_being_throttled_now_and_then_is_no_trouble(run: Run, doomed: dict[str, str], embedded: EmbeddedAws) -> None:
    embedded.faults.add(Fault(FaultKind.THROTTLING, "sagemaker:*", times=3))
    assert run("teardown", NAME, "--yes").code == 0


def test_an_interruption_says_what_to_do_and_loses_nothing(
    run: Run, doomed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def interrupted(seconds: float) -> None:
            raise KeyboardInterrupt

        patch.setattr("replicas.teardown.teardown.time.sleep", interrupted)
        outcome = run("teardown", NAME, "--yes")
    assert outcome.code == 130
    assert "run the command again to continue" in outcome.err
    assert run("teardown", NAME, "--yes").code == 0
    assert settled(NAME) == {}


def test_a_stack_whose_deletion_failed_is_finished(run: Run, doomed: dict[str, str], embedded: EmbeddedAws) -> None:
    """The adapter holds its component, which holds the endpoint: CloudFormation gives up."""
    boto3.client("cloudformation").delete_stack(StackName=NAME)
    assert settled(NAME)["StackStatus"] == "DELETE_FAILED"
    outcome = run("teardown", NAME, "--yes")
    assert outcome.code == 0, outcome.said
    assert settled(NAME) == {}


def test_log_groups_that_a_destroyed_stack_left_are_found(run: Run, endpoints: Outputs, deploy: Deploy) -> None:
    outputs = deploy("qwen3-30b-a3b")
    boto3.client("cloudformation").delete_stack(StackName="qwen3-30b-a3b")
    settled("qwen3-30b-a3b")
    group = f"/aws/sagemaker/InferenceComponents/{outputs['InferenceComponentName']}"
    assert group in everything()["logs"]
    assert run("teardown", "qwen3-30b-a3b", "--yes").code == 0
    assert group not in everything()["logs"]


# ---- endpoints that no stack made


def by_hand(like: dict[str, str], name: str, components: int, *, model: str | None = None) -> str:
    """An endpoint with components; returns the model that they share."""
    sagemaker = boto3.client("sagemaker")
    described = sagemaker.describe_inference_component(InferenceComponentName=like["InferenceComponentName"])
    source = sagemaker.describe_model(ModelName=described["Specification"]["ModelName"])
    role = source["ExecutionRoleArn"]
    if model is None:
        model = f"{name}-model"
        container = {key: source["PrimaryContainer"][key] for key in ("Image", "Environment")}
        sagemaker.create_model(ModelName=model, ExecutionRoleArn=role, PrimaryContainer=container)
    endpoint_by_hand(*(sagemaker, role, name), config=name, InstanceType="ml.p4d.24xlarge", InitialInstanceCount=2)
    for index in range(components):
        component_by_hand(sagemaker, f"{name}-{index}", 1, endpoint=name, ModelName=model)
    return model


def test_two_pages_of_components_on_an_endpoint_made_by_hand(run: Run, endpoints: Outputs) -> None:
    before = everything()
    by_hand(endpoints[VLLM], "many", 13)
    outcome = run("teardown", "--endpoint", "many", "--yes")
    assert outcome.code == 0, outcome.said
    assert everything() == before


def test_a_log_group_that_comes_while_components_are_being_created_goes_too(
    run: Run, endpoints: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything()
    by_hand(endpoints[VLLM], "young", 1)
    real = room.tear_down

    def later(*arguments: Any, **named: Any) -> Any:
        """The list is made; then the first copy writes."""
        with contextlib.suppress(ClientError):  # it had written already
            boto3.client("logs").create_log_group(logGroupName="/aws/sagemaker/InferenceComponents/young-0")
        boto3.client("logs").create_log_group(logGroupName="/aws/sagemaker/Endpoints/young")
        return real(*arguments, **named)

    monkeypatch.setattr(room, "tear_down", later)
    outcome = run("teardown", "--endpoint", "young", "--yes", "--json")
    assert outcome.code == 0, outcome.said
    assert everything() == before
    assert "/aws/sagemaker/Endpoints/young" in {thing["name"] for thing in outcome.json["deleted"]}


def test_a_model_that_somebody_else_uses_stays(run: Run, endpoints: Outputs) -> None:
    before = everything()
    model = by_hand(endpoints[VLLM], "mine", 1)
    by_hand(endpoints[VLLM], "theirs", 1, model=model)
    outcome = run("teardown", "--endpoint", "mine", "--yes")
    assert outcome.code == 0, outcome.said
    assert f"kept: model {model}: another component or configuration uses it" in outcome.said
    assert model in everything()["models"]
    assert "theirs" in everything()["endpoints"]
    assert run("teardown", "--endpoint", "theirs", "--yes").code == 0
    assert everything() == before


def test_an_endpoint_of_a_stack_goes_by_the_name_of_its_stack(run: Run, endpoints: Outputs) -> None:
    outcome = run("teardown", "--endpoint", endpoints[TGI]["EndpointName"], "--yes")
    assert (outcome.code, "belongs to stack llama-2-13b: run `replicas teardown llama-2-13b`" in outcome.err) == (
        1,
        True,
    )


# ---- wrong input, and what bills


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody", "--yes"], 1, "no stack 'nobody' in us-west-2, and no deleted stack of this name"),
        (["--endpoint", "nobody", "--yes"], 1, "no endpoint 'nobody' in us-west-2: nothing to tear down"),
        ([], 1, "give either the NAME of a deployment"),
        ([TGI], 2, "add --yes to delete the resources listed above"),
        ([TGI, "--json"], 2, "add --yes or --dry-run"),
        ([TGI, "--yes", "--regions", "us-west-9"], 2, "unknown region us-west-9"),
    ],
)
def test_wrong_input_is_one_message_and_deletes_nothing(
    run: Run, endpoints: Outputs, arguments: list[str], code: int, words: str
) -> None:
    before = everything()
    outcome = run("teardown", *arguments)
    assert outcome.code == code
    assert words in outcome.said
    assert everything() == before


def test_a_stack_of_something_else_is_not_touched(run: Run, embedded: EmbeddedAws) -> None:
    cloudformation = boto3.client("cloudformation")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation.create_stack(StackName="theirs", TemplateBody=json.dumps(body))
    assert settled("theirs")["StackStatus"] == "CREATE_COMPLETE"
    outcome = run("teardown", "theirs", "--yes")
    assert outcome.code == 1
    assert "stack theirs never had inference components, so it does not belong to this project" in outcome.said
    assert settled("theirs")["StackStatus"] == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName="theirs")
    assert settled("theirs") == {}


def test_a_stack_whose_change_set_was_never_executed_is_deleted(run: Run, embedded: EmbeddedAws) -> None:
    cloudformation = boto3.client("cloudformation")
    body = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    cloudformation.create_change_set(
        StackName="reviewed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    described = cloudformation.describe_stacks(StackName="reviewed")["Stacks"]
    assert [stack["StackStatus"] for stack in described] == ["REVIEW_IN_PROGRESS"]
    outcome = run("teardown", "reviewed", "--yes", "--timeout", "30")
    assert outcome.code == 0, outcome.said
    assert "its change set was never executed" in outcome.said
    assert settled("reviewed") == {}


def test_what_bills_is_summed_by_region(run: Run, endpoints: Outputs) -> None:
    document = run("bills", "--regions", "us-west-2,eu-west-1", "--json").json
    found = {bill["endpoint"]: bill for bill in document["bills"]}
    assert found[endpoints[TGI]["EndpointName"]]["usd_per_hour"] == pytest.approx(25.25, abs=0.01)
    assert {bill["region"] for bill in document["bills"]} == {"us-west-2"}
    assert "nothing is billed by the hour in eu-west-1" in run("bills", "--region", "eu-west-1").said


def test_a_region_that_does_not_answer_hides_no_other(run: Run, endpoints: Outputs, embedded: EmbeddedAws) -> None:
    embedded.faults.add(Fault(FaultKind.ACCESS_DENIED, "sagemaker:ListEndpoints", times=1))
    outcome = run("bills", "--regions", "eu-west-1,us-west-2")
    assert outcome.code == 1
    assert "could not be searched: ListEndpoints is not allowed" in outcome.said
