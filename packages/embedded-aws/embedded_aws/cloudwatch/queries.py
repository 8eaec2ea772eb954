"""Metric data queries of GetMetricData and alarms: metrics with a statistic, and metric math over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from embedded_aws.cloudwatch.expressions import Expression, ExpressionError
from embedded_aws.cloudwatch.monitoring import Metric, Metrics
from embedded_aws.enforcement import evidence_of, resource, topology
from embedded_aws.evidence import ASSUMED, LIMIT, Evidence, documented
from embedded_aws.service import ServiceError
from replicas.names import ResourceType
from replicas.rules.queries import READ_PERIOD, fault_of_queries, is_read_period, is_statistic
from replicas.rules.refusals import Quote

_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
"""Statistics, in addition to percentiles, that the embedded AWS computes."""
_PERCENTILE = re.compile(r"p(?:100|\d{1,2}(?:\.\d{1,10})?)")

Query = Mapping[str, Any]


def metric_of(document: Mapping[str, Any]) -> Metric:
    """Return the metric that a request names by Namespace, MetricName and Dimensions."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in document.get("Dimensions", ())}
    return Metric.of(document["Namespace"], document["MetricName"], dimensions)


def check_statistic(name: str) -> None:
    """Refuse a statistic that CloudWatch does not have, or that the embedded AWS does not compute."""
    if not is_statistic(name):
        raise invalid(
            f"The statistic {name} is not supported: use {', '.join(_STATISTICS)} or a percentile such as p99.",
            documented("CloudWatch User Guide, statistics definitions"),
        )
    if name not in _STATISTICS and not _PERCENTILE.fullmatch(name):
        raise invalid(f"The embedded AWS does not compute the statistic {name}.", LIMIT)


def check_period(seconds: int) -> None:
    """Refuse a period length, in seconds, that CloudWatch does not accept for reading metrics."""
    if not is_read_period(Fraction(seconds)):
        raise _refusal_of(READ_PERIOD)


def check_queries(queries: Sequence[Query], region: str) -> None:
    """Refuse queries of GetMetricData that CloudWatch does not accept, or that the embedded AWS cannot evaluate.

    Raises:
        ServiceError: the first problem of the queries.

    """
    (alarm,) = topology({"alarm": resource(ResourceType.ALARM, {"Metrics": queries})}, region).alarms
    assert isinstance(alarm.queries, tuple)  # noqa: S101 (the queries of a request are a list)
    fault = fault_of_queries(alarm.queries, is_read_period, READ_PERIOD)
    if fault:
        raise _refusal_of(fault)
    check_evaluable(queries)


def check_evaluable(queries: Sequence[Query]) -> None:
    """Refuse statistics and expressions that the embedded AWS cannot evaluate, or that name unknown queries."""
    ids = {query["Id"] for query in queries}
    for query in queries:
        if "MetricStat" in query:
            check_statistic(query["MetricStat"]["Stat"])
            continue
        missing = sorted(_parsed(query["Expression"]).ids - ids)
        if missing:
            raise invalid(
                f"The expression of {query['Id']} names queries that do not exist: {', '.join(missing)}.", ASSUMED
            )


def evaluate_queries(
    metrics: Metrics, queries: Sequence[Query], width: float, begin: float, end: float
) -> dict[str, dict[int, float]]:
    """Evaluate queries and return the values of each query id by period number.

    Args:
        metrics: the metrics to read.
        queries: queries that passed `check_queries`.
        width: length of a period, in AWS's seconds.
        begin: start of the first period, in AWS's seconds.
        end: end of the time range, exclusive, in AWS's seconds.

    """
    results: dict[str, dict[int, float]] = {}
    for query in queries:
        if "MetricStat" in query:
            metric_stat = query["MetricStat"]
            cells = metrics.read(metric_of(metric_stat["Metric"]), width, begin, end, metric_stat.get("Unit"))
            values = {number: cell.statistic(metric_stat["Stat"]) for number, cell in cells.items()}
            results[query["Id"]] = {number: value for number, value in values.items() if value is not None}
    numbers = range(int(begin // width), int(-(-end // width)))
    unevaluated = [query for query in queries if "Expression" in query]
    measured = list(results)
    while unevaluated:
        ready = [query for query in unevaluated if _parsed(query["Expression"]).ids <= results.keys()]
        if not ready:
            raise invalid("The expressions refer to each other in a cycle.", ASSUMED)
        for query in ready:
            expression = _parsed(query["Expression"])
            values = {}
            for number in numbers:
                ids = measured if expression.uses_all else expression.ids
                values[number] = expression.value({id: results[id].get(number) for id in ids})
            results[query["Id"]] = {number: value for number, value in values.items() if value is not None}
        unevaluated = [query for query in unevaluated if query not in ready]
    return results


def _refusal_of(quote: Quote) -> ServiceError:
    return ServiceError("InvalidParameterValue", quote.words, evidence_of(quote.source))


def invalid(message: str, evidence: Evidence) -> ServiceError:
    """Return CloudWatch's error for a parameter that is not valid."""
    return ServiceError("InvalidParameterValue", message, evidence)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Expression:
    try:
        return Expression(text)
    except ExpressionError as fault:
        raise invalid(str(fault), fault.evidence) from None
