"""Rules about alarms that PutMetricAlarm refuses (with quotes of its messages), and alarms that never receive data."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.alarms import Alarm, Query, WatchedMetric
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case
from replicas.rules.queries import ALARM_PERIOD, fault_of_queries, is_alarm_period, is_statistic
from replicas.rules.refusals import Quote, preflight

_DAY, _WEEK, _HOUR = 86_400, 604_800, 3_600
_MOST = 10
_MOST_ACTIONS = 5
_ACTION = re.compile(r"arn:[a-z-]+:(?P<vendor>[a-z0-9-]+):(?P<region>[^:]*):[^:]*:.+", re.DOTALL)
_VENDORS = ("automate", "autoscaling", "lambda", "sns", "ssm", "ssm-incidents")
"""Services whose ARNs an alarm accepts as actions (CloudWatch API reference, PutMetricAlarm, AlarmActions)."""
_RANGES = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
_NAMESPACES = (MetricNamespace.SERVICE, MetricNamespace.COMPONENTS, MetricNamespace.ENDPOINTS)
_DIMENSIONS = (Dimension.COMPONENT, Dimension.ENDPOINT, Dimension.VARIANT)
_NEAR = 0.85
"""Minimum similarity (difflib, 0 to 1) between a misspelt and the correct dimension."""
_NEAR_METRIC = 0.9
"""Minimum similarity between a misspelt and the correct metric. Two metrics that exist, ConcurrentRequestsPerModel and
ConcurrentRequestsPerCopy, have a similarity of 0.86."""
_OF_SERVICE = (
    *(MetricName.INVOCATIONS, MetricName.INVOCATIONS_PER_COPY, MetricName.CONCURRENT_REQUESTS_PER_COPY),
    *(MetricName.MODEL_LATENCY, MetricName.OVERHEAD_LATENCY, MetricName.CLIENT_ERRORS, MetricName.SERVER_ERRORS),
    *(MetricName.MODEL_ERRORS, MetricName.NO_CAPACITY),
)
"""Metrics in the namespace of requests."""
_OF_INSTANCES = (
    *(MetricName.CPU_UTILIZATION, MetricName.MEMORY_UTILIZATION, MetricName.GPU_UTILIZATION),
    *(MetricName.GPU_MEMORY_UTILIZATION, MetricName.CPU_RESERVATION, MetricName.MEMORY_RESERVATION),
    MetricName.GPU_RESERVATION,
)
"""Metrics in the namespaces of utilisation and reservation."""
_DOCUMENTED = "CloudWatch API reference, PutMetricAlarm"


def _quote(rule_name: str, words: str, fix: str) -> Quote:
    return preflight(f"cloudwatch-{rule_name}", words, fix)


def _documented(words: str, fix: str, source: str = _DOCUMENTED) -> Quote:
    return Quote(words=words, source=source, fix=fix)


_NO_THRESHOLD = _quote(
    "alarm-threshold", "PutMetricAlarm request should have valid Threshold parameter", "set Threshold=NUMBER"
)
_DATAPOINTS = _quote(
    "datapoints-evaluation",
    "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
    "set DatapointsToAlarm to EvaluationPeriods or less",
)
_NO_STATISTIC = _quote(
    "extended-statistic",
    "The value {statistic} for parameter ExtendedStatistic is not supported.",
    "use a percentile from p0.0 to p100",
)
_WINDOW = _quote(
    "alarm-evaluation-window", "EvaluationPeriods * Period must be <= {longest}", "set EvaluationPeriods={most} or less"
)
_LOW_SAMPLES = _quote(
    "alarm-low-sample-percentile",
    "Option evaluateLowSampleCountPercentile can not be applied with statistic {statistic}.",
    "leave EvaluateLowSampleCountPercentile out",
)
_ELSEWHERE = _quote(
    "alarm-ec2-action-region",
    "Invalid region {given} specified. Only {region} is supported.",
    "use an action in {region}",
)
_VENDOR = _quote(
    "alarm-action-vendor",
    "Unsupported AWS vendor {vendor}",
    f"use an action of {', '.join(_VENDORS[:-1])} or {_VENDORS[-1]}",
)
_NO_ARN = _documented(
    "Actions are given by their ARNs, not as {action}", "use the ARN of the action", f"{_DOCUMENTED}, AlarmActions"
)
_MANY_METRICS = _quote(
    "alarm-metrics-max", "Too many metrics in alarm, maximum is 10", "keep at most 10 queries with MetricStat"
)
_MANY_EXPRESSIONS = _quote(
    "alarm-expressions-max", "Too many expressions in alarm, maximum is 10", "keep at most 10 expressions"
)
_SEARCH = _quote(
    "alarm-search-expression", "SEARCH is not supported on Metric Alarms.", "name each metric instead of using SEARCH()"
)
_UNKNOWN_THRESHOLD = _quote(
    "threshold-metric-id",
    "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter",
    "set ThresholdMetricId to the Id of a query that returns data",
)
_NO_METRIC = _documented(
    "MetricName, Namespace and Period, or Metrics, must be given", "set MetricName with Namespace, Period and Statistic"
)
_TWO_KINDS = _documented(
    "MetricName and Metrics must not both be given", "give only one of them", f"{_DOCUMENTED}, Metrics"
)
_STATISTICS = _documented(
    "Either Statistic or ExtendedStatistic must be given", "give exactly one of them", f"{_DOCUMENTED}, Statistic"
)
_MISSING_DATA = _documented(
    "TreatMissingData is one of breaching, notBreaching, ignore, missing",
    "set TreatMissingData=notBreaching",
    f"{_DOCUMENTED}, TreatMissingData",
)
_ONE_RETURNS = _quote(
    "metric-query-returndata",
    "Exactly one element of the metrics list should return data.",
    "set ReturnData=false for all other queries",
)
_TWO_RETURN = _quote(
    "metric-query-returndata",
    "Exactly two elements of the metrics list should return data.",
    "set ReturnData=true only for the metric and its ANOMALY_DETECTION_BAND",
)
_NO_BAND = _quote(
    "alarm-threshold",
    "ComparisonOperators for ranges require ThresholdMetricId to be set",
    "set ThresholdMetricId to the Id of the ANOMALY_DETECTION_BAND",
)
_SCALES_BY_BAND = _quote(
    "alarm-anomaly-autoscaling-action",
    "autoscaling actions not supported when ThresholdMetricId is set",
    "use an alarm with a static Threshold to scale",
)
_MANY_ACTIONS = _quote(
    "alarm-actions-max",
    "Member must have length less than or equal to 5",
    "keep at most 5 actions, or use one SNS topic that notifies all targets",
)
_ASCII = _quote(
    "metric-namespace-ascii",
    "Namespace must not contain Non-ASCII characters.",
    "use only ASCII characters in Namespace",
)


@rule(
    "alarm-refused",
    checks="An alarm has a period, a window, a statistic or a metric query that CloudWatch does not accept.",
    why="PutMetricAlarm refuses it: '{words}'",
    source="cdk-preflight 1.9.1: a rule for each case, with AWS's words; CloudWatch API reference",
    enforced=enforced_by("PutMetricAlarm", "quoted", f"'{ALARM_PERIOD.words}' ({ALARM_PERIOD.source})"),
)
def alarm_refused(topology: Topology) -> Iterator[Case]:
    """CloudWatch must accept every setting of an alarm."""
    for alarm in topology.alarms:
        quote = _fault_of(alarm, topology.region)
        if quote:
            yield Case(subject=alarm.subject, numbers=quote.numbers)


@rule(
    "alarm-without-data",
    severity="warning",
    checks="An alarm or a scaling policy names a SageMaker metric with a wrong namespace, name or dimension (warning).",
    why="there is no such metric: the alarm never receives data and never changes its state",
    source="SageMaker developer guide, monitoring-cloudwatch: namespaces, metrics and dimensions (values are names)",
)
def alarm_without_data(topology: Topology) -> Iterator[Case]:
    """Alarms and scaling policies must name a metric of SageMaker as SageMaker publishes it."""
    for metric in topology.metrics:
        right = _namespace_of(metric)
        if right:
            numbers = {"namespace": metric.namespace, "metric": metric.name, "right": right}
            yield Case(subject=metric.subject, kind="namespace", numbers=numbers)
        elif near_name := _metric_like(metric):
            yield Case(subject=metric.subject, kind="metric", numbers={"metric": metric.name, "near": near_name})
        if metric.namespace in _NAMESPACES and metric.name is not None and metric.has_no_dimension:
            numbers = {"metric": metric.name, "namespace": metric.namespace}
            yield Case(subject=metric.subject, kind="no dimension", numbers=numbers)
        for name, value in metric.dimensions:
            near = _dimension_like(name) if metric.namespace in _NAMESPACES else None
            if name in _DIMENSIONS and value is not None and value.startswith("arn:"):
                yield Case(subject=metric.subject, numbers={"dimension": name, "value": value})
            elif near:
                yield Case(subject=metric.subject, kind="dimension", numbers={"dimension": name, "near": near})
            elif metric.namespace in _NAMESPACES and name.endswith("Arn"):  # every dimension is a name or an id
                yield Case(subject=metric.subject, kind="other dimension", numbers={"dimension": name})


def _namespace_of(metric: WatchedMetric) -> str | None:
    """Return the namespace in which SageMaker publishes a metric, if the given namespace is misspelt or is another
    namespace of SageMaker; otherwise None.
    """
    given = metric.namespace
    if not isinstance(given, str) or (given in _NAMESPACES and metric.name not in (*_OF_SERVICE, *_OF_INSTANCES)):
        return None
    if given in _NAMESPACES:
        is_right = (given == MetricNamespace.SERVICE) == (metric.name in _OF_SERVICE)
        other = MetricNamespace.SERVICE if metric.name in _OF_SERVICE else MetricNamespace.COMPONENTS
        return None if is_right else other
    return next((namespace for namespace in _NAMESPACES if namespace.lower() == given.lower()), None)


def _metric_like(metric: WatchedMetric) -> str | None:
    """Return the metric of SageMaker that a misspelt name probably means.

    The result is None if the name is correct, not similar to any metric, or in a namespace of another service.
    """
    known = (*_OF_SERVICE, *_OF_INSTANCES)
    if metric.namespace not in _NAMESPACES or not isinstance(metric.name, str) or metric.name in known:
        return None
    return next(iter(difflib.get_close_matches(metric.name, known, n=1, cutoff=_NEAR_METRIC)), None)


def _dimension_like(name: str) -> str | None:
    """Return the dimension of SageMaker that a misspelt name probably means.

    The result is None if the name is correct, or not similar to any dimension.
    """
    if name in _DIMENSIONS:
        return None
    lower = {dimension.lower(): dimension for dimension in _DIMENSIONS}
    return next((lower[near] for near in difflib.get_close_matches(name.lower(), lower, n=1, cutoff=_NEAR)), None)


def _fault_of(alarm: Alarm, region: str | None) -> Quote | None:
    is_range = alarm.comparison in _RANGES
    if isinstance(alarm.comparison, str) and not is_range and not alarm.has_threshold:
        return _NO_THRESHOLD
    if is_range and alarm.threshold_query is None:
        return _NO_BAND
    fault = _fault_of_metric(alarm) if alarm.queries is None else None
    if isinstance(alarm.queries, tuple):
        if alarm.metric is not None:
            return _TWO_KINDS
        fault = _fault_of_queries(alarm, alarm.queries, is_range=is_range)
    return fault or _fault_of_evaluation(alarm) or _fault_of_actions(alarm, region)


def _fault_of_actions(alarm: Alarm, region: str | None) -> Quote | None:
    listed = Counter(name for name, _ in alarm.actions)
    if any(count > _MOST_ACTIONS for count in listed.values()):
        return _MANY_ACTIONS
    for _, action in alarm.actions:
        if action is not None and not action.startswith(("arn:", "${")):
            return _NO_ARN.about(action=action)
        match = _ACTION.fullmatch(action or "")
        if match and match["vendor"] == "automate" and region not in (None, match["region"]):
            return _ELSEWHERE.about(given=match["region"], region=region)
        if match and match["vendor"] not in _VENDORS:
            return _VENDOR.about(vendor=match["vendor"])
        if match and match["vendor"] == "autoscaling" and alarm.threshold_query is not None:
            return _SCALES_BY_BAND
    return None


def _fault_of_metric(alarm: Alarm) -> Quote | None:
    if None in (alarm.metric, alarm.namespace, alarm.period):
        return _NO_METRIC
    if (alarm.statistic is None) == (alarm.extended_statistic is None):
        return _STATISTICS
    if isinstance(alarm.extended_statistic, str) and not is_statistic(alarm.extended_statistic):
        return _NO_STATISTIC.about(statistic=alarm.extended_statistic)
    if isinstance(alarm.namespace, str) and not alarm.namespace.isascii():
        return _ASCII
    if isinstance(alarm.statistic, str) and alarm.evaluates_low_samples:
        return _LOW_SAMPLES.about(statistic=alarm.statistic)
    return None if is_alarm_period(alarm.period) else ALARM_PERIOD


def _fault_of_queries(alarm: Alarm, queries: tuple[Query, ...], *, is_range: bool) -> Quote | None:
    fault = fault_of_queries(queries, is_alarm_period, ALARM_PERIOD)
    if fault:
        return fault
    if any(isinstance(query.expression, str) and "SEARCH(" in query.expression.upper() for query in queries):
        return _SEARCH
    if sum(query.has_metric for query in queries) > _MOST:
        return _MANY_METRICS
    if sum(query.has_expression for query in queries) > _MOST:
        return _MANY_EXPRESSIONS
    returning = [query for query in queries if query.returns_data is True]
    is_known = not any(isinstance(query.returns_data, Unknown) for query in queries)
    if is_known and len(returning) != (2 if is_range else 1):
        return _TWO_RETURN if is_range else _ONE_RETURNS
    named = alarm.threshold_query
    if is_range and is_known and isinstance(named, str) and named not in [query.id for query in returning]:
        return _UNKNOWN_THRESHOLD
    return None


def _fault_of_evaluation(alarm: Alarm) -> Quote | None:
    periods = alarm.evaluation_periods
    if isinstance(periods, Fraction) and isinstance(alarm.datapoints, Fraction) and alarm.datapoints > periods:
        return _DATAPOINTS
    period = _period_of(alarm)
    longest = _WEEK if period is not None and period >= _HOUR else _DAY
    if isinstance(periods, Fraction) and period is not None and periods * period > longest:
        return _WINDOW.about(longest=longest, most=int(longest // period))
    allowed = (None, "breaching", "notBreaching", "ignore", "missing")
    return _MISSING_DATA if not isinstance(alarm.missing_data, Unknown) and alarm.missing_data not in allowed else None


def _period_of(alarm: Alarm) -> Fraction | None:
    if isinstance(alarm.queries, tuple):
        periods = [query.period for query in alarm.queries if isinstance(query.period, Fraction)]
        return max(periods, default=None)
    return alarm.period if isinstance(alarm.period, Fraction) else None
