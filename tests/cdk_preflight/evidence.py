"""The rules of cdk-preflight about scaling and alarms, each with a change that breaks it and the nearest that passes.

The rules of cdk-preflight 1.9.1 were reproduced by deployments to AWS: each has a template that AWS refused, AWS's
words, and the nearest template that AWS took. The words here are those that its findings quote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]
Change = Callable[[Template], None]

OTHER_SERVICES = (
    "pf-appautoscaling-alb-metric-requires-resource-label",
    "pf-appautoscaling-customized-metric-unsupported-dimension",
    "pf-appautoscaling-dynamodb-",
    "pf-appautoscaling-elasticache-",
    "pf-appautoscaling-lambda-",
    "pf-appautoscaling-min-capacity-zero-namespace",
    "pf-appautoscaling-predictive-buffer-",
    "pf-appautoscaling-predictive-metric-",
    "pf-appautoscaling-resource-label-format",
    "pf-appautoscaling-rolearn-required-no-slr",
    "pf-appautoscaling-step-scaling-unsupported-namespace",
)
"""Rules about targets of other services: they say nothing about copies of a component."""

OTHER_RESOURCES = (
    "pf-cloudwatch-anomaly-detector-",
    "pf-cloudwatch-composite-",
    "pf-cloudwatch-dashboard-",
    "pf-cloudwatch-insight-rule-",
    "pf-cloudwatch-metric-stream-",
)
"""Rules about resources that serve no endpoint: the rules of this project do not read them."""


@dataclass(frozen=True)
class Evidence:
    """One rule of cdk-preflight."""

    id: str
    resource: str
    """Logical id of the resource that breaks it."""
    words: str
    """AWS's words; empty where cdk-preflight quotes none."""
    broken: Change
    mended: Change
    """The nearest change that AWS takes."""


def _at(logical_id: str, path: str, value: Any) -> Change:
    """Set a property; None takes it away."""

    def change(template: Template) -> None:
        place = template["Resources"][logical_id]["Properties"]
        *keys, last = path.split("/") if path else [""]
        for key in keys:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        place.pop(last, None)
        if value is not None:
            place[last] = value

    return change


def _all(*changes: Change) -> Change:
    def change(template: Template) -> None:
        for each in changes:
            each(template)

    return change


def _nothing(template: Template) -> None:
    """The template as it is."""


def _step(low: float | None = None, high: float | None = None, adjustment: int = 1) -> Template:
    bounds = {"MetricIntervalLowerBound": low, "MetricIntervalUpperBound": high}
    return {"ScalingAdjustment": adjustment, **{name: bound for name, bound in bounds.items() if bound is not None}}


def _steps(*steps: Template, **more: Any) -> Change:
    configuration = "StepScalingPolicyConfiguration"
    changes = [_at("Wake", f"{configuration}/{name}", value) for name, value in more.items()]
    return _all(_at("Wake", f"{configuration}/StepAdjustments", list(steps)), *changes)


_TRACKING = "TargetTrackingScalingPolicyConfiguration"
_SINGLE = {"MetricName": "m", "Namespace": "n", "Statistic": "Sum"}


def _tracking(**more: Any) -> Change:
    return _all(*(_at("Track", f"{_TRACKING}/{name}", value) for name, value in more.items()))


def _predefined(kind: str, **more: Any) -> Change:
    return _tracking(PredefinedMetricSpecification={"PredefinedMetricType": kind, **more})


def _customized(**specification: Any) -> Change:
    return _tracking(PredefinedMetricSpecification=None, CustomizedMetricSpecification=specification)


def _action(**more: Any) -> Change:
    action = {
        "ScheduledActionName": "day",
        "Schedule": "cron(0 8 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 1},
        **more,
    }
    return _at("Target", "ScheduledActions", [{name: value for name, value in action.items() if value is not None}])


def _alarm(**more: Any) -> Change:
    return _all(*(_at("Alarm", name, value) for name, value in more.items()))


def _query(name: str, **more: Any) -> Template:
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations"}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, **more}


