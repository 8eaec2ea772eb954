"""Checks of scaling policies and targets, and the CloudWatch metric that a target-tracking policy tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.enforcement import refuse, resource, topology
from embedded_aws.evidence import Evidence
from embedded_aws.service import ServiceError
from replicas.names import CopyTarget, Dimension, MetricName, MetricNamespace, ResourceType

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


def tracked_metric(tracking: Mapping[str, Any], component: str) -> dict[str, Any]:
    """Return the metric of a target-tracking policy, as arguments of PutMetricAlarm."""
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


def check_policy(policy: Mapping[str, Any], region: str) -> None:
    """Check a scaling policy against the rules that Application Auto Scaling enforces.

    Raises:
        ServiceError: one error with all faults, in AWS's words if they are known.

    """
    refuse("PutScalingPolicy", topology({"policy": resource(ResourceType.SCALING_POLICY, policy)}, region), "policy")


def check_target(target: Mapping[str, Any], region: str, operation: str = "RegisterScalableTarget") -> None:
    """Check a scalable target and its scheduled actions against the rules that Application Auto Scaling enforces.

    Raises:
        ServiceError: one error with all faults, in AWS's words if they are known.

    """
    name = str(target["ResourceId"]).removeprefix(CopyTarget.PREFIX)
    resources = {
        "target": resource(ResourceType.SCALABLE_TARGET, target),
        "component": resource(ResourceType.COMPONENT, {"InferenceComponentName": name}),
    }
    refuse(operation, topology(resources, region), "target")


def refused(message: str, evidence: Evidence) -> ServiceError:
    """Return a ValidationException."""
    return ServiceError("ValidationException", message, evidence)
