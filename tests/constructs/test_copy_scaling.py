"""Autoscaling of copies: the values of each policy, of schedules, and the bounds that a plan holds."""

from __future__ import annotations

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch

from replicas import Component, Deployment, InstanceScaling, Scaling, plan
from replicas_cdk import CopyScaling, InferenceComponent, MultiReplicaEndpoint
from tests.constructs.conftest import Refuses
from tests.synthesis import Template, template_of

PATH = "Test/stack/Scaling"
METRIC = cloudwatch.Metric(namespace="Mine", metric_name="Queue", period=cdk.Duration.minutes(1), statistic="Maximum")
STEPS = [
    autoscaling.ScalingInterval(upper=5, change=-1),
    autoscaling.ScalingInterval(lower=50, change=1),
    autoscaling.ScalingInterval(lower=100, change=3),
]


@pytest.fixture
def scaling(stack: cdk.Stack) -> CopyScaling:
    return CopyScaling(stack, "Scaling", component_name="llama", min_copies=1, max_copies=4)


def planned(stack: cdk.Stack, **component: Any) -> InferenceComponent:
    """A component with two copies on the four accelerators of one instance."""
    wishes = {"name": "chat", "model": "Qwen/Qwen3-8B", "copies": 2, **component}
    deployment = Deployment(
        name="e", instance_type="ml.g6e.12xlarge", components=[Component(**{"tensor_parallel": 1, **wishes})]
    )
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment)).components["chat"]


def properties(stack: cdk.Stack, kind: str) -> list[Template]:
    return [body["Properties"] for body in template_of(stack)["Resources"].values() if body["Type"] == kind]


def policies(stack: cdk.Stack) -> list[Template]:
    return properties(stack, "AWS::ApplicationAutoScaling::ScalingPolicy")


def target(stack: cdk.Stack) -> Template:
    (found,) = properties(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    return found


# Predefined metrics: Application Auto Scaling API reference, PredefinedMetricType.
CONCURRENCY = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
INVOCATIONS = "SageMakerInferenceComponentInvocationsPerCopy"


@pytest.mark.parametrize(
    ("method", "metric"),
    [
        ("scale_on_concurrency", CONCURRENCY),
        ("scale_on_concurrent_requests", CONCURRENCY),
        ("scale_on_invocations", INVOCATIONS),
    ],
)
def test_a_target_is_tracked(stack: cdk.Stack, scaling: CopyScaling, method: str, metric: str) -> None:
    getattr(scaling, method)(
        target=7.5, scale_out_cooldown=cdk.Duration.seconds(30), scale_in_cooldown=cdk.Duration.minutes(10)
    )

    (policy,) = policies(stack)
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        "TargetValue": 7.5,
        "ScaleOutCooldown": 30,
        "ScaleInCooldown": 600,
    }


@pytest.mark.parametrize("method", ["scale_on_concurrency", "scale_on_concurrent_requests", "scale_on_invocations"])
def test_cooldowns_by_default(stack: cdk.Stack, scaling: CopyScaling, method: str) -> None:
    getattr(scaling, method)(target=8)

    configuration = policies(stack)[0]["TargetTrackingScalingPolicyConfiguration"]
    assert (configuration["ScaleOutCooldown"], configuration["ScaleInCooldown"]) == (60, 300)


def test_cooldowns_of_any_metric_by_default(stack: cdk.Stack, scaling: CopyScaling) -> None:
    scaling.scale_on_metric("Queue", metric=METRIC, target=20)

    configuration = policies(stack)[0]["TargetTrackingScalingPolicyConfiguration"]
    assert (configuration["ScaleOutCooldown"], configuration["ScaleInCooldown"]) == (60, 300)


def test_any_metric_is_tracked(stack: cdk.Stack, scaling: CopyScaling) -> None:
    scaling.scale_on_metric("Queue", metric=METRIC, target=20, scale_in_cooldown=cdk.Duration.minutes(2))

    (policy,) = policies(stack)
    assert policy["ScalingTargetId"] == stack.resolve(scaling.scalable_target_id)
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "CustomizedMetricSpecification": {"MetricName": "Queue", "Namespace": "Mine", "Statistic": "Maximum"},
        "TargetValue": 20,
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 120,
    }


def test_one_period_is_the_least_and_the_default(stack: cdk.Stack, scaling: CopyScaling) -> None:
    scaling.scale_on_metric("One", metric=METRIC, scaling_steps=STEPS, evaluation_periods=1, datapoints_to_alarm=1)
    scaling.scale_on_metric("Default", metric=METRIC, scaling_steps=STEPS)

    alarms = properties(stack, "AWS::CloudWatch::Alarm")
    assert [alarm["EvaluationPeriods"] for alarm in alarms] == [1, 1, 1, 1]


