"""CloudWatch alarms, and the metrics that alarms and scaling policies watch."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.identity import Number, Subject, Text
from replicas.endpoint.values import Unknown


@dataclass(frozen=True, kw_only=True)
class Query:
    """One metric data query of an alarm: a metric with a statistic, or an expression."""

    id: Text
    has_metric: bool
    has_expression: bool
    period: Number = None
    statistic: Text = None
    expression: Text = None
    returns_data: bool | Unknown = True


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A metric alarm."""

    subject: Subject
    comparison: Text
    has_threshold: bool
    threshold_query: Text
    """Id of the query that gives the threshold of an anomaly detection alarm."""
    metric: Text
    namespace: Text
    period: Number
    statistic: Text
    extended_statistic: Text
    queries: tuple[Query, ...] | Unknown | None
    """The metric data queries; None if the alarm has a single metric."""
    evaluation_periods: Number
    datapoints: Number
    missing_data: Text
    evaluates_low_samples: bool = False
    """True if the alarm sets `EvaluateLowSampleCountPercentile`, the treatment of percentiles with few samples."""
    actions: tuple[tuple[str, str | None], ...] = ()
    """Actions of the alarm. Each is a pair: the property that lists the action, and an example of its ARN (None if the
    ARN is unknown)."""


@dataclass(frozen=True, kw_only=True)
class WatchedMetric:
    """A metric that an alarm or a target-tracking policy watches."""

    subject: Subject
    """The alarm or policy."""
    name: Text
    namespace: Text
    dimensions: tuple[tuple[str, str | None], ...] = ()
    """Names of the dimensions, each with an example of its value (None if the format of the value is unknown)."""
    has_no_dimension: bool = False
    """True if the metric certainly has no dimension."""
