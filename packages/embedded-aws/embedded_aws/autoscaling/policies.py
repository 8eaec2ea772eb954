"""Validation of scaling policies, and the CloudWatch metric that a target-tracking policy follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

from embedded_aws.evidence import ASSUMED, LIMIT, Evidence, preflight
from embedded_aws.service import ServiceError
from replicas.names import CopyTarget, Dimension, MetricName, MetricNamespace

_METRICS: dict[str, dict[str, Any]] = {
    CopyTarget.INVOCATIONS: {
        "MetricName": MetricName.INVOCATIONS_PER_COPY,
        "Statistic": "Sum",
        "Period": 60,
    },
    CopyTarget.CONCURRENT_REQUESTS: {
        "MetricName": MetricName.CONCURRENT_REQUESTS_PER_COPY,
        "Statistic": "Maximum",
        "Period": 10,
    },
}
_CONFIGURATIONS = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
}


def tracked_metric(tracking: Mapping[str, Any], component: str) -> dict[str, Any]:
    """The metric of a target-tracking policy, as arguments of PutMetricAlarm."""
    if "PredefinedMetricSpecification" in tracking:
        return {
            "Namespace": MetricNamespace.SERVICE,
            "Dimensions": [{"Name": Dimension.COMPONENT, "Value": component}],
            **_METRICS[tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]],
        }
    customized = tracking["CustomizedMetricSpecification"]
    if "Metrics" in customized:
        stats = [
            {**query, "MetricStat": {**query["MetricStat"], "Period": 60}}
            for query in customized["Metrics"]
            if "MetricStat" in query
        ]
        return {"Metrics": stats + [query for query in customized["Metrics"] if "MetricStat" not in query]}
    return {"Period": 60, **customized}


def check_policy(policy: Mapping[str, Any]) -> None:
    """Refuse a scaling policy that is not valid for an inference component.

    Raises:
        ServiceError: the first fault, in AWS's words if they are known.

    """
    kind = policy["PolicyType"]
    if kind not in _CONFIGURATIONS:
        raise refused(f"The embedded AWS does not know {kind}: {' or '.join(_CONFIGURATIONS)}.", LIMIT)
    configuration = policy.get(_CONFIGURATIONS[kind])
    if configuration is None:
        raise refused(
            f"{kind} policy configuration must be specified", preflight("appautoscaling-policy-type-config-required")
        )
    if any(name in policy for other, name in _CONFIGURATIONS.items() if other != kind):
        raise refused(
            "You must only provide a single scaling policy configuration, which must match the scaling policy type "
            "specified.",
            preflight("appautoscaling-policy-type-config-mismatch"),
        )
    if kind == "StepScaling":
        _check_steps(configuration)
    else:
        _check_tracking(configuration)


def _check_tracking(configuration: Mapping[str, Any]) -> None:
    if configuration["TargetValue"] <= 0:
        raise refused("TargetValue must be greater than 0.", ASSUMED)
    predefined = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    customized = configuration.get("CustomizedMetricSpecification")
    if customized is None and predefined is None:
        raise refused(
            "PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking scaling.",
            preflight("appautoscaling-tt-metric-spec-missing"),
        )
    if customized is not None and predefined is not None:
        raise refused(
            "Only one of PredefinedMetricSpecification or CustomizedMetricSpecification can be set for target "
            "tracking scaling.",
            preflight("appautoscaling-tt-metric-spec-exclusive"),
        )
    if customized is not None and "Metrics" in customized and "MetricName" in customized:
        raise refused(
            "The customized metric specification is not valid.", preflight("appautoscaling-customized-metric-exclusive")
        )
    if predefined is not None and predefined not in _METRICS:
        raise refused(
            f"Scalable dimension {CopyTarget.DIMENSION} only supports the following predefined metric types: "
            f"{', '.join(_METRICS)}",
            preflight("appautoscaling-predefined-metric-dimension"),
        )


def _check_steps(configuration: Mapping[str, Any]) -> None:
    steps = configuration.get("StepAdjustments", [])
    kind = configuration.get("AdjustmentType")
    if kind is None:
        raise refused("Adjustment type must be specified", preflight("appautoscaling-step-adjustment-type-required"))
    if not steps:
        raise refused(
            "There must be at least one step adjustment", preflight("appautoscaling-step-adjustments-required")
        )
    if "MinAdjustmentMagnitude" in configuration and kind != "PercentChangeInCapacity":
        raise refused(
            "Minimum adjustment magnitude is only allowed for adjustment type PercentChangeInCapacity",
            preflight("appautoscaling-min-adjustment-magnitude-percent-only"),
        )
    if kind == "ExactCapacity" and any(step["ScalingAdjustment"] < 0 for step in steps):
        raise refused(
            "Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity",
            preflight("appautoscaling-step-adjustment-exact-capacity-negative"),
        )
    _check_bounds([(step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")) for step in steps])


def _check_bounds(bounds: Sequence[tuple[float | None, float | None]]) -> None:
    """Refuse step adjustments that overlap, leave a gap or do not cover the whole range on their side."""
    if (None, None) in bounds:
        raise refused(
            "Both lower and upper bounds of a step adjustment cannot be left unspecified",
            preflight("appautoscaling-step-adjustment-both-null"),
        )
    if any(low is not None and high is not None and low >= high for low, high in bounds):
        raise refused(
            "Lower bound must be less than upper bound for a step adjustment",
            preflight("appautoscaling-step-adjustment-bound-order"),
        )
    open_below, open_above = (sum(bound[side] is None for bound in bounds) for side in (0, 1))
    if open_below > 1:
        raise refused(
            "At most one step adjustment may have an unspecified lower bound",
            preflight("appautoscaling-step-adjustment-two-null-lower"),
        )
    if open_above > 1:
        raise refused(
            "At most one step adjustment may have an unspecified upper bound",
            preflight("appautoscaling-step-adjustment-two-null-upper"),
        )
    if not open_below and any(low is not None and low < 0 for low, _ in bounds):
        raise refused(
            "There must be a step adjustment with an unspecified lower bound when one step adjustment has a negative "
            "lower bound",
            preflight("appautoscaling-step-adjustment-missing-null-lower"),
        )
    if not open_above and any(high is not None and high > 0 for _, high in bounds):
        raise refused(
            "There must be a step adjustment with an unspecified upper bound when one step adjustment has a positive "
            "upper bound",
            preflight("appautoscaling-step-adjustment-missing-null-upper"),
        )
    spans = sorted((-inf if low is None else low, inf if high is None else high) for low, high in bounds)
    if any(left[1] > right[0] for left, right in pairwise(spans)):
        raise refused("Step adjustment intervals cannot overlap", preflight("appautoscaling-step-adjustment-overlap"))
    if any(left[1] < right[0] for left, right in pairwise(spans)):
        raise refused(
            "Step adjustment intervals cannot have gaps between them", preflight("appautoscaling-step-adjustment-gap")
        )


def refused(message: str, evidence: Evidence) -> ServiceError:
    """A ValidationException with a message and the evidence for it."""
    return ServiceError("ValidationException", message, evidence)