def test_copies_change_by_steps(stack: cdk.Stack, scaling: CopyScaling) -> None:
    scaling.scale_on_metric(
        "Queue",
        metric=METRIC,
        scaling_steps=STEPS,
        cooldown=cdk.Duration.minutes(3),
        evaluation_periods=4,
        datapoints_to_alarm=3,
    )

    assert {policy["StepScalingPolicyConfiguration"]["Cooldown"] for policy in policies(stack)} == {180}
    adjustments = [
        step for policy in policies(stack) for step in policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
    ]
    assert adjustments == [
        {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 50, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 50, "ScalingAdjustment": 3},
    ]
    alarms = properties(stack, "AWS::CloudWatch::Alarm")
    assert [(alarm["Threshold"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) for alarm in alarms] == [
        (5, 4, 3),
        (50, 4, 3),
    ]
    assert {(alarm["MetricName"], alarm["Namespace"], alarm["Period"]) for alarm in alarms} == {("Queue", "Mine", 60)}


def test_the_bounds_change_on_a_schedule(stack: cdk.Stack, scaling: CopyScaling) -> None:
    morning, night = autoscaling.Schedule.cron(hour="8", minute="0"), autoscaling.Schedule.expression("rate(1 day)")

    scaling.scale_on_schedule(
        "morning", schedule=morning, timezone=cdk.TimeZone.EUROPE_BERLIN, min_copies=2, max_copies=3
    )
    scaling.scale_on_schedule("night", schedule=night, min_copies=0)

    assert target(stack)["ScheduledActions"] == [
        {
            "ScheduledActionName": "morning",
            "Schedule": "cron(0 8 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 3},
        },
        {
            "ScheduledActionName": "night",
            "Schedule": "rate(1 day)",
            "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": 0},
        },
    ]


@pytest.mark.parametrize(("minute", "warns"), [(None, True), ("0", False), ("*/5", False)])
def test_a_schedule_that_runs_every_minute_warns(
    stack: cdk.Stack, scaling: CopyScaling, minute: str | None, warns: bool
) -> None:
    """As `ScalableTarget.scale_on_schedule` of aws-cdk does: without a minute, cron runs each minute of the hour."""
    scaling.scale_on_schedule("m", schedule=autoscaling.Schedule.cron(hour="8", minute=minute), min_copies=2)

    text = f"{PATH}: the schedule 'm', cron(* 8 * * ? *), runs every minute: set minute= of Schedule.cron"
    found = assertions.Annotations.from_stack(stack).find_warning(
        "*", assertions.Match.string_like_regexp(re.escape(text))
    )
    assert bool(found) is warns


def test_a_request_wakes_the_first_copy(stack: cdk.Stack, scaling: CopyScaling) -> None:
    scaling.wake_on_request()

    (policy,), (alarm,) = policies(stack), properties(stack, "AWS::CloudWatch::Alarm")
    assert policy["PolicyType"] == "StepScaling"
    assert policy["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 60,
        "MetricAggregationType": "Maximum",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    assert alarm.pop("AlarmActions")[0]["Ref"].startswith("ScalingWake")
    assert alarm == {
        "AlarmDescription": "A request found no copy: one is started.",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "InferenceComponentName", "Value": "llama"}],
        "EvaluationPeriods": 1,
        "MetricName": "NoCapacityInvocationFailures",
        "Namespace": "AWS/SageMaker",
        "Period": 60,
        "Statistic": "Maximum",
        "Threshold": 1,
        "TreatMissingData": "missing",
    }


def test_the_target_is_the_copies_of_the_component(stack: cdk.Stack, scaling: CopyScaling) -> None:
    assert (scaling.min_copies, scaling.max_copies) == (1, 4)
    assert target(stack) == {
        "MaxCapacity": 4,
        "MinCapacity": 1,
        "ResourceId": "inference-component/llama",
        "RoleARN": {
            "Fn::Join": [
                "",
                [
                    "arn:",
                    {"Ref": "AWS::Partition"},
                    ":iam::",
                    {"Ref": "AWS::AccountId"},
                    ":role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
                    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
                ],
            ]
        },
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
        "ServiceNamespace": "sagemaker",
    }


