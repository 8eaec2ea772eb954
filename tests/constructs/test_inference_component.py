"""The L2 for inference components."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from replicas_cdk import CopySpecification, InferenceComponent, RollingUpdate
from tests.constructs.conftest import Refuses
from tests.synthesis import stage, template_of

TYPE = "AWS::SageMaker::InferenceComponent"
ID = "LlamaResourcee6936305D373703F"
"""A contract: another id would replace every component that serves. It may only change with a decision."""


def component(scope: cdk.Stack, endpoint: str = "chat", **changes: Any) -> InferenceComponent:
    """A component on an endpoint of that name."""
    arn = f"arn:aws:sagemaker:us-west-2:123456789012:endpoint/{endpoint}"
    of_a_copy = {known.name for known in fields(CopySpecification)} & changes.keys()
    specification = CopySpecification(
        **{
            "model_name": "model",
            "accelerators": 1,
            "cpus": 4,
            "memory_mib": 1024,
            **{name: changes.pop(name) for name in of_a_copy},
        }
    )
    return InferenceComponent(
        scope,
        "Llama",
        **{
            "endpoint": SimpleNamespace(endpoint_name=endpoint, endpoint_arn=arn, endpoint_identity=endpoint),
            "variant_name": "AllTraffic",
            "copies": 2,
            "specifications": [specification],
            **changes,
        },
    )


def logical_id(context: dict[str, Any], **changes: Any) -> str:
    stack = cdk.Stack(stage(context), "stack")
    component(stack, **changes)
    (found,) = [key for key, resource in template_of(stack)["Resources"].items() if resource["Type"] == TYPE]
    return found


@pytest.mark.parametrize(
    "change",
    [{"endpoint": "other"}, {"variant_name": "Blue"}, {"inference_component_name": "llama"}],
    ids=["endpoint", "variant", "name"],
)
def test_what_the_service_cannot_update_makes_another_component(
    context: dict[str, Any], change: dict[str, Any]
) -> None:
    assert logical_id(context, **change) != logical_id(context)


@pytest.mark.parametrize(
    "change",
    [{"copies": 5}, {"accelerators": 2}, {"cpus": 1}, {"memory_mib": 4096}, {"model_name": "other"}],
    ids=["copies", "accelerators", "cpus", "memory", "model"],
)
def test_what_the_service_can_update_stays_the_same_component(context: dict[str, Any], change: dict[str, Any]) -> None:
    assert logical_id(context, **change) == logical_id(context)


def test_the_logical_id_is_a_contract(context: dict[str, Any]) -> None:
    assert logical_id(context) == ID


def test_values_out_of_bounds_are_refused_all_at_once(stack: cdk.Stack, refuses: Refuses) -> None:
    with refuses("stack/Llama") as refused:
        component(
            stack,
            copies=0,
            accelerators=0.5,
            cpus=0.1,
            memory_mib=64,
            startup_timeout=cdk.Duration.seconds(59),
            model_download_timeout=cdk.Duration.hours(2),
        )

    for fault in (
        "copies=0: pass a number, at least 1",
        "accelerators=0.5: pass a number, at least 1",
        "cpus=0.1: pass a number, at least 0.25",
        "memory_mib=64: pass a number, at least 128",
        "startup_timeout=59 s: pass at least 60 s, at most 3600 s",
        "model_download_timeout=7200 s: pass at least 60 s, at most 3600 s",
    ):
        assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"copies": 1.5}, "copies=1.5: pass a whole number, at least 1"),
        ({"copies": "2"}, "copies='2': pass a whole number, at least 1"),
        ({"copies": True}, "copies=True: pass a whole number, at least 1"),
        ({"memory_mib": 1024.5}, "memory_mib=1024.5: pass a whole number, at least 128"),
        ({"cpus": "2"}, "cpus='2': pass a number, at least 0.25"),
        ({"accelerators": float("nan")}, "accelerators=nan: pass a number, at least 1"),
        (
            {"placement_strategy": "SPREAD", "max_zone_imbalance": 101},
            "max_zone_imbalance=101: pass a number, at least 0, at most 100",
        ),
        ({"max_zone_imbalance": 0.5}, "max_zone_imbalance=0.5: pass a whole number, at least 0, at most 100"),
        ({"placement_strategy": "spread"}, "placement_strategy='spread': pass SPREAD or BINPACK"),
        (
            {"model_name": "a_b"},
            "model_name='a_b': use at most 63 letters, digits and hyphens, with a letter or digit at",
        ),
        (
            {"variant_name": ""},
            "variant_name='': use at most 63 letters, digits and hyphens, with a letter or digit at",
        ),
        ({"inference_component_name": ""}, "inference_component_name='': use at most 63 letters, digits and hyphens"),
    ],
)
def test_a_value_of_another_kind_is_refused(
    stack: cdk.Stack, changes: dict[str, Any], fault: str, refuses: Refuses
) -> None:
    """Types, bounds and patterns: InferenceComponentSpecification and its kin in SageMaker's API reference."""
    with refuses() as refused:
        component(stack, **changes)

    assert str(refused.value).startswith(f"Test/stack/Llama: {fault}")
    assert ";" not in str(refused.value)