def _math(*queries: Template, **more: Any) -> Change:
    single = dict.fromkeys(("MetricName", "Namespace", "Period", "Statistic", "Dimensions"))
    return _alarm(Metrics=list(queries), **single, **more)


_HIDDEN = {"ReturnData": False}
_BAND = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m)", "ReturnData": True}


def _anomaly(*queries: Template, **more: Any) -> Change:
    band = {"ComparisonOperator": "GreaterThanUpperThreshold", "Threshold": None, "ThresholdMetricId": "band"}
    return _math(*queries, **{**band, "AlarmActions": [], **more})


def _metrics(count: int) -> Change:
    return _math(*(_query(f"m{number}", ReturnData=number == 0) for number in range(count)))


def _expressions(count: int) -> Change:
    listed = [{"Id": f"e{number}", "Expression": "m * 2", "ReturnData": number == 0} for number in range(count)]
    return _math(_query("m", **_HIDDEN), *listed)


def _topics(count: int) -> list[str]:
    return [f"arn:aws:sns:us-west-2:123456789012:topic{number}" for number in range(count)]


_EVIDENCE: tuple[tuple[str, str, str, Change, Change], ...] = (
    (
        "appautoscaling-customized-metric-exclusive",
        "Track",
        "The customized metric specification is not valid.",
        _customized(**_SINGLE, Metrics=[{"Id": "e", "Expression": "1 * 2"}]),
        _customized(**_SINGLE),
    ),
    (
        "appautoscaling-min-adjustment-magnitude-percent-only",
        "Wake",
        "Minimum adjustment magnitude is only allowed for adjustment type PercentChangeInCapacity",
        _steps(_step(0), MinAdjustmentMagnitude=2),
        _steps(_step(0), MinAdjustmentMagnitude=2, AdjustmentType="PercentChangeInCapacity"),
    ),
    (
        "appautoscaling-min-max-capacity",
        "Target",
        "Maximum capacity cannot be less than minimum capacity",
        _all(_at("Target", "MinCapacity", 3), _at("Target", "MaxCapacity", 2)),
        _all(_at("Target", "MinCapacity", 2), _at("Target", "MaxCapacity", 2)),
    ),
    ("appautoscaling-namespace-dimension-match", "Target", "", _at("Target", "ServiceNamespace", "ecs"), _nothing),
    (
        "appautoscaling-policy-type-config-mismatch",
        "Wake",
        "You must only provide a single scaling policy configuration, which must match the scaling policy type "
        "specified.",
        _at("Wake", _TRACKING, {"TargetValue": 1, "CustomizedMetricSpecification": _SINGLE}),
        _nothing,
    ),
    (
        "appautoscaling-policy-type-config-required",
        "Wake",
        "StepScaling policy configuration must be specified",
        _at("Wake", "StepScalingPolicyConfiguration", None),
        _nothing,
    ),
    (
        "appautoscaling-predefined-metric-dimension",
        "Track",
        "Scalable dimension sagemaker:inference-component:DesiredCopyCount only supports the following predefined "
        "metric types: SageMakerInferenceComponent",
        _predefined("ECSServiceAverageCPUUtilization"),
        _predefined("SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"),
    ),
    (
        "appautoscaling-predictive-scaling-ecs-only",
        "Track",
        "",
        _all(
            _at("Track", "PolicyType", "PredictiveScaling"),
            _at("Track", _TRACKING, None),
            _at(
                "Track",
                "PredictiveScalingPolicyConfiguration",
                {
                    "MetricSpecifications": [
                        {
                            "TargetValue": 40,
                            "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ECSServiceCPUUtilization"},
                        }
                    ]
                },
            ),
        ),
        _nothing,
    ),
    (
        "appautoscaling-resource-id-shape",
        "Target",
        "Unsupported service namespace, resource type or scalable dimension",
        _at("Target", "ResourceId", "chat"),
        _nothing,
    ),
    (
        "appautoscaling-resource-label-requires-alb-metric",
        "Track",
        "Resource label should not be specified for predefined metric type "
        "SageMakerInferenceComponentInvocationsPerCopy",
        _predefined(
            "SageMakerInferenceComponentInvocationsPerCopy", ResourceLabel="app/lb/50dc6c495c0c9188/targetgroup/t/6d0"
        ),
        _predefined("SageMakerInferenceComponentInvocationsPerCopy"),
    ),
    (
        "appautoscaling-scalable-target-action-empty",
        "Target",
        "At least one of minimum capacity and maximum capacity should be provided",
        _action(ScalableTargetAction={}),
        _action(ScalableTargetAction={"MaxCapacity": 2}),
    ),
    (
        "appautoscaling-scalable-target-action-min-max",
        "Target",
        "Maximum capacity cannot be less than minimum capacity",
        _action(ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 1}),
        _action(ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1}),
    ),
    (
        "appautoscaling-scalable-target-action-required",
        "Target",
        "ScalableTargetAction must be set",
        _action(ScalableTargetAction=None),
        _action(),
    ),
    (
        "appautoscaling-schedule-at-format",
        "Target",
        "Invalid schedule at DateTime expression",
        _action(Schedule="at(2035-01-01T00:00:00Z)"),
        _action(Schedule="at(2035-01-01T00:00:00)"),
    ),
    (
        "appautoscaling-schedule-cron-day-fields",
        "Target",
        "Invalid CRON expression",
        _action(Schedule="cron(0 8 * * * *)"),
        _action(Schedule="cron(0 8 * * ?)"),
    ),
    (
        "appautoscaling-schedule-expression-form",
        "Target",
        "Invalid schedule expression",
        _action(Schedule="0 8 * * ? *"),
        _action(Schedule="cron(0 8 ? * MON-FRI *)"),
    ),
    (
        "appautoscaling-schedule-rate-unit",
        "Target",
        "Invalid schedule expression",
        _action(Schedule="rate(2 weeks)"),
        _action(Schedule="rate(5minutes)"),
    ),
    (
        "appautoscaling-schedule-rate-unit",
        "Target",
        "Invalid schedule frequency",
        _action(Schedule="rate(0 minutes)"),
        _action(Schedule="rate(1 hours)"),
    ),
    (
        "appautoscaling-scheduled-action-name-chars",
        "Target",
        "",
        _action(ScheduledActionName="day/night"),
        _action(ScheduledActionName="day night"),
    ),
    (
        "appautoscaling-scheduled-action-start-end-order",
        "Target",
        "StartTime must be before EndTime",
        _action(StartTime="2035-01-02T00:00:00Z", EndTime="2035-01-01T00:00:00Z"),
        _action(StartTime="2035-01-01T00:00:00Z", EndTime="2035-01-02T00:00:00Z"),
    ),
    (
        "appautoscaling-scheduled-action-timezone-iana",
        "Target",
        "Invalid schedule timezone: JST",
        _action(Timezone="JST"),
        _action(Timezone="Etc/GMT+9"),
    ),
    (
        "appautoscaling-step-adjustment-both-null",
        "Wake",
        "Both lower and upper bounds of a step adjustment cannot be left unspecified",
        _steps(_step()),
        _steps(_step(0)),
    ),
    (
        "appautoscaling-step-adjustment-bound-order",
        "Wake",
        "Lower bound must be less than upper bound for a step adjustment",
        _steps(_step(5, 5), _step(5)),
        _steps(_step(0, 5), _step(5)),
    ),
    (
        "appautoscaling-step-adjustment-exact-capacity-negative",
        "Wake",
        "Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity",
        _steps(_step(0, None, -1), AdjustmentType="ExactCapacity"),
        _steps(_step(0, None, 0), AdjustmentType="ExactCapacity"),
    ),
    (
        "appautoscaling-step-adjustment-gap",
        "Wake",
        "Step adjustment intervals cannot have gaps between them",
        _steps(_step(0, 5), _step(10)),
        _steps(_step(0, 10), _step(10)),
    ),
    (
        "appautoscaling-step-adjustment-missing-null-lower",
        "Wake",
        "There must be a step adjustment with an unspecified lower bound when one step adjustment has a negative "
        "lower bound",
        _steps(_step(-5, 0)),
        _steps(_step(None, -5, -1), _step(-5, 0)),
    ),
    (
        "appautoscaling-step-adjustment-missing-null-upper",
        "Wake",
        "There must be a step adjustment with an unspecified upper bound when one step adjustment has a positive "
        "upper bound",
        _steps(_step(0, 5)),
        _steps(_step(0, 5), _step(5)),
    ),
    (
        "appautoscaling-step-adjustment-overlap",
        "Wake",
        "Step adjustment intervals cannot overlap",
        _steps(_step(0, 10), _step(5)),
        _steps(_step(0, 5), _step(5)),
    ),
    (
        "appautoscaling-step-adjustment-two-null-lower",
        "Wake",
        "At most one step adjustment may have an unspecified lower bound",
        _steps(_step(None, -5, -1), _step(None, 0), _step(0)),
        _steps(_step(None, -5, -1), _step(-5, 0), _step(0)),
    ),
    (
        "appautoscaling-step-adjustment-two-null-upper",
        "Wake",
        "At most one step adjustment may have an unspecified upper bound",
        _steps(_step(0), _step(5)),
        _steps(_step(0, 5), _step(5)),
    ),
    (
        "appautoscaling-step-adjustment-type-required",
        "Wake",
        "Adjustment type must be specified",
        _at("Wake", "StepScalingPolicyConfiguration/AdjustmentType", None),
        _nothing,
    ),
    (
        "appautoscaling-step-adjustments-required",
        "Wake",
        "There must be at least one step adjustment",
        _steps(),
        _steps(_step(0)),
    ),
    (
        "appautoscaling-tt-metric-spec-exclusive",
        "Track",
        "Only one of PredefinedMetricSpecification or CustomizedMetricSpecification can be set for target tracking "
        "scaling.",
        _tracking(CustomizedMetricSpecification=_SINGLE),
        _customized(**_SINGLE),
    ),
    (
        "appautoscaling-tt-metric-spec-missing",
        "Track",
        "PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking scaling.",
        _tracking(PredefinedMetricSpecification=None),
        _nothing,
    ),
    (
        "cloudwatch-alarm-action-vendor",
        "Alarm",
        "Unsupported AWS vendor sqs",
        _alarm(AlarmActions=["arn:aws:sqs:us-west-2:123456789012:queue"]),
        _alarm(AlarmActions=["arn:aws:lambda:us-west-2:123456789012:function:f"]),
    ),
    (
        "cloudwatch-alarm-actions-max",
        "Alarm",
        "Member must have length less than or equal to 5",
        _alarm(OKActions=_topics(6)),
        _alarm(OKActions=_topics(5)),
    ),
    (
        "cloudwatch-alarm-anomaly-autoscaling-action",
        "Alarm",
        "autoscaling actions not supported when ThresholdMetricId is set",
        _anomaly(
            _query("m"),
            _BAND,
            AlarmActions=["arn:aws:autoscaling:us-west-2:123456789012:scalingPolicy:1:policyName/p"],
        ),
        _anomaly(_query("m"), _BAND, AlarmActions=_topics(1)),
    ),
    (
        "cloudwatch-alarm-ec2-action-region",
        "Alarm",
        "Invalid region eu-west-1 specified. Only us-west-2 is supported.",
        _alarm(AlarmActions=["arn:aws:automate:eu-west-1:ec2:stop"]),
        _alarm(AlarmActions=_topics(1)),
    ),
    (
        "cloudwatch-alarm-evaluation-window",
        "Alarm",
        "EvaluationPeriods * Period must be <= 86400",
        _alarm(Period=60, EvaluationPeriods=1441),
        _alarm(Period=60, EvaluationPeriods=1440),
    ),
    (
        "cloudwatch-alarm-expressions-max",
        "Alarm",
        "Too many expressions in alarm, maximum is 10",
        _expressions(11),
        _expressions(10),
    ),
    (
        "cloudwatch-alarm-low-sample-percentile",
        "Alarm",
        "Option evaluateLowSampleCountPercentile can not be applied with statistic Maximum.",
        _alarm(Statistic="Maximum", EvaluateLowSampleCountPercentile="ignore"),
        _alarm(Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore"),
    ),
    (
        "cloudwatch-alarm-metrics-max",
        "Alarm",
        "Too many metrics in alarm, maximum is 10",
        _metrics(11),
        _metrics(10),
    ),
    (
        "cloudwatch-alarm-period",
        "Alarm",
        "Period must be 10, 20, 30 or a multiple of 60",
        _alarm(Period=90),
        _alarm(Period=120),
    ),
    (
        "cloudwatch-alarm-period",
        "Alarm",
        "Period must be 10, 20, 30 or a multiple of 60",
        _math({"Id": "m", "MetricStat": {**_query("m")["MetricStat"], "Period": 45}}),
        _math({"Id": "m", "MetricStat": {**_query("m")["MetricStat"], "Period": 30}}),
    ),
    (
        "cloudwatch-alarm-search-expression",
        "Alarm",
        "SEARCH is not supported on Metric Alarms.",
        _math({"Id": "e", "Expression": "SUM(SEARCH('x', 'Sum', 60))"}),
        _math({"Id": "e", "Expression": "SUM(METRICS())"}, _query("m", **_HIDDEN)),
    ),
    (
        "cloudwatch-alarm-threshold",
        "Alarm",
        "PutMetricAlarm request should have valid Threshold parameter",
        _alarm(Threshold=None),
        _alarm(Threshold=0),
    ),
    (
        "cloudwatch-alarm-threshold",
        "Alarm",
        "ComparisonOperators for ranges require ThresholdMetricId to be set",
        _anomaly(_query("m"), _BAND, ThresholdMetricId=None),
        _anomaly(_query("m"), _BAND),
    ),
    (
        "cloudwatch-datapoints-evaluation",
        "Alarm",
        "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
        _alarm(EvaluationPeriods=3, DatapointsToAlarm=4),
        _alarm(EvaluationPeriods=3, DatapointsToAlarm=3),
    ),
    (
        "cloudwatch-extended-statistic",
        "Alarm",
        "The value p101 for parameter ExtendedStatistic is not supported.",
        _alarm(Statistic=None, ExtendedStatistic="p101"),
        _alarm(Statistic=None, ExtendedStatistic="p100"),
    ),
    (
        "cloudwatch-metric-namespace-ascii",
        "Alarm",
        "Namespace must not contain Non-ASCII characters.",
        _alarm(Namespace="Größe"),
        _alarm(Namespace="Size"),
    ),
    (
        "cloudwatch-metric-query-exclusive",
        "Alarm",
        "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive and you have specified both.",
        _math(_query("m", Expression="m * 2")),
        _math(_query("m", **_HIDDEN), {"Id": "e", "Expression": "m * 2"}),
    ),
    (
        "cloudwatch-metric-query-returndata",
        "Alarm",
        "Exactly one element of the metrics list should return data.",
        _math(_query("m"), {"Id": "e", "Expression": "m * 2"}),
        _math(_query("m", **_HIDDEN), {"Id": "e", "Expression": "m * 2"}),
    ),
    (
        "cloudwatch-metric-query-returndata",
        "Alarm",
        "Exactly two elements of the metrics list should return data.",
        _anomaly(_query("m", **_HIDDEN), _BAND),
        _anomaly(_query("m"), _BAND),
    ),
    (
        "cloudwatch-metricstat-stat-syntax",
        "Alarm",
        "Invalid metrics list",
        _math({"Id": "m", "MetricStat": {**_query("m")["MetricStat"], "Stat": "p101"}}),
        _math({"Id": "m", "MetricStat": {**_query("m")["MetricStat"], "Stat": "p99.9"}}),
    ),
    (
        "cloudwatch-threshold-metric-id",
        "Alarm",
        "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter",
        _anomaly(_query("m"), _BAND, ThresholdMetricId="other"),
        _anomaly(_query("m"), _BAND),
    ),
)

EVIDENCE = [Evidence(f"pf-{rule}", *more) for rule, *more in _EVIDENCE]
