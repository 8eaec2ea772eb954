"""Alarms in requests and answers: validation of PutMetricAlarm, and the entries of DescribeAlarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.cloudwatch.alarms import COMPARISONS, Alarm
from embedded_aws.cloudwatch.queries import check_queries, check_statistic, invalid
from embedded_aws.evidence import LIMIT, documented, preflight
from embedded_aws.service import Answer, Parameters, ServiceError

ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_DAY, _WEEK = 86_400, 604_800
_PAGE = 100


def check_alarm(params: Parameters) -> None:
    """Validate PutMetricAlarm. Only alarms with a static threshold are supported."""
    if params["ComparisonOperator"] not in COMPARISONS or "ThresholdMetricId" in params:
        raise invalid("The embedded AWS has no anomaly detection: an alarm compares with a static Threshold.", LIMIT)
    if "Threshold" not in params:
        raise invalid(
            "PutMetricAlarm request should have valid Threshold parameter", preflight("cloudwatch-alarm-threshold")
        )
    if "Metrics" in params:
        check_queries(params["Metrics"])
        if len([query for query in params["Metrics"] if query.get("ReturnData", True)]) != 1:
            raise invalid(
                "Exactly one of the Metrics must have ReturnData true.",
                documented("CloudWatch API: MetricDataQuery, ReturnData"),
            )
        if "MetricName" in params:
            raise invalid(
                "MetricName and Metrics exclude one another.", documented("CloudWatch API: PutMetricAlarm, Metrics")
            )
    else:
        for name in ("MetricName", "Namespace", "Period"):
            if name not in params:
                raise _lacking(name)
        if ("Statistic" in params) == ("ExtendedStatistic" in params):
            raise invalid(
                "Either Statistic or ExtendedStatistic must be given.",
                documented("CloudWatch API: PutMetricAlarm, Statistic"),
            )
        check_statistic(params.get("Statistic") or params["ExtendedStatistic"])
        if params["Period"] not in (10, 20, 30) and params["Period"] % 60:
            raise invalid("Period must be 10, 20, 30 or a multiple of 60", preflight("cloudwatch-alarm-period"))
    alarm = Alarm("", "", dict(params), 0, due=0)
    evaluation_periods = params["EvaluationPeriods"]
    if params.get("DatapointsToAlarm", evaluation_periods) > evaluation_periods:
        raise invalid(
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
            preflight("cloudwatch-datapoints-evaluation"),
        )
    longest = _WEEK if alarm.period >= 3_600 else _DAY
    if evaluation_periods * alarm.period > longest:
        raise invalid(
            f"EvaluationPeriods * Period must be <= {longest}", preflight("cloudwatch-alarm-evaluation-window")
        )
    if params.get("TreatMissingData", "missing") not in ("breaching", "notBreaching", "ignore", "missing"):
        raise invalid(
            "TreatMissingData is one of breaching, notBreaching, ignore, missing.",
            documented("CloudWatch API: PutMetricAlarm, TreatMissingData"),
        )


def queries_of(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The data queries of an alarm: its `Metrics`, or one query built from its single metric."""
    if "Metrics" in settings:
        return list(settings["Metrics"])
    statistic = settings.get("Statistic") or settings["ExtendedStatistic"]
    metric_stat = {"Metric": settings, "Period": settings["Period"], "Stat": statistic, "Unit": settings.get("Unit")}
    return [{"Id": "m", "MetricStat": metric_stat}]


def result_of(settings: Mapping[str, Any]) -> str:
    """The id of the query that is compared with the threshold."""
    if "Metrics" not in settings:
        return "m"
    return next(str(query["Id"]) for query in settings["Metrics"] if query.get("ReturnData", True))


def alarm_entry(alarm: Alarm) -> Answer:
    """The alarm's entry in the answer of DescribeAlarms."""
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
    """Whether an alarm matches the filters of DescribeAlarms."""
    actions = [arn for kind in ACTIONS.values() for arn in alarm.settings.get(kind, ())]
    return (
        (not params.get("AlarmNames") or alarm.name in params["AlarmNames"])
        and alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue", alarm.state) == alarm.state
        and ("ActionPrefix" not in params or any(arn.startswith(params["ActionPrefix"]) for arn in actions))
    )


def pairs(settings: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Dimensions as a set of (name, value) pairs, for comparison without order."""
    return {(dimension["Name"], dimension["Value"]) for dimension in settings.get("Dimensions", ())}


def page(entries: list[Any], params: Parameters, key: str) -> Answer:
    """The answer with one page of a list, and `NextToken` if more entries follow."""
    begin, size = int(params.get("NextToken", 0)), params.get("MaxRecords", _PAGE)
    answer: Answer = {key: entries[begin : begin + size]}
    return {**answer, "NextToken": str(begin + size)} if begin + size < len(entries) else answer


def _lacking(name: str) -> ServiceError:
    return ServiceError(
        "MissingParameter", f"The parameter {name} must be given.", documented("CloudWatch API: PutMetricAlarm")
    )


def not_found(names: Iterable[str]) -> ServiceError:
    """Error for alarms that do not exist."""
    return ServiceError(
        "ResourceNotFound",
        f"Alarms [{', '.join(names)}] do not exist.",
        documented("CloudWatch API: ResourceNotFound"),
        status=404,
    )