def test_a_roll_has_its_batch_and_its_times_in_seconds(stack: cdk.Stack) -> None:
    roll = RollingUpdate(
        batch_copies=1,
        wait=cdk.Duration.minutes(2),
        timeout=cdk.Duration.hours(1),
        rollback_alarm_names=["errors", "slow"],
    )

    component(stack, rolling_update=roll)

    (resource,) = [r for r in template_of(stack)["Resources"].values() if r["Type"] == TYPE]
    assert resource["Properties"]["DeploymentConfig"] == {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "slow"}]},
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1},
            "RollbackMaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 120,
            "MaximumExecutionTimeoutInSeconds": 3600,
        },
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"batch_copies": 0}, "rolling_update.batch_copies=0: pass a number, at least 1"),
        ({"wait": cdk.Duration.seconds(3601)}, "rolling_update.wait=3601 s: pass at least 0 s, at most 3600 s"),
        ({"timeout": cdk.Duration.seconds(599)}, "rolling_update.timeout=599 s: pass at least 600 s, at most 28800 s"),
        (
            {"timeout": cdk.Duration.seconds(28801)},
            "rolling_update.timeout=28801 s: pass at least 600 s, at most 28800 s",
        ),
        ({"wait": cdk.Duration.millis(1500)}, "rolling_update.wait=1.5 s: pass whole seconds"),
        ({"batch_copies": 1.5}, "rolling_update.batch_copies=1.5: pass a whole number, at least 1"),
        ({"rollback_alarm_names": "slow"}, "rolling_update.rollback_alarm_names='slow': pass a list of names"),
        ({"wait": 120}, "rolling_update.wait=120: pass a Duration, such as Duration.seconds(60)"),
        (
            {"rollback_alarm_names": ["a"] * 11},
            "rolling_update.rollback_alarm_names (number)=11: pass a number, at least 0, at most 10",
        ),
    ],
)
def test_a_roll_out_of_bounds_is_refused(
    stack: cdk.Stack, changes: dict[str, Any], fault: str, refuses: Refuses
) -> None:
    """Bounds: CloudFormation's schema of AWS::SageMaker::InferenceComponent."""
    given = {"batch_copies": 1, "wait": cdk.Duration.minutes(2), "timeout": cdk.Duration.hours(1), **changes}

    with refuses() as refused:
        component(stack, rolling_update=RollingUpdate(**given))

    assert str(refused.value) == f"Test/stack/Llama: {fault}"


