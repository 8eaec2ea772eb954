"""CloudWatch alarms that a template declares, and the metrics that its alarms and scaling policies watch."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.alarms import Alarm, Query, WatchedMetric
from replicas.endpoint.identity import Subject
from replicas.endpoint.values import Unknown, Value, at, list_of, number_of, text_of
from replicas.names import ResourceType
from replicas.template.examples import example_of
from replicas.template.resources import Resource, Resources, text_in, truth_in

ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
"""Properties that list actions, one for each state."""


def alarms_of(resources: Resources) -> tuple[Alarm, ...]:
    """Return all metric alarms of a template, except kinds that the rules do not read."""
    return tuple(
        _alarm(alarm, resources)
        for alarm in resources.of_type(ResourceType.ALARM)
        if alarm.get("EvaluationCriteria") is None and not isinstance(alarm.properties, Unknown)
    )


def _alarm(alarm: Resource, resources: Resources) -> Alarm:
    queries = alarm.get("Metrics")
    return Alarm(
        subject=Subject(kind="resource", name=alarm.logical_id),
        comparison=text_in(alarm.get("ComparisonOperator")),
        has_threshold=alarm.get("Threshold") is not None,
        threshold_query=text_in(alarm.get("ThresholdMetricId")),
        metric=text_in(alarm.get("MetricName")),
        namespace=text_in(alarm.get("Namespace")),
        period=number_of(alarm.get("Period")),
        statistic=text_in(alarm.get("Statistic")),
        extended_statistic=text_in(alarm.get("ExtendedStatistic")),
        queries=queries if queries is None or isinstance(queries, Unknown) else tuple(map(_query, list_of(queries))),
        evaluation_periods=number_of(alarm.get("EvaluationPeriods")),
        datapoints=number_of(alarm.get("DatapointsToAlarm")),
        missing_data=text_in(alarm.get("TreatMissingData")),
        evaluates_low_samples=alarm.get("EvaluateLowSampleCountPercentile") is not None,
        actions=tuple((name, example_of(action, resources)) for name in ACTIONS for action in list_of(alarm.get(name))),
    )


def _query(query: Value) -> Query:
    returns = at(query, "ReturnData")
    return Query(
        id=text_in(at(query, "Id")),
        has_metric=at(query, "MetricStat") is not None,
        has_expression=at(query, "Expression") is not None,
        period=number_of(at(query, "MetricStat", "Period")),
        statistic=text_in(at(query, "MetricStat", "Stat")),
        expression=text_in(at(query, "Expression")),
        returns_data=True if returns is None else truth_in(returns),
    )


def declared_metrics(declared: Value) -> Iterator[Value]:
    """Yield the metric that an alarm or a customized metric specification sets itself, then the metric of each query.

    A yielded value can be None, or an object without `MetricName`.
    """
    yield declared
    for query in list_of(at(declared, "Metrics")):
        yield at(query, "MetricStat", "Metric")


def metrics_of(resources: Resources) -> Iterator[WatchedMetric]:
    """Yield the metrics of alarms, and the customized metrics of target-tracking policies."""
    for resource in resources.of_type(ResourceType.ALARM, ResourceType.SCALING_POLICY):
        customized = resource.get("TargetTrackingScalingPolicyConfiguration", "CustomizedMetricSpecification")
        declared = resource.properties if resource.type == ResourceType.ALARM else customized
        for metric in declared_metrics(declared):
            if at(metric, "MetricName") is not None:
                yield WatchedMetric(
                    subject=Subject(kind="resource", name=resource.logical_id),
                    name=text_in(at(metric, "MetricName")),
                    namespace=text_in(at(metric, "Namespace")),
                    dimensions=tuple(
                        (text_of(at(entry, "Name")), example_of(at(entry, "Value"), resources))
                        for entry in list_of(at(metric, "Dimensions"))
                    ),
                    has_no_dimension=not list_of(at(metric, "Dimensions")),
                )
