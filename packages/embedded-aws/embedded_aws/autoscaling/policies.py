"""Scaling policies as requests write them: the metrics that they can follow, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

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
    """The metric of a policy, as an alarm names it."""
    if "PredefinedMetricSpecification" in tracking:
        return {
            "Namespace": MetricNamespace.SERVICE,
            "Dimensions": [{"Name": Dimension.COMPONENT, "Value": component}],
            **_METRICS[tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]],
        }
    own = tracking["CustomizedMetricSpecification"]
    if "Metrics" in own:
        stats = [
            {**query, "MetricStat": {**query["MetricStat"], "Period": 60}}
            for query in own["Metrics"]
            if "MetricStat" in query
        ]
        return {"Metrics": stats + [query for query in own["Metrics"] if "MetricStat" not in query]}
    return {"Period": 60, **own}


def check_policy(policy: Mapping[str, Any]) -> None:
    """Refuse what is no policy of an inference component."""
    kind = policy["PolicyType"]
    if kind not in _CONFIGURATIONS:
        raise refused(f"The embedded AWS does not know {kind}: {' or '.join(_CONFIGURATIONS)}.")
    configuration = policy.get(_CONFIGURATIONS[kind])
    if configuration is None:
        raise refused(f"{_CONFIGURATIONS[kind]} is required for a policy of type {kind}.")
    if kind == "StepScaling":
        _check_steps(configuration)
        return
    if configuration["TargetValue"] <= 0:
        raise refused("TargetValue must be greater than 0.")
    predefined = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if ("CustomizedMetricSpecification" in configuration) == (predefined is not None):
        raise refused("Either PredefinedMetricSpecification or CustomizedMetricSpecification must be given.")
    if predefined is not None and predefined not in _METRICS:
        raise refused(f"{predefined} is no metric of inference components: {' or '.join(_METRICS)}.")


def _check_steps(configuration: Mapping[str, Any]) -> None:
    steps = configuration.get("StepAdjustments", [])
    if "AdjustmentType" not in configuration or not steps:
        raise refused("AdjustmentType and StepAdjustments are required for a step scaling policy.")
    infinite = float("inf")
    spans = sorted(
        (one.get("MetricIntervalLowerBound", -infinite), one.get("MetricIntervalUpperBound", infinite)) for one in steps
    )
    if any(low >= high for low, high in spans):
        raise refused("The lower bound of a step must be less than its upper bound.")
    if any(left[1] != right[0] for left, right in pairwise(spans)):
        raise refused("StepAdjustments must not overlap or have gaps.")


def refused(message: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError("ValidationException", message)
