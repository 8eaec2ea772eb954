"""Alarms in requests and answers: validation of PutMetricAlarm, and the entries of DescribeAlarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.cloudwatch.alarms import COMPARISONS, Alarm
from embedded_aws.cloudwatch.queries import check_evaluable, check_statistic, invalid
from embedded_aws.enforcement import refuse, resource, topology
from embedded_aws.evidence import LIMIT, documented
from embedded_aws.service import Answer, Parameters, ServiceError
from replicas.names import ResourceType

ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_PAGE = 100


def check_alarm(params: Parameters, region: str) -> None:
    """Validate a PutMetricAlarm request. Only alarms with a static threshold are supported."""
    model = topology({"alarm": resource(ResourceType.ALARM, params)}, region)
    refuse("PutMetricAlarm", model, "alarm", code="InvalidParameterValue")
    if params["ComparisonOperator"] not in COMPARISONS or "ThresholdMetricId" in params:
        raise invalid("The embedded AWS has no anomaly detection: an alarm needs a static Threshold.", LIMIT)
    if "Metrics" in params:
        check_evaluable(params["Metrics"])
    else:
        check_statistic(params.get("Statistic") or params["ExtendedStatistic"])


def queries_of(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the data queries of an alarm: its `Metrics`, or one query built from its single metric."""
    if "Metrics" in settings:
        return list(settings["Metrics"])
    statistic = settings.get("Statistic") or settings["ExtendedStatistic"]
    metric_stat = {"Metric": settings, "Period": settings["Period"], "Stat": statistic, "Unit": settings.get("Unit")}
    return [{"Id": "m", "MetricStat": metric_stat}]


def result_of(settings: Mapping[str, Any]) -> str:
    """Return the id of the query that is compared with the threshold."""
    if "Metrics" not in settings:
        return "m"
    return next(str(query["Id"]) for query in settings["Metrics"] if query.get("ReturnData", True))


def alarm_entry(alarm: Alarm) -> Answer:
    """Return the alarm's entry in the answer of DescribeAlarms."""
    answer = {
        **alarm.settings,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": datetime.fromtimestamp(alarm.updated, UTC),
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateReasonData": alarm.reason_data,
        "StateUpdatedTimestamp": datetime.fromtimestamp(alarm.since, UTC),
        "StateTransitionedTimestamp": datetime.fromtimestamp(alarm.since, UTC),
    }
    return {key: value for key, value in answer.items() if value is not None}


def matches_filters(alarm: Alarm, params: Parameters) -> bool:
    """Return whether an alarm matches the filters of DescribeAlarms."""
    actions = [arn for kind in ACTIONS.values() for arn in alarm.settings.get(kind, ())]
    return (
        (not params.get("AlarmNames") or alarm.name in params["AlarmNames"])
        and alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue", alarm.state) == alarm.state
        and ("ActionPrefix" not in params or any(arn.startswith(params["ActionPrefix"]) for arn in actions))
    )


def pairs(settings: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the dimensions as a set of (name, value) pairs, for comparison without order."""
    return {(dimension["Name"], dimension["Value"]) for dimension in settings.get("Dimensions", ())}


def page(entries: list[Any], params: Parameters, key: str) -> Answer:
    """Return the answer with one page of a list, and `NextToken` if more entries follow."""
    begin, size = int(params.get("NextToken", 0)), params.get("MaxRecords", _PAGE)
    answer: Answer = {key: entries[begin : begin + size]}
    return {**answer, "NextToken": str(begin + size)} if begin + size < len(entries) else answer


def not_found(names: Iterable[str]) -> ServiceError:
    """Return the error for alarms that do not exist."""
    return ServiceError(
        "ResourceNotFound",
        f"Alarms [{', '.join(names)}] do not exist.",
        documented("CloudWatch API: ResourceNotFound"),
        status=404,
    )
