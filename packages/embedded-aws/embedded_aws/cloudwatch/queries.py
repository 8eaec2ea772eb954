"""Data queries as GetMetricData and alarms hold them: metrics with a statistic, and expressions over them."""

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
    """A metric as requests write it."""
    dimensions = {one["Name"]: one["Value"] for one in document.get("Dimensions", ())}
    return Metric.of(document["Namespace"], document["MetricName"], dimensions)


def check_statistic(name: str) -> None:
    """Refuse what is no statistic, and what is none here.

    Raises:
        ServiceError: it is none.

    """
    if name not in _STATISTICS and not _PERCENTILE.fullmatch(name):
        raise invalid(
            f"The statistic {name} is not supported: {', '.join(_STATISTICS)}, or a percentile such as p99.",
            documented("CloudWatch User Guide, statistics definitions"),
        )


def check_period(seconds: int) -> None:
    """Refuse what CloudWatch does not take as a period.

    Raises:
        ServiceError: it takes 1, 5, 10, 20, 30 and multiples of 60.

    """
    if seconds < 1 or (seconds not in (1, 5, 10, 20, 30) and seconds % 60):
        raise invalid(
            f"The period {seconds} is not supported: 1, 5, 10, 20, 30, or any multiple of 60.",
            documented("CloudWatch API: MetricStat, Period"),
        )


def check_queries(queries: Sequence[Query]) -> None:
    """Refuse queries that cannot be answered.

    Raises:
        ServiceError: the first thing that is wrong with them.

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
        missing = sorted(_read(query["Expression"]).ids - set(ids))
        if missing:
            raise invalid(f"The expression of {query['Id']} names what is not there: {', '.join(missing)}.", ASSUMED)


def answered(
    metrics: Metrics, queries: Sequence[Query], width: float, begin: float, end: float
) -> dict[str, dict[int, float]]:
    """The values of each query by the number of the period.

    Args:
        metrics: that are asked.
        queries: that passed `check_queries`.
        width: of a period in AWS's seconds.
        begin: of the first period.
        end: the moment before which the last period begins.

    """
    found: dict[str, dict[int, float]] = {}
    for query in queries:
        if "MetricStat" in query:
            asked = query["MetricStat"]
            cells = metrics.read(metric_of(asked["Metric"]), width, begin, end, asked.get("Unit"))
            told = {number: cell.statistic(asked["Stat"]) for number, cell in cells.items()}
            found[query["Id"]] = {number: value for number, value in told.items() if value is not None}
    numbers = range(int(begin // width), int(-(-end // width)))
    waiting = [query for query in queries if "Expression" in query]
    measured = list(found)
    while waiting:
        ready = [query for query in waiting if _read(query["Expression"]).ids <= found.keys()]
        if not ready:
            raise invalid("The expressions refer to one another in a circle.", ASSUMED)
        for query in ready:
            expression = _read(query["Expression"])
            told = {}
            for number in numbers:
                ids = measured if expression.uses_all else expression.ids
                told[number] = expression.value({id: found[id].get(number) for id in ids})
            found[query["Id"]] = {number: value for number, value in told.items() if value is not None}
        waiting = [query for query in waiting if query not in ready]
    return found


def invalid(message: str, evidence: Evidence) -> ServiceError:
    """CloudWatch's refusal of a parameter."""
    return ServiceError("InvalidParameterValue", message, evidence)


@lru_cache(maxsize=256)
def _read(text: str) -> Expression:
    try:
        return Expression(text)
    except ExpressionError as fault:
        raise invalid(str(fault), fault.evidence) from None
