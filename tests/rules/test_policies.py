"""Scaling policies, scheduled actions and alarms that AWS refuses, in the words that cdk-preflight 1.9.1 quotes.

Each rule of cdk-preflight was reproduced by a deployment to AWS: with its words and the nearest template that passes.
"""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.rules.base import NAME_OF_LLAMA, Template, alarm, properties_of, scaled, wake

STEP = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}


def problem_of(template: Template, logical_id: str) -> tuple[str, str] | None:
    """Rule and sentence of the problem of one resource; None if it has none."""
    found = [problem for problem in check(template).problems if problem.logical_id == logical_id]
    return (found[0].rule, found[0].what) if found else None


def with_steps(*steps: dict[str, Any], **more: Any) -> Template:
    template = wake(scaled())
    properties_of(template, "Wake")["StepScalingPolicyConfiguration"] = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": list(steps),
        **more,
    }
    return template


def between(low: float | None, high: float | None, change: int = 1) -> dict[str, Any]:
    bounds = {"MetricIntervalLowerBound": low, "MetricIntervalUpperBound": high}
    return {"ScalingAdjustment": change, **{name: bound for name, bound in bounds.items() if bound is not None}}


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (
            with_steps(between(None, None)),
            "Both lower and upper bounds of a step adjustment cannot be left unspecified",
        ),
        (with_steps(between(5, 5)), "Lower bound must be less than upper bound for a step adjustment"),
        (
            with_steps(between(None, 0), between(None, 5), between(5, None)),
            "At most one step adjustment may have an unspecified lower bound",
        ),
        (
            with_steps(between(0, None), between(5, None)),
            "At most one step adjustment may have an unspecified upper bound",
        ),
        (with_steps(between(-5, 0)), "There must be a step adjustment with an unspecified lower bound"),
        (with_steps(between(0, 5)), "There must be a step adjustment with an unspecified upper bound"),
        (with_steps(between(0, 10), between(5, None)), "Step adjustment intervals cannot overlap"),
        (with_steps(between(0, 5), between(10, None)), "Step adjustment intervals cannot have gaps between them"),
        (with_steps(), "There must be at least one step adjustment"),
        (with_steps(STEP, AdjustmentType=None), "Adjustment type must be specified"),
        (with_steps(STEP, MinAdjustmentMagnitude=2), "Minimum adjustment magnitude is only allowed"),
        (
            with_steps(between(0, None, -1), AdjustmentType="ExactCapacity"),
            "Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity",
        ),
    ],
)
def test_steps_that_are_refused(template: Template, words: str) -> None:
    rule, what = problem_of(template, "Wake") or ("", "")

    assert rule == "step-adjustments"
    assert what.startswith(words)


@pytest.mark.parametrize(
    "template",
    [
        with_steps(STEP),
        with_steps(between(0, 5), between(5, None, 3)),
        with_steps(between(None, -5, -1), between(-5, 0, 0)),
        with_steps(STEP, AdjustmentType="PercentChangeInCapacity", MinAdjustmentMagnitude=2),
        with_steps(between(0, None, 0), AdjustmentType="ExactCapacity"),
        with_steps({**STEP, "MetricIntervalUpperBound": {"Fn::ImportValue": "bound"}}),
    ],
)
def test_steps_that_are_taken(template: Template) -> None:
    assert problem_of(template, "Wake") is None


def test_a_policy_has_the_configuration_of_its_type() -> None:
    template = wake(scaled())
    properties_of(template, "Wake")["PolicyType"] = "TargetTrackingScaling"

    assert problem_of(template, "Wake") == (
        "policy-configuration",
        "TargetTrackingScaling policy configuration must be specified",
    )


def tracking(**configuration: Any) -> Template:
    template = scaled()
    template["Resources"]["Track"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "track",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 5, **configuration},
        },
    }
    return template


def predefined(name: str) -> Template:
    return {"PredefinedMetricSpecification": {"PredefinedMetricType": name}}


CUSTOMIZED = {"CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n", "Statistic": "Sum"}}
COPIES = predefined("SageMakerInferenceComponentInvocationsPerCopy")


