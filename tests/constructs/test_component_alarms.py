"""Alarms of components: each figure by default, and what an app changes of them."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from replicas import Alarms, Component, Deployment, Monitoring, Scaling, plan
from replicas_cdk import AlarmThresholds, ComponentAlarms, MultiReplicaEndpoint
from tests.constructs.conftest import Refuses
from tests.synthesis import Template, template_of

ALL = Alarms(server_errors=7, model_errors=8, no_capacity=2, latency_p90_seconds=30)
NAMES = ["server_errors", "model_errors", "no_capacity", "latency_p90"]


def endpoint(stack: cdk.Stack, *, alarms: Alarms | None = ALL, scaling: Scaling | None = None) -> MultiReplicaEndpoint:
    """Two components, `a` and `b`, that are watched."""
    components = [
        Component(name="a", model="Qwen/Qwen3-8B", copies=1, tensor_parallel=1, scaling=scaling),
        Component(name="b", model="Qwen/Qwen3-8B", copies=1, tensor_parallel=1),
    ]
    deployment = Deployment(
        name="e", instance_type="ml.g6e.12xlarge", components=components, monitoring=Monitoring(alarms=alarms)
    )
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))


@pytest.fixture
def alarms(stack: cdk.Stack) -> ComponentAlarms:
    thresholds = AlarmThresholds(latency_p90=cdk.Duration.millis(2500))
    return ComponentAlarms(stack, "Alarms", component_name="llama", thresholds=thresholds)


def found(stack: cdk.Stack) -> list[Template]:
    return [b["Properties"] for b in template_of(stack)["Resources"].values() if b["Type"] == "AWS::CloudWatch::Alarm"]


def test_every_alarm_by_default(stack: cdk.Stack, alarms: ComponentAlarms) -> None:
    """Metrics and units: SageMaker developer guide, monitoring-cloudwatch. Latency is in microseconds."""
    assert list(alarms.alarms) == NAMES
    shared = {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "DatapointsToAlarm": 2,
        "Dimensions": [{"Name": "InferenceComponentName", "Value": "llama"}],
        "EvaluationPeriods": 3,
        "Namespace": "AWS/SageMaker",
        "Period": 60,
        "TreatMissingData": "notBreaching",
    }
    assert found(stack) == [
        {
            **shared,
            "AlarmDescription": "Answers of 5xx, a minute.",
            "MetricName": "Invocation5XXErrors",
            "Statistic": "Sum",
            "Threshold": 5,
        },
        {
            **shared,
            "AlarmDescription": "Answers of the container that are not 2xx, a minute.",
            "MetricName": "InvocationModelErrors",
            "Statistic": "Sum",
            "Threshold": 5,
        },
        {
            **shared,
            "AlarmDescription": "Requests that found no copy, a minute.",
            "MetricName": "NoCapacityInvocationFailures",
            "Statistic": "Sum",
            "Threshold": 1,
        },
        {
            **shared,
            "AlarmDescription": "Time in the container, 90th percentile, microseconds.",
            "ExtendedStatistic": "p90",
            "MetricName": "ModelLatency",
            "Threshold": 2_500_000,
        },
    ]


def test_the_thresholds_of_a_plan_are_those_of_its_alarms(stack: cdk.Stack) -> None:
    endpoint(stack)

    assert [alarm["Threshold"] for alarm in found(stack)] == [7, 8, 2, 30_000_000] * 2


def test_an_alarm_without_threshold_is_not_made(stack: cdk.Stack) -> None:
    thresholds = AlarmThresholds(server_errors=None, model_errors=None, latency_p90=cdk.Duration.seconds(1))

    made = ComponentAlarms(stack, "Alarms", component_name="llama", thresholds=thresholds, scales_to_zero=True)

    assert list(made.alarms) == ["latency_p90"]


def test_the_alarms_of_an_endpoint_are_those_of_its_components(stack: cdk.Stack) -> None:
    served = endpoint(stack)

    assert list(served.alarms) == ["a", "b"]
    assert [list(of_one.alarms) for of_one in served.alarms.values()] == [NAMES, NAMES]


def test_a_component_that_scales_to_zero_has_no_alarm_about_it(stack: cdk.Stack) -> None:
    served = endpoint(stack, scaling=Scaling(to_zero=True, max_copies=2))

    assert "no_capacity" not in served.alarms["a"].alarms
    assert "no_capacity" in served.alarms["b"].alarms


def test_thresholds_of_one_component_change(stack: cdk.Stack) -> None:
    served = endpoint(stack)

    served.alarms["a"].override(server_errors=70, model_errors=80, no_capacity=20, latency_p90=cdk.Duration.minutes(2))

    assert [alarm["Threshold"] for alarm in found(stack)] == [70, 80, 20, 120_000_000, 7, 8, 2, 30_000_000]


@pytest.mark.parametrize(
    ("treatment", "text"),
    [
        (cloudwatch.TreatMissingData.BREACHING, "breaching"),
        (cloudwatch.TreatMissingData.NOT_BREACHING, "notBreaching"),
        (cloudwatch.TreatMissingData.IGNORE, "ignore"),
        (cloudwatch.TreatMissingData.MISSING, "missing"),
    ],
)
def test_missing_data_count_as_the_app_says(
    stack: cdk.Stack, treatment: cloudwatch.TreatMissingData, text: str
) -> None:
    endpoint(stack).alarms.override(treat_missing_data=treatment)

    assert [alarm["TreatMissingData"] for alarm in found(stack)] == [text] * 8


def test_the_minutes_change(stack: cdk.Stack, alarms: ComponentAlarms) -> None:
    alarms.override(evaluation_periods=10, datapoints_to_alarm=7)
    assert {(alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) for alarm in found(stack)} == {(10, 7)}


def test_the_minutes_change_one_after_the_other(stack: cdk.Stack, alarms: ComponentAlarms) -> None:
    alarms.override(evaluation_periods=10)
    alarms.override(datapoints_to_alarm=9)
    assert {(alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) for alarm in found(stack)} == {(10, 9)}


def test_each_state_has_its_actions(stack: cdk.Stack) -> None:
    arns = [f"arn:aws:sns:us-west-2:123456789012:{name}" for name in ("plan", "on-call", "fine", "silent", "chat")]
    topics = [sns.Topic.from_topic_arn(stack, arn.rpartition(":")[2], arn) for arn in arns]
    on_call, fine, silent, chat = (actions.SnsAction(topic) for topic in topics[1:])
    made = ComponentAlarms(stack, "A", component_name="llama", thresholds=AlarmThresholds(), topic_arn=arns[0])

    made.add_alarm_action(on_call)
    made.add_alarm_action(chat)
    made.add_ok_action(fine)
    made.add_insufficient_data_action(silent)

    for alarm in found(stack):
        assert alarm["AlarmActions"] == [arns[0], arns[1], arns[4]]
        assert alarm["OKActions"] == [arns[0], arns[2]]
        assert alarm["InsufficientDataActions"] == [arns[3]]


def test_the_actions_of_an_endpoint_are_those_of_all_its_components(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    served = endpoint(stack)

    served.alarms.add_alarm_action(actions.SnsAction(topic))
    served.alarms.add_ok_action(actions.SnsAction(topic))
    served.alarms.add_insufficient_data_action(actions.SnsAction(topic))

    arn = stack.resolve(topic.topic_arn)
    for state in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        assert [alarm[state] for alarm in found(stack)] == [[arn]] * 8


def test_a_function_is_called_by_each_alarm(stack: cdk.Stack, alarms: ComponentAlarms) -> None:
    """The action reads the alarm that it is bound to: the permission of the function names its ARN."""
    code = lambda_.Code.from_inline("def h(e, c): pass")
    function = lambda_.Function(stack, "F", runtime=lambda_.Runtime.PYTHON_3_13, handler="i.h", code=code)

    alarms.add_alarm_action(actions.LambdaAction(function, use_unique_permission_id=True))

    resources = template_of(stack)["Resources"]
    sources = [b["Properties"]["SourceArn"] for b in resources.values() if b["Type"] == "AWS::Lambda::Permission"]
    keys = [key for key, body in resources.items() if body["Type"] == "AWS::CloudWatch::Alarm"]
    assert sources == [{"Fn::GetAtt": [key, "Arn"]} for key in keys]


def test_alarms_become_a_composite_alarm(stack: cdk.Stack, alarms: ComponentAlarms) -> None:
    rules = [cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for alarm in alarms.alarms.values()]
    cloudwatch.CompositeAlarm(stack, "Any", alarm_rule=cloudwatch.AlarmRule.any_of(*rules))

    resources = template_of(stack)["Resources"]
    (composite,) = [b for b in resources.values() if b["Type"] == "AWS::CloudWatch::CompositeAlarm"]
    keys = [key for key, body in resources.items() if body["Type"] == "AWS::CloudWatch::Alarm"]
    named = [
        part["Fn::GetAtt"][0] for part in composite["Properties"]["AlarmRule"]["Fn::Join"][1] if "Fn::GetAtt" in part
    ]
    assert named == keys


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"server_errors": 0}, "server_errors=0: pass a number, above 0"),
        ({"latency_p90": cdk.Duration.seconds(0)}, "latency_p90=0: pass a number, above 0"),
        ({"latency_p90": 20}, "latency_p90=20: pass a Duration, such as Duration.seconds(60)"),
        (
            {"datapoints_to_alarm": 4},
            "datapoints_to_alarm=4: set it to at most 3, the value of evaluation_periods",
        ),
        ({"evaluation_periods": 0}, "evaluation_periods=0: pass a number, at least 1, at most 1440"),
        ({"evaluation_periods": 1441}, "evaluation_periods=1441: pass a number, at least 1, at most 1440"),
        ({"evaluation_periods": "3"}, "evaluation_periods='3': pass a whole number, at least 1, at most 1440"),
        ({"datapoints_to_alarm": 1.5}, "datapoints_to_alarm=1.5: pass a whole number, at least 1"),
        ({"datapoints_to_alarm": 0}, "datapoints_to_alarm=0: pass a number, at least 1"),
        ({"server_errors": "5"}, "server_errors='5': pass a number, above 0"),
        ({"no_capacity": True}, "no_capacity=True: pass a number, above 0"),
        ({"model_errors": float("nan")}, "model_errors=nan: pass a number, above 0"),
        (
            {"treat_missing_data": "breaching"},
            "treat_missing_data='breaching': pass a member of cloudwatch.TreatMissingData",
        ),
        (
            {"datapoints": 3, "server_errors": 0},
            "datapoints= is not a setting of an alarm: use one of server_errors, model_errors, no_capacity, "
            "latency_p90, treat_missing_data, evaluation_periods, datapoints_to_alarm",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    alarms: ComponentAlarms, changes: Any, fault: str, refuses: Refuses
) -> None:
    with refuses() as refused:
        alarms.override(**changes)

    assert str(refused.value) == f"Test/stack/Alarms: {fault}"


@pytest.mark.parametrize("latency", [20, cdk.Duration.seconds(0)])
def test_thresholds_that_make_no_sense_are_refused_at_once(stack: cdk.Stack, latency: Any, refuses: Refuses) -> None:
    thresholds = AlarmThresholds(server_errors=0, model_errors=-1, no_capacity=0, latency_p90=latency)

    with pytest.raises(
        ValueError,
        match=r"^Test/stack/A: server_errors=0: pass a number, above 0; model_errors=-1: pass a number, above 0; ",
    ):
        ComponentAlarms(stack, "A", component_name="llama", thresholds=thresholds)


def test_an_alarm_that_is_not_there_does_not_change(stack: cdk.Stack, refuses: Refuses) -> None:
    served = endpoint(stack, alarms=Alarms())

    with refuses(r"^Test/stack/Endpoint/Alarms-a: latency_p90=: this alarm does not exist: set its "):
        served.alarms["a"].override(latency_p90=cdk.Duration.seconds(20))


def test_an_endpoint_without_alarms_says_how_it_gets_some(stack: cdk.Stack, refuses: Refuses) -> None:
    served = endpoint(stack, alarms=None)
    assert dict(served.alarms) == {}

    for act in (
        lambda: served.alarms.override(server_errors=1),
        lambda: served.alarms.add_alarm_action(),
        lambda: served.alarms.add_ok_action(),
        lambda: served.alarms.add_insufficient_data_action(),
    ):
        with refuses(r"^Test/stack/Endpoint: its components have no alarms: set monitoring="):
            act()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"topic_arn": "people"}, "topic_arn='people': use the ARN of an SNS topic"),
        ({"component_name": "a_b"}, "component_name='a_b': use at most 63 letters"),
        ({"thresholds": AlarmThresholds(server_errors="5")}, "server_errors='5': pass a number, above 0"),
    ],
)
def test_alarms_of_texts_of_another_form_are_refused(
    stack: cdk.Stack, arguments: dict[str, Any], fault: str, refuses: Refuses
) -> None:
    with refuses(r"^Test/stack/Alarms: ") as refused:
        ComponentAlarms(stack, "Alarms", **{"component_name": "llama", "thresholds": AlarmThresholds(), **arguments})

    assert str(refused.value).removeprefix("Test/stack/Alarms: ").startswith(fault)