FAULTS = {
    "target of zero": (lambda s: s.scale_on_concurrency(target=0), "target=0: pass a number, above 0"),
    "cooldown as a number": (
        lambda s: s.scale_on_invocations(target=1, scale_in_cooldown=60),
        "scale_in_cooldown=60: pass a Duration, such as Duration.seconds(60)",
    ),
    "cooldown of half a second": (
        lambda s: s.scale_on_concurrency(target=1, scale_out_cooldown=cdk.Duration.millis(500)),
        "scale_out_cooldown=0.5 s: pass whole seconds",
    ),
    "a metric without target and steps": (
        lambda s: s.scale_on_metric("Q", metric=METRIC),
        "Q: pass one of target= and scaling_steps=: neither was given",
    ),
    "a metric with both": (
        lambda s: s.scale_on_metric("Q", metric=METRIC, target=1, scaling_steps=STEPS),
        "Q: pass one of target= and scaling_steps=: both were given",
    ),
    "a target with what belongs to steps": (
        lambda s: s.scale_on_metric("Q", metric=METRIC, target=1, evaluation_periods=2, cooldown=cdk.Duration.hours(1)),
        "Q: evaluation_periods= and cooldown= cannot be combined with target=: remove evaluation_periods= and "
        "cooldown=",
    ),
    "steps with what belongs to a target": (
        lambda s: s.scale_on_metric(
            "Q",
            metric=METRIC,
            scaling_steps=STEPS,
            scale_in_cooldown=cdk.Duration.hours(1),
            scale_out_cooldown=cdk.Duration.hours(1),
        ),
        "Q: scale_out_cooldown= and scale_in_cooldown= cannot be combined with scaling_steps=: remove "
        "scale_out_cooldown= and scale_in_cooldown=",
    ),
    "one step": (
        lambda s: s.scale_on_metric("Q", metric=METRIC, scaling_steps=STEPS[:1]),
        "Q: scaling_steps= has 1 interval: pass at least 2",
    ),
    "an expression to track": (
        lambda s: s.scale_on_metric(
            "Q", metric=cloudwatch.MathExpression(expression="m/2", using_metrics={"m": METRIC}), target=1
        ),
        "Q: target= does not accept a math expression as metric=: use scaling_steps=",
    ),
    "a schedule as a string": (
        lambda s: s.scale_on_schedule("n", schedule="rate(1 day)", min_copies=1),
        "schedule='rate(1 day)': pass aws_applicationautoscaling.Schedule.expression('rate(1 day)')",
    ),
    "a schedule without bounds": (
        lambda s: s.scale_on_schedule("n", schedule=autoscaling.Schedule.expression("rate(1 day)")),
        "the schedule 'n' changes nothing: pass min_copies= or max_copies=",
    ),
    "no id": (
        lambda s: s.scale_on_metric("", metric=METRIC, target=1),
        "construct_id='': pass a literal string that is not empty",
    ),
    "no number to track": (lambda s: s.scale_on_invocations(target="5"), "target='5': pass a number, above 0"),
    "a switch to track": (lambda s: s.scale_on_concurrency(target=True), "target=True: pass a number, above 0"),
    "half a period": (
        lambda s: s.scale_on_metric("Q", metric=METRIC, scaling_steps=STEPS, evaluation_periods=1.5),
        "evaluation_periods=1.5: pass a whole number, at least 1",
    ),
    "more periods than are looked at": (
        lambda s: s.scale_on_metric("Q", metric=METRIC, scaling_steps=STEPS, datapoints_to_alarm=2),
        "datapoints_to_alarm=2: set it to at most 1, the value of evaluation_periods",
    ),
    "a schedule of half a copy": (
        lambda s: s.scale_on_schedule("n", schedule=autoscaling.Schedule.expression("rate(1 day)"), max_copies=2.5),
        "the schedule 'n': max_copies=2.5: pass a whole number, at least 1",
    ),
    "a schedule whose name the service refuses": (
        lambda s: s.scale_on_schedule("a/b", schedule=autoscaling.Schedule.expression("rate(1 day)"), min_copies=2),
        "name='a/b': use 1 to 256 characters without control characters, colons, slashes and bars, and no space at "
        "either end",
    ),
    "a schedule above the ceiling": (
        lambda s: s.scale_on_schedule("n", schedule=autoscaling.Schedule.expression("rate(1 day)"), min_copies=5),
        "the schedule 'n': min_copies=5, max_copies=4: min_copies must be at least 0, and max_copies at least 1 and "
        "at least min_copies",
    ),
}


