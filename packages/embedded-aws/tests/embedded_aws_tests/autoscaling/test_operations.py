"""Application Auto Scaling as boto3 sees it: what is registered is described, makes its alarms, and takes them away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.fleet import COMPONENT, STACK, client, put_hosting
from embedded_aws_tests.support import settled

DIMENSION = "sagemaker:inference-component:DesiredCopyCount"
TRACKING = {
    "TargetValue": 4.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    },
}


@pytest.fixture
def target(embedded: EmbeddedAws) -> Iterator[dict[str, str]]:
    """A component that exists, as the API names it."""
    assert put_hosting("create_stack") == "CREATE_COMPLETE"
    which = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{COMPONENT}",
        "ScalableDimension": DIMENSION,
    }
    yield which
    scaling = boto3.client("application-autoscaling")
    if described(scaling.describe_scalable_targets, which, "ScalableTargets"):
        scaling.deregister_scalable_target(**which)
    client("cloudformation").delete_stack(StackName=STACK)
    assert settled(STACK) == {}


def described(operation: Any, target: dict[str, str], key: str) -> list[dict[str, Any]]:
    """What belongs to a target: others share the embedded AWS."""
    entries: list[dict[str, Any]] = operation(ServiceNamespace="sagemaker")[key]
    return [entry for entry in entries if entry["ResourceId"] == target["ResourceId"]]


def refusal(operation: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        operation(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def alarms() -> set[str]:
    return {alarm["AlarmName"] for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]}


def test_a_target_its_policies_and_schedules_from_birth_to_death(target: dict[str, str]) -> None:
    scaling = boto3.client("application-autoscaling")
    before = alarms()
    arn = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)["ScalableTargetARN"]
    scaling.register_scalable_target(**target, MaxCapacity=6)
    (registered,) = described(scaling.describe_scalable_targets, target, "ScalableTargets")
    assert (registered["MinCapacity"], registered["MaxCapacity"], registered["ScalableTargetARN"]) == (1, 6, arn)
    assert registered["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")

    policy: dict[str, Any] = {
        **target,
        "PolicyName": "load",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
    }
    first = scaling.put_scaling_policy(**policy)
    made = alarms() - before
    assert made == {alarm["AlarmName"] for alarm in first["Alarms"]}
    assert len(made) == 2
    second = scaling.put_scaling_policy(**policy)
    assert second["PolicyARN"] == first["PolicyARN"], "a policy that is put again is the same policy"
    assert alarms() - before == {alarm["AlarmName"] for alarm in second["Alarms"]}

    scaling.put_scheduled_action(
        **target, ScheduledActionName="night", Schedule="cron(0 20 * * ? *)", ScalableTargetAction={"MinCapacity": 1}
    )
    (action,) = described(scaling.describe_scheduled_actions, target, "ScheduledActions")
    assert action["ScheduledActionName"] == "night"

    scaling.deregister_scalable_target(**target)
    assert described(scaling.describe_scalable_targets, target, "ScalableTargets") == []
    assert described(scaling.describe_scaling_policies, target, "ScalingPolicies") == []
    assert described(scaling.describe_scheduled_actions, target, "ScheduledActions") == []
    assert alarms() == before


def test_refusals(target: dict[str, str], embedded: EmbeddedAws) -> None:
    scaling = boto3.client("application-autoscaling")
    bounds = {"MinCapacity": 1, "MaxCapacity": 4}
    stranger = {**target, "ResourceId": "inference-component/nobody"}
    assert refusal(scaling.register_scalable_target, **stranger, **bounds) == (
        "ValidationException",
        "Inference component does not exist: inference-component/nobody",
    )
    assert refusal(scaling.register_scalable_target, **target, MinCapacity=1)[1].startswith("MinCapacity and Max")
    wrong = {"MinCapacity": 5, "MaxCapacity": 4}
    assert "cannot be less than" in refusal(scaling.register_scalable_target, **target, **wrong)[1]
    unregistered = refusal(scaling.put_scaling_policy, **target, PolicyName="load", PolicyType="StepScaling")
    assert unregistered[0] == "ObjectNotFoundException"
    assert refusal(scaling.deregister_scalable_target, **target)[0] == "ObjectNotFoundException"
    assert refusal(scaling.delete_scaling_policy, **target, PolicyName="load")[0] == "ObjectNotFoundException"
    scheduled = {**target, "ScheduledActionName": "night"}
    assert refusal(scaling.delete_scheduled_action, **scheduled)[0] == "ObjectNotFoundException"
