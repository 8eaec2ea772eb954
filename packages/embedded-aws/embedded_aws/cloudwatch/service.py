"""The operations that publish and read data points. Times and periods in requests are wall-clock time."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from embedded_aws.cloudwatch.alarm_operations import AlarmOperations
from embedded_aws.cloudwatch.monitoring import Metric
from embedded_aws.cloudwatch.queries import (
    check_period,
    check_queries,
    check_statistic,
    evaluate_queries,
    invalid,
    metric_of,
)
from embedded_aws.cloudwatch.series import Cell
from embedded_aws.evidence import ASSUMED, documented
from embedded_aws.service import Answer, Parameters

_MOST_POINTS = 1_440
_PAGE = 500


class CloudWatch(AlarmOperations):
    """CloudWatch in one region: operations on metrics and alarms."""

    def put_metric_data(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        if params["Namespace"].startswith("AWS/"):
            raise invalid("The value AWS/ for parameter Namespace is invalid.", ASSUMED)
        metrics = self._metrics
        for datum in params.get("MetricData", ()):
            metric, unit = metric_of({**datum, "Namespace": params["Namespace"]}), datum.get("Unit", "None")
            at = self._aws_time(datum["Timestamp"]) if "Timestamp" in datum else metrics.now
            if "StatisticValues" in datum:
                statistics = datum["StatisticValues"]
                cell = Cell(statistics["SampleCount"], statistics["Sum"], statistics["Minimum"], statistics["Maximum"])
                metrics.join(metric, cell, unit=unit, at=at)
                continue
            values = datum.get("Values") or ([datum["Value"]] if "Value" in datum else [])
            counts = datum.get("Counts") or [1.0] * len(values)
            if not values or len(counts) != len(values):
                raise invalid(
                    f"{datum['MetricName']}: give Value, StatisticValues, or Values with one Count for each value.",
                    documented("CloudWatch API: MetricDatum"),
                )
            for value, count in zip(values, counts, strict=True):
                metrics.add(metric, value, unit=unit, at=at, count=count)
        return {}

    def get_metric_statistics(self, params: Parameters) -> Answer:  # noqa: D102
        plain, extended = params.get("Statistics", []), params.get("ExtendedStatistics", [])
        if not plain and not extended:
            raise invalid(
                "Statistics or ExtendedStatistics must be given.",
                documented("CloudWatch API: GetMetricStatistics, Statistics"),
            )
        for name in [*plain, *extended]:
            check_statistic(name)
        period = params["Period"]
        width, begin, end = self._span(params, period)
        if (end - begin) / width > _MOST_POINTS:
            raise invalid(
                f"More than {_MOST_POINTS} data points: choose a longer period or a shorter time range.", ASSUMED
            )
        cells = self._metrics.read(metric_of(params), width, begin, end, params.get("Unit"))
        unit = params.get("Unit") or self._metrics.unit(metric_of(params))
        points = []
        for number, cell in sorted(cells.items()):
            point: dict[str, Any] = {"Timestamp": _moment(number * period), "Unit": unit}
            point.update({name: cell.statistic(name) for name in plain})
            percentiles = {name: cell.statistic(name) for name in extended}
            if extended:
                point["ExtendedStatistics"] = {name: value for name, value in percentiles.items() if value is not None}
            points.append(point)
        return {"Label": params["MetricName"], "Datapoints": points}

    def get_metric_data(self, params: Parameters) -> Answer:  # noqa: D102
        queries = params["MetricDataQueries"]
        check_queries(queries, self.surroundings.region)
        periods = {query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}
        periods |= {query["Period"] for query in queries if "Period" in query}
        if len(periods) > 1 and any("Expression" in query for query in queries):
            raise invalid("Expressions over metrics of different periods are not supported.", ASSUMED)
        by_period: dict[int, list[Any]] = defaultdict(list)
        for query in queries:
            by_period[query.get("MetricStat", {}).get("Period") or max(periods, default=60)].append(query)
        values_by_id: dict[str, tuple[int, dict[int, float]]] = {}
        for period, same_period in by_period.items():
            width, begin, end = self._span(params, period)
            evaluated = evaluate_queries(self._metrics, same_period, width, begin, end)
            values_by_id.update({id: (period, values) for id, values in evaluated.items()})
        newest_first = params.get("ScanBy", "TimestampDescending") != "TimestampAscending"
        results = []
        for query in queries:
            if not query.get("ReturnData", True):
                continue
            period, values = values_by_id[query["Id"]]
            numbers = sorted(values, reverse=newest_first)
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label") or _label(query),
                    "Timestamps": [_moment(number * period) for number in numbers],
                    "Values": [values[number] for number in numbers],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results, "Messages": []}

    def list_metrics(self, params: Parameters) -> Answer:  # noqa: D102
        metrics = [metric for metric in self._metrics.known() if _matches_filters(metric, params)]
        begin = int(params.get("NextToken", 0))
        answer: Answer = {"Metrics": [_metric_entry(metric) for metric in metrics[begin : begin + _PAGE]]}
        return {**answer, "NextToken": str(begin + _PAGE)} if begin + _PAGE < len(metrics) else answer

    def _span(self, params: Parameters, period: int) -> tuple[float, float, float]:
        """Return the length of a period, the begin and the end in AWS's seconds. The begin is rounded down to a
        period.
        """
        check_period(period)
        scale = self.surroundings.clock.scale
        begin, end = (_aware(params[name]).timestamp() for name in ("StartTime", "EndTime"))
        if begin >= end:
            raise invalid("The parameter StartTime must be less than the parameter EndTime.", ASSUMED)
        return period * scale, math.floor(begin / period) * period * scale, end * scale

    def _aws_time(self, moment: datetime) -> float:
        return _aware(moment).timestamp() * self.surroundings.clock.scale


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _label(query: Parameters) -> str:
    if "MetricStat" not in query:
        return str(query["Id"])
    return str(query["MetricStat"]["Metric"]["MetricName"])


def _matches_filters(metric: Metric, params: Parameters) -> bool:
    dimensions = dict(metric.dimensions)
    return (
        params.get("Namespace", metric.namespace) == metric.namespace
        and params.get("MetricName", metric.name) == metric.name
        and all(
            item["Name"] in dimensions and item.get("Value", dimensions[item["Name"]]) == dimensions[item["Name"]]
            for item in params.get("Dimensions", ())
        )
    )


def _metric_entry(metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