@pytest.mark.parametrize(("act", "fault"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_one_sentence_with_the_path(scaling: CopyScaling, act: Any, fault: str, refuses: Refuses) -> None:
    with refuses() as refused:
        act(scaling)

    assert str(refused.value) == f"{PATH}: {fault}"


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (lambda s: s.scale_on_concurrency(target=1), "a policy 'ConcurrentRequests' exists already"),
        (lambda s: s.scale_on_invocations(target=1), "a policy 'Invocations' exists already"),
        (lambda s: s.scale_on_metric("Q", metric=METRIC, target=1), "a policy 'Q' exists already"),
        (lambda s: s.wake_on_request(), "a policy 'Wake' exists already"),
        (
            lambda s: s.scale_on_schedule(
                "n", schedule=autoscaling.Schedule.expression("rate(1 day)"), min_copies=1, max_copies=2
            ),
            "a schedule 'n' exists already: choose another name",
        ),
    ],
)
def test_the_same_policy_twice_is_refused(scaling: CopyScaling, act: Any, name: str, refuses: Refuses) -> None:
    act(scaling)

    with refuses(f"^{PATH}: {name}"):
        act(scaling)


@pytest.mark.parametrize(("floor", "ceiling"), [(-1, 2), (0, 0), (3, 2)])
def test_contradictory_bounds_are_refused(stack: cdk.Stack, floor: int, ceiling: int, refuses: Refuses) -> None:
    with refuses(f"^{PATH}: min_copies={floor}, max_copies={ceiling}: min_copies must be at least 0"):
        CopyScaling(stack, "Scaling", component_name="llama", min_copies=floor, max_copies=ceiling)


@pytest.mark.parametrize(
    ("bounds", "fault"),
    [
        ({"min_copies": "1", "max_copies": 2}, "min_copies='1': pass a whole number, at least 0"),
        ({"min_copies": True, "max_copies": 2}, "min_copies=True: pass a whole number, at least 0"),
        ({"min_copies": 1, "max_copies": 2.5}, "max_copies=2.5: pass a whole number, at least 1"),
        ({"min_copies": 1, "max_copies": float("inf")}, "max_copies=inf: pass a whole number, at least 1"),
        ({"min_copies": 1, "max_copies": 2, "component_name": "a_b"}, "component_name='a_b': use at most 63 letters"),
    ],
)
def test_bounds_that_are_no_numbers_of_copies_are_refused(
    stack: cdk.Stack, bounds: Any, fault: str, refuses: Refuses
) -> None:
    with refuses(f"^{PATH}: {fault}"):
        CopyScaling(stack, "Scaling", **{"component_name": "llama", **bounds})


DAILY = autoscaling.Schedule.expression("rate(1 day)")


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ({"min_copies": 4}, {"max_copies": 3}, 4, 3),
        ({"max_copies": 3}, {"min_copies": 4}, 4, 3),
        ({"min_copies": 3, "max_copies": 4}, {"max_copies": 2}, 3, 2),
        ({"max_copies": 2}, {"min_copies": 3, "max_copies": 4}, 3, 2),
        ({"min_copies": 1, "max_copies": 1}, {"min_copies": 3}, 3, 1),
    ],
)
def test_schedules_whose_bounds_cross_are_refused(
    scaling: CopyScaling, first: dict[str, int], second: dict[str, int], low: int, high: int, refuses: Refuses
) -> None:
    """Each is within the bounds of the target, 1 to 4; the one that runs later leaves what the other has set."""
    scaling.scale_on_schedule("one", schedule=DAILY, **first)

    with refuses() as refused:
        scaling.scale_on_schedule("two", schedule=DAILY, **second)

    assert str(refused.value) == (
        f"{PATH}: the schedule 'two': min_copies={low} can exceed max_copies={high} together with the schedule 'one': "
        "set min_copies and max_copies in both schedules"
    )


@pytest.mark.parametrize("name", ["Target", "Imported", "Wake", "WakeAlarm", "ConcurrentRequests", "Invocations"])
def test_an_id_of_the_scaling_itself_is_refused(scaling: CopyScaling, name: str, refuses: Refuses) -> None:
    with refuses(f"^{PATH}: construct_id='{name}' is reserved by CopyScaling: choose another id$"):
        scaling.scale_on_metric(name, metric=METRIC, target=1)


def test_schedules_that_set_both_bounds_or_do_not_cross_are_taken(stack: cdk.Stack, scaling: CopyScaling) -> None:
    scaling.scale_on_schedule("night", schedule=DAILY, min_copies=1, max_copies=1)
    scaling.scale_on_schedule("day", schedule=DAILY, min_copies=2, max_copies=4)
    scaling.scale_on_schedule("idle", schedule=DAILY, min_copies=1)

    actions = [action["ScalableTargetAction"] for action in target(stack)["ScheduledActions"]]
    assert actions == [
        {"MinCapacity": 1, "MaxCapacity": 1},
        {"MinCapacity": 2, "MaxCapacity": 4},
        {"MinCapacity": 1},
    ]


