"""Keyword options of every `metric_*` method, and the function that creates their metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from aws_cdk import Duration, Resource

from replicas_cdk.identity import literal

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch


class MetricOptions(TypedDict, total=False):
    """Settings of a metric that a caller can change. Same keywords as `aws_cloudwatch.MetricOptions`."""

    account: str
    """Account of the metric. Default: the account of the resource."""
    color: str
    """Colour in a graph, `#00ff00`. Default: CloudWatch selects a colour."""
    dimensions_map: Mapping[str, str]
    """Dimensions of the metric. Default: the dimensions of the resource."""
    id: str
    """Id of the metric in the math expressions of a dashboard. Default: none."""
    label: str
    """Label in a graph. Default: CloudWatch generates a label."""
    period: Duration
    """Period of the statistic. Default: 5 minutes."""
    region: str
    """Region of the metric. Default: the region of the resource."""
    stack_account: str
    """Account of the stack that defines the metric. Graphs and alarms in the same account omit it. Default: the account
    of the resource."""
    stack_region: str
    """Region of the stack that defines the metric. Graphs and alarms in the same region omit it. Default: the region of
    the resource."""
    statistic: str
    """Statistic, for example `Sum` or `p90`. Default: named by the docstring of the method."""
    unit: cloudwatch.Unit
    """Unit of the data points to include. Default: data points of every unit."""
    visible: bool
    """Whether a graph shows the metric itself. False if only an expression uses the metric. Default: True."""


def published(
    resource: Resource, namespace: str, metric_name: str, defaults: MetricOptions, options: MetricOptions
) -> cloudwatch.Metric:
    """Return a metric with the account and region of its resource, if these are literals.

    Graphs and alarms in a stack with another account or region then name the account and region of the metric. Graphs
    and alarms in the same account and region omit them.
    """
    from aws_cdk.aws_cloudwatch import Metric

    environment = resource.env
    known: MetricOptions = {}
    if account := literal(environment.account):
        known["stack_account"] = account
    if region := literal(environment.region):
        known["stack_region"] = region
    merged: MetricOptions = {"statistic": "Average", **known, **defaults, **options}
    return Metric(namespace=namespace, metric_name=metric_name, **merged)
