"""Metric data queries of GetMetricData and alarms: metrics with a statistic, and metric math over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from embedded_aws.cloudwatch.expressions import Expression, ExpressionError
from embedded_aws.cloudwatch.monitoring import Metric, Metrics
from embedded_aws.evidence import ASSUMED, Evidence, documented
from embedded_aws.service import ServiceError

_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(?:100|\d{1,2}(?:\.\d{1,10})?)")

Query = Mapping[str, Any]


def metric_of(document: Mapping[str, Any]) -> Metric:
    """The metric that a request names by Namespace, MetricName and Dimensions."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in document.get("Dimensions", ())}
    return Metric.of(document["Namespace"], document["MetricName"], dimensions)


def check_statistic(name: str) -> None:
    """Refuse statistics that CloudWatch does not have or that are not implemented.

    Raises:
        ServiceError: the name is neither a basic statistic nor a percentile.

    """
    if name not in _STATISTICS and not _PERCENTILE.fullmatch(name):
        raise invalid(
            f"The statistic {name} is not supported: {', '.join(_STATISTICS)}, or a percentile such as p99.",
            documented("CloudWatch User Guide, statistics definitions"),
        )


def check_period(seconds: int) -> None:
    """Refuse periods that CloudWatch does not accept.

    Raises:
        ServiceError: the period is not 1, 5, 10, 20, 30 or a multiple of 60 seconds.

    """
    if seconds < 1 or (seconds not in (1, 5, 10, 20, 30) and seconds % 60):
        raise invalid(
            f"The period {seconds} is not supported: 1, 5, 10, 20, 30, or any multiple of 60.",
            documented("CloudWatch API: MetricStat, Period"),
        )


def check_queries(queries: Sequence[Query]) -> None:
    """Refuse queries that are not valid.

    Raises:
        ServiceError: the first problem of the queries.

    """
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise invalid(
            "The ids of the queries are not all different.", documented("CloudWatch API: MetricDataQuery, Id")
        )
    for query in queries:
        if ("MetricStat" in query) == ("Expression" in query):
            raise invalid(
                f"Query {query['Id']} needs either MetricStat or Expression.",
                documented("CloudWatch API: MetricDataQuery"),
            )
        if "MetricStat" in query:
            check_statistic(query["MetricStat"]["Stat"])
            check_period(query["MetricStat"]["Period"])
            continue
        missing = sorted(_parsed(query["Expression"]).ids - set(ids))
        if missing:
            raise invalid(f"The expression of {query['Id']} names what is not there: {', '.join(missing)}.", ASSUMED)


def evaluate_queries(
    metrics: Metrics, queries: Sequence[Query], width: float, begin: float, end: float
) -> dict[str, dict[int, float]]:
    """Evaluate queries: the values of each query id by period number.

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
            raise invalid("The expressions refer to one another in a circle.", ASSUMED)
        for query in ready:
            expression = _parsed(query["Expression"])
            values = {}
            for number in numbers:
                ids = measured if expression.uses_all else expression.ids
                values[number] = expression.value({id: results[id].get(number) for id in ids})
            results[query["Id"]] = {number: value for number, value in values.items() if value is not None}
        unevaluated = [query for query in unevaluated if query not in ready]
    return results


def invalid(message: str, evidence: Evidence) -> ServiceError:
    """CloudWatch's error for a parameter that is not valid."""
    return ServiceError("InvalidParameterValue", message, evidence)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Expression:
    try:
        return Expression(text)
    except ExpressionError as fault:
        raise invalid(str(fault), fault.evidence) from None