def test_bounds_may_be_tokens_without_a_plan(stack: cdk.Stack) -> None:
    most = cdk.CfnParameter(stack, "Most", type="Number").value_as_number

    CopyScaling(stack, "Scaling", component_name="llama", min_copies=1, max_copies=most)  # type: ignore[arg-type]

    assert target(stack)["MaxCapacity"] == {"Ref": "Most"}


def test_a_second_registration_explains_itself(stack: cdk.Stack, refuses: Refuses) -> None:
    component = planned(stack, scaling=Scaling(max_copies=3))

    with refuses() as refused:
        component.auto_scale_copies(min_copies=1, max_copies=4)

    assert str(refused.value) == (
        "Test/stack/Endpoint/Component-chat: its copies scale already, from 2 to 3: add policies and schedules to its "
        "`scaling` property"
    )


def test_the_scaling_of_a_plan_takes_further_policies(stack: cdk.Stack) -> None:
    component = planned(stack, scaling=Scaling(max_copies=3))
    assert component.scaling is not None

    component.scaling.scale_on_metric("Queue", metric=METRIC, target=20)

    names = [policy.get("PolicyName") for policy in policies(stack)]
    assert "ConcurrentRequests" in names
    assert len(names) == 2


def test_what_the_instances_hold_may_scale_after_the_plan(stack: cdk.Stack) -> None:
    component = planned(stack)
    assert component.scaling is None

    assert component.auto_scale_copies(min_copies=2, max_copies=4) is component.scaling

    assert (target(stack)["MinCapacity"], target(stack)["MaxCapacity"]) == (2, 4)


def test_more_copies_than_fit_are_refused_after_the_plan(stack: cdk.Stack, refuses: Refuses) -> None:
    """Four accelerators, and each copy takes one."""
    with refuses(r"^Test/stack/Endpoint/Component-chat/Scaling: ") as refused:
        planned(stack).auto_scale_copies(min_copies=2, max_copies=5)

    assert str(refused.value).endswith(
        "5 copies need 5 accelerators, but ml.g6e.12xlarge has 4: set scaling.max_copies=4, or "
        "instance_scaling=InstanceScaling(max_instances=2)"
    )


def test_a_schedule_is_proven_too(stack: cdk.Stack, refuses: Refuses) -> None:
    scaling = planned(stack, scaling=Scaling(max_copies=4)).scaling
    assert scaling is not None
    daily = autoscaling.Schedule.expression("rate(1 day)")

    scaling.scale_on_schedule("few", schedule=daily, min_copies=1, max_copies=4)
    with refuses(r"/Scaling: the schedule 'many': .* 5 copies need 5 acc"):
        scaling.scale_on_schedule("many", schedule=daily, min_copies=1, max_copies=5)


def test_a_plan_proves_numbers_and_no_tokens(stack: cdk.Stack, refuses: Refuses) -> None:
    most: Any = cdk.CfnParameter(stack, "Most", type="Number").value_as_number

    with refuses(r"Scaling: max_copies: a CDK token cannot be checked against the plan: pass a literal number$"):
        planned(stack).auto_scale_copies(min_copies=1, max_copies=most)


def test_the_room_of_the_most_instances_counts(stack: cdk.Stack) -> None:
    deployment = Deployment(
        name="e",
        instance_type="ml.g6e.12xlarge",
        instance_scaling=InstanceScaling(max_instances=2),
        components=[Component(name="chat", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1)],
    )
    component = MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment)).components["chat"]

    component.auto_scale_copies(min_copies=2, max_copies=8)

    assert target(stack)["MaxCapacity"] == 8


def test_two_components_share_the_instances_also_when_they_scale_after_the_plan(
    stack: cdk.Stack, refuses: Refuses
) -> None:
    """Four accelerators: either component may grow to three copies, and both together have four."""
    deployment = Deployment(
        name="e",
        instance_type="ml.g6e.12xlarge",
        components=[
            Component(name=name, model="Qwen/Qwen3-8B", copies=1, tensor_parallel=1) for name in ("chat", "code")
        ],
    )
    components = MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment)).components

    components["chat"].auto_scale_copies(min_copies=1, max_copies=3)
    with refuses(r"^Test/stack/Endpoint/Component-code/Scaling: .* 6 copies need 6 acc"):
        components["code"].auto_scale_copies(min_copies=1, max_copies=3)