def test_the_least_and_the_longest_times_are_taken(stack: cdk.Stack) -> None:
    component(
        stack,
        rolling_update=RollingUpdate(batch_copies=1, wait=cdk.Duration.seconds(0), timeout=cdk.Duration.hours(8)),
        startup_timeout=cdk.Duration.minutes(1),
        model_download_timeout=cdk.Duration.hours(1),
    )

    (resource,) = [r for r in template_of(stack)["Resources"].values() if r["Type"] == TYPE]
    policy = resource["Properties"]["DeploymentConfig"]["RollingUpdatePolicy"]
    assert (policy["WaitIntervalInSeconds"], policy["MaximumExecutionTimeoutInSeconds"]) == (0, 28800)
    assert resource["Properties"]["Specification"]["StartupParameters"] == {
        "ContainerStartupHealthCheckTimeoutInSeconds": 60,
        "ModelDataDownloadTimeoutInSeconds": 3600,
    }


@pytest.mark.parametrize("name", ["a_b", "-a", "a" * 64])
def test_a_fixed_name_that_sagemaker_refuses_is_refused(stack: cdk.Stack, name: str, refuses: Refuses) -> None:
    with refuses(f"^Test/stack/Llama: inference_component_name='{name}': use at most 63 letters"):
        component(stack, inference_component_name=name)


def test_a_token_passes_the_bounds(stack: cdk.Stack) -> None:
    parameter = cdk.CfnParameter(stack, "Copies", type="Number")

    component(stack, copies=parameter.value_as_number)

    (resource,) = [r for r in template_of(stack)["Resources"].values() if r["Type"] == TYPE]
    assert resource["Properties"]["RuntimeConfig"]["CopyCount"] == {"Ref": "Copies"}


def statements(stack: cdk.Stack) -> list[dict[str, Any]]:
    (policy,) = [r for r in template_of(stack)["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


@pytest.mark.parametrize(
    ("grant", "actions"),
    [
        ("grant_invoke", ["sagemaker:InvokeEndpoint"]),
        ("grant_invoke_with_response_stream", ["sagemaker:InvokeEndpointWithResponseStream"]),
    ],
)
def test_a_grant_covers_component_and_endpoint(stack: cdk.Stack, grant: str, actions: list[str]) -> None:
    caller = iam.User(stack, "Caller")
    served = component(stack)

    getattr(served, grant)(caller)

    (statement,) = statements(stack)
    assert statement["Action"] == actions[0]
    assert {"Fn::GetAtt": [ID, "InferenceComponentArn"]} in statement["Resource"]
    assert "arn:aws:sagemaker:us-west-2:123456789012:endpoint/chat" in statement["Resource"]


def test_grant_chat_adds_the_bearer_token(stack: cdk.Stack) -> None:
    component(stack).grant_chat(iam.User(stack, "Caller"))

    assert {"Action": "sagemaker:CallWithBearerToken", "Effect": "Allow", "Resource": "*"} in statements(stack)


def test_an_imported_component_can_be_granted_by_name(stack: cdk.Stack) -> None:
    imported = InferenceComponent.from_inference_component_name(stack, "Imported", "llama", endpoint_name="chat")

    imported.grant_invoke(iam.User(stack, "Caller"))

    (statement,) = statements(stack)
    ends = [resource["Fn::Join"][1][-1] for resource in statement["Resource"]]
    assert set(ends) == {":inference-component/llama", ":endpoint/chat"}


def test_an_imported_component_knows_its_name_from_the_arn(stack: cdk.Stack) -> None:
    arn = "arn:aws:sagemaker:us-west-2:123456789012:inference-component/llama"

    imported = InferenceComponent.from_inference_component_arn(stack, "Imported", arn)

    assert imported.inference_component_name == "llama"
    assert imported.metric_invocations().dimensions == {"InferenceComponentName": "llama"}


@pytest.mark.parametrize(("given", "expected"), [({}, 0), ({"max_zone_imbalance": 3}, 3)])
def test_copies_are_spread_evenly_over_zones_by_default(stack: cdk.Stack, given: dict[str, int], expected: int) -> None:
    component(stack, placement_strategy="SPREAD", **given)

    (resource,) = [found for found in template_of(stack)["Resources"].values() if found["Type"] == TYPE]
    assert resource["Properties"]["Specification"]["SchedulingConfig"] == {
        "PlacementStrategy": "SPREAD",
        "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": expected},
    }
