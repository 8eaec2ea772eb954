"""Alarms: CloudWatch's own tables of missing data, and what a change of state asks others to do."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.cloudwatch.alarms import Alarm, Raised, evaluated_state
from embedded_aws_tests.cloudwatch.conftest import ALARM, FAILURES, Account

POLICY = "arn:aws:autoscaling:us-west-2:123456789012:scalingPolicy:1:policyName/wake"
TOPIC = "arn:aws:sns:us-west-2:123456789012:topic"
RETAINED = "retained"

# From "Configuring how CloudWatch alarms treat missing data": oldest first, X breaches, 0 does not, - is missing; then
# the state by treatment: missing, ignore, breaching, notBreaching.
THREE_OUT_OF_THREE = [
    ("0-X-X", "OK OK OK OK"),
    ("----0", "OK OK OK OK"),
    ("-----", f"INSUFFICIENT_DATA {RETAINED} ALARM OK"),
    ("0XX-X", "ALARM ALARM ALARM ALARM"),
    ("--X--", f"ALARM {RETAINED} ALARM OK"),
]
TWO_OUT_OF_THREE = [
    ("0-X-X", "ALARM ALARM ALARM ALARM"),
    ("00X0X", "ALARM ALARM ALARM ALARM"),
    ("0-X--", "OK OK ALARM OK"),
    ("----0", "OK OK ALARM OK"),
    ("---X-", f"ALARM {RETAINED} ALARM OK"),
]


@pytest.mark.parametrize(
    ("needed", "points", "states"),
    [(3, *row) for row in THREE_OUT_OF_THREE] + [(2, *row) for row in TWO_OUT_OF_THREE],
)
def test_missing_data_as_the_documentation_tables_it(needed: int, points: str, states: str) -> None:
    values = [{"X": 10.0, "0": 1.0, "-": None}[point] for point in reversed(points)]
    for treatment, state in zip(("missing", "ignore", "breaching", "notBreaching"), states.split(), strict=True):
        settings = {
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": needed,
            "Threshold": 5,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": treatment,
        }
        alarm = Alarm("alarm", "", settings, 0, due=0, state=RETAINED)
        assert evaluated_state(alarm, values) == state, treatment


def test_a_low_alarm_waits_for_all_its_periods(account: Account) -> None:
    account.put(
        Statistic="Maximum", Period=10, EvaluationPeriods=30, Threshold=1.0, ComparisonOperator="LessThanThreshold"
    )
    account.metrics.hold(FAILURES, 0.0)
    account.wait(290)
    assert account.state() == "INSUFFICIENT_DATA", "few points are no reason to scale in"
    account.wait(20)
    assert account.state() == "ALARM"


@pytest.mark.parametrize(
    ("comparison", "breaching", "fine"),
    [
        ("GreaterThanOrEqualToThreshold", 5, 4),
        ("GreaterThanThreshold", 6, 5),
        ("LessThanThreshold", 4, 5),
        ("LessThanOrEqualToThreshold", 5, 6),
    ],
)
def test_comparisons(account: Account, comparison: str, breaching: float, fine: float) -> None:
    account.put(Statistic="Average", Threshold=5, ComparisonOperator=comparison)
    for value, state in ((breaching, "ALARM"), (fine, "OK")):
        account.metrics.add(FAILURES, value)
        account.wait(70)
        assert account.state() == state


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ({"Statistic": "Sum"}, 110),
        ({"Statistic": "SampleCount"}, 10),
        ({"Statistic": "Average"}, 11),
        ({"Statistic": "Minimum"}, 2),
        ({"Statistic": "Maximum"}, 20),
        ({"ExtendedStatistic": "p90"}, 18),
        ({"ExtendedStatistic": "p50"}, 10),
    ],
)
def test_statistics(account: Account, statistic: dict[str, str], value: float) -> None:
    settings = {key: setting for key, setting in statistic.items() if key != "Statistic"}
    for name, threshold in (("reached", value), ("beyond", value + 0.5)):
        asked = {"Statistic": statistic.get("Statistic"), **settings, "AlarmName": name, "Threshold": threshold}
        account("PutMetricAlarm", **{k: v for k, v in {**ALARM, **asked}.items() if v is not None})
    for sample in range(2, 22, 2):
        account.metrics.add(FAILURES, sample)
    account.wait(60)
    states = {one["AlarmName"]: one["StateValue"] for one in account("DescribeAlarms")["MetricAlarms"]}
    assert states == {"reached": "ALARM", "beyond": "OK"}


def test_an_alarm_on_an_expression(account: Account) -> None:
    invocations = FAILURES._replace(name="Invocations")

    def query(id: str, name: str) -> dict[str, Any]:
        metric = {"Namespace": FAILURES.namespace, "MetricName": name, "Dimensions": ALARM["Dimensions"]}
        return {
            "Id": id,
            "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        }

    account(
        "PutMetricAlarm",
        AlarmName="alarm",
        Metrics=[
            query("m1", invocations.name),
            query("m2", FAILURES.name),
            {"Id": "e1", "Expression": "IF(m1 > 0, 100 * FILL(m2, 0) / m1, 0)"},
        ],
        EvaluationPeriods=1,
        Threshold=10.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    for failures, state in ((1, "OK"), (3, "ALARM"), (0, "OK")):
        account.metrics.add(invocations, 1, count=20)
        if failures:
            account.metrics.add(FAILURES, failures)
        account.wait(60)
        assert account.state() == state


def test_actions_follow_changes_and_scaling_is_asked_for_again_each_minute(account: Account) -> None:
    asked: list[Raised] = []
    account.monitoring.act("autoscaling", lambda arn, raised: asked.append(raised))
    account.put(AlarmActions=[POLICY, TOPIC], OKActions=[TOPIC], TreatMissingData="notBreaching")

    account.metrics.add(FAILURES, 2)
    account.wait(60)
    assert [(raised.name, raised.state, raised.value) for raised in asked] == [("alarm", "ALARM", 2)]
    account.metrics.add(FAILURES, 1)
    account.wait(120)
    assert len(asked) == 3, "once a minute while it lasts"
    account.wait(300)
    assert account.state() == "OK"
    history = account("DescribeAlarmHistory", HistoryItemType="Action")["AlarmHistoryItems"]
    recorded = [item["HistorySummary"] for item in history if TOPIC in item["HistorySummary"]]
    assert recorded == [f"Recorded, but did not run, action {TOPIC}"] * 2


def test_a_state_set_by_hand_acts_and_lasts_until_the_next_look(account: Account) -> None:
    asked: list[Raised] = []
    account.monitoring.act("autoscaling", lambda arn, raised: asked.append(raised))
    account.put(AlarmActions=[POLICY], TreatMissingData="notBreaching")

    account("SetAlarmState", AlarmName="alarm", StateValue="ALARM", StateReason="try it")
    assert [raised.value for raised in asked] == [None]
    assert account.monitoring.alarming(["alarm", "other"]) == ["alarm"]
    account.wait(60)
    assert account.state() == "OK"

    account("DisableAlarmActions", AlarmNames=["alarm"])
    account("SetAlarmState", AlarmName="alarm", StateValue="ALARM", StateReason="try it")
    assert len(asked) == 1


def test_time_is_as_much_shorter_as_everything_else() -> None:
    account = Account(scale=60)
    account.put()
    account.metrics.add(FAILURES, 1)
    before = account.clock.at
    account.wait(60)
    assert account.state() == "ALARM"
    assert account.clock.at - before == pytest.approx(1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "require ThresholdMetricId to be set"),
        ({"ComparisonOperator": "LessThanLowerThreshold", "ThresholdMetricId": "band"}, "no anomaly detection"),
        ({"Period": 45}, "Period must be 10, 20, 30 or a multiple of 60"),
        ({"Statistic": "Average", "ExtendedStatistic": "p99"}, "Either Statistic or ExtendedStatistic"),
        ({"DatapointsToAlarm": 2}, "less than or equal to EvaluationPeriods"),
        ({"EvaluationPeriods": 1500}, "EvaluationPeriods * Period must be <= 86400"),
        ({"TreatMissingData": "fine"}, "TreatMissingData is one of"),
        ({"Metrics": [{"Id": "e1", "Expression": "1"}]}, "MetricName and Metrics must not both be given"),
    ],
)
def test_refusals(account: Account, settings: dict[str, Any], words: str) -> None:
    assert words in account.refusal("PutMetricAlarm", **{**ALARM, **settings})


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"Id": "e1", "Expression": "m1 +"}, "Error in expression"),
        ({"Id": "e1", "Expression": "m1 + 1"}, "names queries that do not exist: m1"),
        ({"Id": "e1", "Expression": "RATE(1)"}, "does not support RATE"),
        ({"Id": "1e", "Expression": "1 + 1"}, "Invalid metrics list"),
        ({"Id": "e1"}, "a query needs either MetricStat or Expression"),
    ],
)
def test_refusals_of_queries(account: Account, query: dict[str, Any], words: str) -> None:
    single = ("MetricName", "Namespace", "Dimensions", "Statistic", "Period")
    settings = {name: value for name, value in ALARM.items() if name not in single}

    assert words in account.refusal("PutMetricAlarm", **settings, Metrics=[query])


def test_tags_and_deletion(account: Account) -> None:
    account.put(Tags=[{"Key": "team", "Value": "a"}])
    (told,) = account("DescribeAlarms")["MetricAlarms"]
    account("TagResource", ResourceARN=told["AlarmArn"], Tags=[{"Key": "cost", "Value": "b"}])
    account("UntagResource", ResourceARN=told["AlarmArn"], TagKeys=["team"])
    tags = account("ListTagsForResource", ResourceARN=told["AlarmArn"])["Tags"]
    assert tags == [{"Key": "cost", "Value": "b"}]
    account("DeleteAlarms", AlarmNames=["alarm"])
    assert account("DescribeAlarms")["MetricAlarms"] == []
    assert account.monitoring.missing(["alarm"]) == ["alarm"]