@pytest.mark.parametrize(
    ("configuration", "rule"),
    [
        (predefined("SageMakerVariantInvocationsPerInstance"), "tracked-metric"),
        (predefined("SageMakerVariantConcurrentRequestsPerModelHighResolution"), "tracked-metric"),
        (predefined("ECSServiceAverageCPUUtilization"), "tracked-metric"),
        ({}, "tracked-metric"),
        ({**COPIES, **CUSTOMIZED}, "tracked-metric"),
        ({"CustomizedMetricSpecification": {"MetricName": "m", "Metrics": []}}, "tracked-metric"),
        ({**COPIES, "TargetValue": 0}, "target-value"),
    ],
)
def test_a_metric_that_cannot_be_tracked(configuration: Template, rule: str) -> None:
    assert (problem_of(tracking(**configuration), "Track") or ("", ""))[0] == rule


@pytest.mark.parametrize("configuration", [COPIES, CUSTOMIZED])
def test_a_metric_that_can_be_tracked(configuration: Template) -> None:
    assert problem_of(tracking(**configuration), "Track") is None


def acting(**action: Any) -> Template:
    template = scaled()
    defaults = {
        "ScheduledActionName": "day",
        "Schedule": "cron(0 8 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 1},
    }
    given = {**defaults, **action}
    properties_of(template, "Target")["ScheduledActions"] = [
        {name: value for name, value in given.items() if value is not None}
    ]
    return template


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"ScalableTargetAction": None}, "ScalableTargetAction must be set"),
        ({"ScalableTargetAction": {}}, "At least one of minimum capacity and maximum capacity should be provided"),
        ({"Schedule": "cron(0 8 * * * *)"}, "Invalid CRON expression"),
        ({"Schedule": "every day"}, "Invalid schedule expression"),
        ({"Schedule": "at(2027-13-01T00:00:00)"}, "Invalid schedule at DateTime expression"),
        ({"Timezone": "Mars/Base"}, "Invalid schedule timezone"),
        ({"StartTime": "2027-01-02T00:00:00Z", "EndTime": "2027-01-01T00:00:00Z"}, "StartTime must be before EndTime"),
    ],
)
def test_a_scheduled_action_that_is_refused(action: Template, words: str) -> None:
    rule, what = problem_of(acting(**action), "Target") or ("", "")

    assert rule == "scheduled-action"
    assert words in what


@pytest.mark.parametrize("schedule", ["cron(0 8 ? * MON-FRI *)", "rate(5 minutes)", "at(2027-01-01T00:00:00)"])
def test_a_scheduled_action_that_is_taken(schedule: str) -> None:
    assert problem_of(acting(Schedule=schedule, Timezone="Europe/Berlin"), "Target") is None


@pytest.mark.parametrize("schedule", ["cron(0 8 31 2 ? *)", "cron(0 8 30 FEB,2 ? 2030)", "at(2020-01-01T00:00:00)"])
def test_a_scheduled_action_that_never_runs_is_a_warning(schedule: str) -> None:
    report = check(acting(Schedule=schedule))

    (warning,) = [warning for warning in report.warnings if warning.rule == "scheduled-action"]
    assert f"{schedule} has no time after 20" in warning.what
    assert report.problems == ()


def alarmed(**changes: Any) -> Template:
    template = scaled()
    template["Resources"]["Alarm"] = alarm("Invocations")
    properties = properties_of(template, "Alarm")
    properties.update(changes)
    for name in [name for name, value in properties.items() if value is None]:
        del properties[name]
    return template


def query(name: str, **more: Any) -> Template:
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations"}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, **more}


