"""Options that every `metric_*` method takes, and the metric that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from aws_cdk import Duration, Resource
from aws_cdk import aws_cloudwatch as cloudwatch

from replicas_cdk.identity import literal


class MetricOptions(TypedDict, total=False):
    """Keywords of `aws_cloudwatch.MetricOptions`: what a caller may change of a metric."""

    account: str
    """Account of the metric. Default: that of the resource."""
    color: str
    """Colour in a graph, `#00ff00`. Default: CloudWatch selects one."""
    dimensions_map: Mapping[str, str]
    """Dimensions of the metric. Default: those of the resource."""
    id: str
    """Name of the metric in the expressions of a dashboard. Default: none."""
    label: str
    """Label in a graph. Default: CloudWatch writes one."""
    period: Duration
    """Period of the statistic. Default: 5 minutes."""
    region: str
    """Region of the metric. Default: that of the resource."""
    stack_account: str
    """Account that a graph or an alarm of the same account does not repeat. Default: that of the resource."""
    stack_region: str
    """Region that a graph or an alarm of the same region does not repeat. Default: that of the resource."""
    statistic: str
    """Statistic, `Sum` or `p90`. Default: the one that the metric's method states."""
    unit: cloudwatch.Unit
    """Unit of the data points that count. Default: the one that the metric is published in."""
    visible: bool
    """Whether a graph shows the metric, or only an expression of it. Default: True."""


def published(
    resource: Resource, namespace: str, metric_name: str, defaults: MetricOptions, options: MetricOptions
) -> cloudwatch.Metric:
    """Return a metric with the account and region of its resource, as far as they are literals.

    A graph or an alarm in a stack of another account or region then names them; one in the same stack does not.
    """
    environment = resource.env
    known: MetricOptions = {}
    if account := literal(environment.account):
        known["stack_account"] = account
    if region := literal(environment.region):
        known["stack_region"] = region
    merged: MetricOptions = {"statistic": "Average", **known, **defaults, **options}
    return cloudwatch.Metric(namespace=namespace, metric_name=metric_name, **merged)
