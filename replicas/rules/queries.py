"""Faults of metric data queries that CloudWatch refuses (alarms, GetMetricData): ids, statistics, periods."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from replicas.endpoint.alarms import Query
from replicas.endpoint.identity import Number
from replicas.rules.refusals import Quote, preflight

_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_STATISTIC = re.compile(
    r"SampleCount|Average|Sum|Minimum|Maximum|IQM|"
    r"(?:p|tm|tc|ts|wm)(?:100|\d{1,2})(?:\.\d{1,10})?|"
    r"(?:TM|TC|TS|WM|PR)\([^()]*\)",
)
_ALARM_SECONDS = (10, 20, 30)
_READ_SECONDS = (1, 5, *_ALARM_SECONDS)
_QUERY = "CloudWatch API, MetricDataQuery"

ALARM_PERIOD = preflight("cloudwatch-alarm-period", "Period must be 10, 20, 30 or a multiple of 60", "set Period=60")
READ_PERIOD = Quote(
    words="The period is not supported: 1, 5, 10, 20, 30, or any multiple of 60.",
    source="CloudWatch API, MetricStat, Period",
    fix="set Period=60",
)
_TWICE = Quote(
    words="The ids of the queries are not all different",
    source=f"{_QUERY}, Id",
    fix="set a different Id for each query",
)
_BAD_ID = Quote(
    words="Invalid metrics list",
    source="aws-cloudformation/cfn-lint, issue 1944; aws/aws-cdk, issue 26674",
    fix="replace Id={id}: an id has letters, digits and underscores and begins with a lower-case letter",
)
_EXCLUSIVE = preflight(
    "cloudwatch-metric-query-exclusive",
    "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive and you have specified both.",
    "give only one of Expression and MetricStat",
)
_NO_SOURCE = Quote(
    words="a query needs either MetricStat or Expression",
    source=_QUERY,
    fix="give exactly one of them",
)
_STAT = preflight(
    "cloudwatch-metricstat-stat-syntax", "Invalid metrics list", "use Average, Sum, Maximum or a percentile such as p99"
)


def fault_of_queries(queries: Sequence[Query], is_period: Callable[[Number], bool], bad_period: Quote) -> Quote | None:
    """Return the first fault of metric data queries; None if CloudWatch accepts them.

    Args:
        queries: the queries of one request.
        is_period: function that returns whether the operation accepts a period.
        bad_period: the refusal of an unacceptable period.

    """
    ids = [query.id for query in queries if isinstance(query.id, str)]
    if len(set(ids)) < len(ids):
        return _TWICE
    for query in queries:
        if isinstance(query.id, str) and not _ID.fullmatch(query.id):
            return _BAD_ID.about(id=query.id)
        if query.has_metric == query.has_expression:
            return _EXCLUSIVE if query.has_metric else _NO_SOURCE
    for query in queries:
        if isinstance(query.statistic, str) and not is_statistic(query.statistic):
            return _STAT
        if query.has_metric and not is_period(query.period):
            return bad_period
    return None


def is_statistic(name: str) -> bool:
    """Return whether CloudWatch has a statistic of this name."""
    return bool(_STATISTIC.fullmatch(name))


def is_alarm_period(seconds: Number) -> bool:
    """Return whether an alarm can have this period. An unknown period counts as valid."""
    return _is_among(seconds, _ALARM_SECONDS)


def is_read_period(seconds: Number) -> bool:
    """Return whether metrics can be read with this period. An unknown period counts as valid."""
    return _is_among(seconds, _READ_SECONDS)


def _is_among(seconds: Number, short: tuple[int, ...]) -> bool:
    if not isinstance(seconds, Fraction):
        return True
    return seconds in short or (seconds > 0 and seconds % 60 == 0)