def math(*queries: Template) -> Template:
    nothing = dict.fromkeys(("MetricName", "Namespace", "Period", "Statistic", "Dimensions"))
    return alarmed(Metrics=list(queries), **nothing)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (alarmed(Period=15), "Period must be 10, 20, 30 or a multiple of 60"),
        (alarmed(Period=90), "Period must be 10, 20, 30 or a multiple of 60"),
        (alarmed(EvaluationPeriods=1441), "EvaluationPeriods * Period must be <= 86400"),
        (alarmed(Period=3600, EvaluationPeriods=169), "EvaluationPeriods * Period must be <= 604800"),
        (alarmed(DatapointsToAlarm=2), "DatapointsToAlarm must be less than or equal to EvaluationPeriods"),
        (alarmed(Threshold=None), "PutMetricAlarm request should have valid Threshold parameter"),
        (alarmed(ExtendedStatistic="p99"), "Either Statistic or ExtendedStatistic"),
        (alarmed(Statistic=None), "Either Statistic or ExtendedStatistic"),
        (alarmed(Statistic=None, ExtendedStatistic="p101"), "The value p101 for parameter ExtendedStatistic"),
        (alarmed(TreatMissingData="notbreaching"), "TreatMissingData"),
        (alarmed(MetricName=None), "MetricName, Namespace and Period"),
        (math(query("a"), query("b")), "Exactly one element of the metrics list should return data."),
        (math(query("a"), query("a", ReturnData=False)), "The ids of the queries are not all different"),
        (math(query("a", Expression="b")), "The parameters MetricDataQuery Expression and MetricStat"),
        (math({"Id": "a"}), "a query needs either MetricStat or Expression"),
        (math({"Id": "a", "Expression": "SEARCH('x', 'Sum')"}), "SEARCH is not supported on Metric Alarms."),
        (math(*(query(f"m{n}", ReturnData=n == 0) for n in range(11))), "Too many metrics in alarm, maximum is 10"),
    ],
)
def test_an_alarm_that_is_refused(template: Template, words: str) -> None:
    rule, what = problem_of(template, "Alarm") or ("", "")

    assert rule == "alarm-refused"
    assert words in what


@pytest.mark.parametrize(
    "template",
    [
        alarmed(),
        alarmed(Period=10),
        alarmed(EvaluationPeriods=1440, DatapointsToAlarm=1440),
        alarmed(Period=3600, EvaluationPeriods=168),
        alarmed(Statistic=None, ExtendedStatistic="p99.9"),
        alarmed(Statistic=None, ExtendedStatistic="tm90"),
        math(query("a"), query("b", ReturnData=False)),
        math(query("a", ReturnData=False), {"Id": "e", "Expression": "a * 2"}),
    ],
)
def test_an_alarm_that_is_taken(template: Template) -> None:
    alarm = properties_of(template, "Alarm")
    template["Resources"]["Alarm"]["Properties"] = {name: value for name, value in alarm.items() if value is not None}

    assert problem_of(template, "Alarm") is None


def test_an_alarm_on_an_arn_never_has_data() -> None:
    template = alarmed(Dimensions=[{"Name": "InferenceComponentName", "Value": {"Ref": "Llama"}}])

    assert [warning.rule for warning in check(template).warnings] == ["alarm-without-data"]
    assert not check(alarmed(Dimensions=[{"Name": "InferenceComponentName", "Value": NAME_OF_LLAMA}])).warnings


TRACKED = {"MetricName": "ConcurrentRequestsPerCopy", "Namespace": "AWS/SageMaker", "Statistic": "Average"}


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"Namespace": "AWS/Sagemaker"}, "set Namespace=AWS/SageMaker"),
        ({"Namespace": "/aws/sagemaker/InferenceComponents"}, "set Namespace=AWS/SageMaker"),
        ({"MetricName": "GPUUtilizationNormalized"}, "set Namespace=/aws/sagemaker/InferenceComponents"),
        (
            {"Dimensions": [{"Name": "InferenceComponent", "Value": "x"}]},
            "use a dimension with Name=InferenceComponentName",
        ),
        ({"Dimensions": [{"Name": "Endpointname", "Value": "x"}]}, "use a dimension with Name=EndpointName"),
        ({"MetricName": "ConcurrentRequestPerCopy"}, "use the metric ConcurrentRequestsPerCopy"),
        ({"Dimensions": []}, "add the dimension InferenceComponentName, or EndpointName with VariantName"),
    ],
)
def test_a_metric_that_sagemaker_does_not_publish_so(changes: Template, fix: str) -> None:
    """SageMaker developer guide, monitoring-cloudwatch; CloudWatch names are case-sensitive."""
    tracking = {**TRACKED, "Dimensions": [{"Name": "InferenceComponentName", "Value": NAME_OF_LLAMA}], **changes}
    template = wake(scaled())
    properties_of(template, "Wake")["PolicyType"] = "TargetTrackingScaling"
    del properties_of(template, "Wake")["StepScalingPolicyConfiguration"]
    properties_of(template, "Wake")["TargetTrackingScalingPolicyConfiguration"] = {
        "TargetValue": 5,
        "CustomizedMetricSpecification": tracking,
    }
    del template["Resources"]["NoCapacity"]

    for broken, subject in ((template, "Wake"), (alarmed(**tracking), "Alarm")):
        (warning,) = [each for each in check(broken).warnings if each.rule == "alarm-without-data"]
        assert (warning.logical_id, warning.fix) == (subject, fix)


@pytest.mark.parametrize(
    "name", ["ConcurrentRequestsPerModel", "InvocationsPerInstance", "FirstChunkModelLatency", "MidStreamErrors"]
)
def test_other_metrics_of_sagemaker_are_not_taken_for_misspelt_ones(name: str) -> None:
    """SageMaker developer guide, monitoring-cloudwatch, endpoint invocation metrics."""
    named = [{"Name": "EndpointName", "Value": "chat"}, {"Name": "VariantName", "Value": "AllTraffic"}]

    assert not check(alarmed(MetricName=name, Dimensions=named)).warnings


def test_an_action_without_an_arn_is_refused() -> None:
    """CloudWatch API reference, PutMetricAlarm: each action is specified as an Amazon Resource Name."""
    _, what = problem_of(alarmed(AlarmActions=["my-topic"]), "Alarm") or ("", "")

    assert "Actions are given by their ARNs, not as my-topic" in what


@pytest.mark.parametrize("namespace", ["/aws/sagemaker/Endpoints", "Own/Metrics", {"Ref": "Namespace"}])
def test_a_metric_that_may_be_published(namespace: object) -> None:
    template = alarmed(MetricName="GPUReservation", Namespace=namespace, Dimensions=[{"Name": "Model", "Value": "x"}])
    template["Parameters"] = {"Namespace": {"Type": "String"}}

    assert "alarm-without-data" not in {warning.rule for warning in check(template).warnings}


@pytest.mark.parametrize("value", [-5, 0, 300])
@pytest.mark.parametrize("name", ["Cooldown", "MinAdjustmentMagnitude"])
def test_a_negative_number_of_a_step_policy_is_not_judged(name: str, value: int) -> None:
    """botocore has no range for them, and cdk-preflight no rule."""
    template = with_steps(STEP, AdjustmentType="PercentChangeInCapacity", **{name: value})
    questions = [unjudged.question for unjudged in check(template).unjudged if unjudged.logical_id == "Wake"]
    assert questions == ([f"whether Application Auto Scaling accepts {name}={value}"] if value < 0 else [])


def test_a_dimension_with_an_arn_in_its_name_does_not_exist() -> None:
    template = scaled()
    template["Resources"]["Alarm"] = alarm("Invocations")
    properties_of(template, "Alarm")["Dimensions"] = [{"Name": "EndpointArn", "Value": {"Ref": "Endpoint"}}]
    (warning,) = [each for each in check(template).warnings if each.rule == "alarm-without-data"]
    assert warning.what == "the dimension EndpointArn does not exist"


def replaced(template: Template) -> list[str]:
    """Logical ids of the resources of scaling that another one replaces."""
    return [each.logical_id for each in check(template).unjudged if each.question.startswith("which of two")]


def test_two_targets_of_one_component_are_not_judged() -> None:
    template = scaled()
    assert replaced(template) == []
    template["Resources"]["Second"] = template["Resources"]["Target"]
    assert replaced(template) == ["Second"]


@pytest.mark.parametrize(("name", "found"), [("wake", ["Second"]), ("sleep", [])])
def test_two_policies_of_one_name_are_not_judged(name: str, found: list[str]) -> None:
    template = wake(scaled())
    policy = template["Resources"]["Wake"]
    template["Resources"]["Second"] = {**policy, "Properties": {**policy["Properties"], "PolicyName": name}}
    assert replaced(template) == found
