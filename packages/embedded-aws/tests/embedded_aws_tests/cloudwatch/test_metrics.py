"""Metrics: what is published comes back as numpy would sum it up, however it is asked for and however old it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_aws.cloudwatch.expressions import Expression
from embedded_aws.cloudwatch.series import Cell
from embedded_aws_tests.cloudwatch.conftest import FAILURES, Account

NAMED = {
    "Namespace": FAILURES.namespace,
    "MetricName": FAILURES.name,
    "Dimensions": [{"Name": "InferenceComponentName", "Value": "llama"}],
}


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@given(
    samples=st.lists(
        st.tuples(st.floats(0, 400), st.floats(0.01, 1e6, allow_subnormal=False)), min_size=1, max_size=60
    ),
    period=st.sampled_from([1, 5, 10, 60, 120]),
    scale=st.sampled_from([1.0, 60.0, 3000.0]),
)
@settings(max_examples=60)
def test_periods_sum_up_what_was_published_in_them(
    samples: list[tuple[float, float]], period: int, scale: float
) -> None:
    account = Account(scale)
    begin = account.clock.at
    by_period: dict[int, list[float]] = {}
    for after, value in sorted(samples):
        account.clock.at = begin + after
        account.metrics.add(FAILURES, value, unit="Count")
        by_period.setdefault(int((begin + after) // period), []).append(value)

    told = account(
        "GetMetricStatistics",
        **NAMED,
        StartTime=moment(begin),
        EndTime=moment(begin + 401),
        Period=period,
        Statistics=["Sum", "SampleCount", "Average", "Minimum", "Maximum"],
        ExtendedStatistics=["p50", "p99"],
    )["Datapoints"]

    assert [point["Timestamp"] for point in told] == [moment(number * period) for number in sorted(by_period)]
    for point, values in zip(told, [by_period[number] for number in sorted(by_period)], strict=True):
        assert point["Unit"] == "Count"
        assert point["Sum"] == pytest.approx(np.sum(values))
        assert point["SampleCount"] == len(values)
        assert point["Average"] == pytest.approx(np.mean(values))
        assert (point["Minimum"], point["Maximum"]) == (min(values), max(values))
        for name, percent in (("p50", 50), ("p99", 99)):
            exact = np.percentile(values, percent, method="inverted_cdf")
            assert point["ExtendedStatistics"][name] == pytest.approx(exact, rel=0.006)


def test_a_gauge_shows_its_value_every_ten_seconds_until_it_ends(account: Account) -> None:
    account.metrics.hold(FAILURES, 3.0)
    account.clock.at += 600
    account.metrics.hold(FAILURES, None)
    account.clock.at += 600
    cells = account.metrics.read(FAILURES, 60, account.metrics.now - 1200, account.metrics.now)
    assert [cell.high for cell in cells.values()] == [3.0] * 11
    assert sum(cell.count for cell in cells.values()) == 61


def test_old_data_is_kept_by_the_minute_and_then_not_at_all(account: Account) -> None:
    day = 86_400
    account.metrics.add(FAILURES, 7)
    first = account.metrics.now
    for value in range(2_000):  # a gauge that is busy, and then stands still
        account.clock.at += 10
        account.metrics.hold(FAILURES, float(value))
    account.clock.at += day
    account.metrics.add(FAILURES, 1)
    cells = account.metrics.read(FAILURES, 60, first, first + 60)
    assert sum(cell.total for cell in cells.values()) == pytest.approx(7 + 2 * (0 + 1 + 2 + 3) + 4)
    assert weight(account) < 2_000 / 6 + 10
    account.clock.at += 16 * day
    account.metrics.add(FAILURES, 1)
    assert not account.metrics.read(FAILURES, 60, first, first + day)
    assert weight(account) < 10


def weight(account: Account) -> int:
    series: Any = account.metrics.state()[FAILURES]
    return len(series._fine) + len(series._minutes) + len(series._spans)


def test_percentiles_do_not_leave_what_was_measured() -> None:
    cell = Cell()
    cell.add(1234.6)
    assert cell.statistic("p50") == 1234.6


def test_data_that_programs_publish(account: Account) -> None:
    data: list[dict[str, Any]] = [
        {"MetricName": "Own", "Value": 4.0},
        {"MetricName": "Own", "Values": [1.0, 2.0], "Counts": [3.0, 1.0]},
        {"MetricName": "Own", "StatisticValues": {"SampleCount": 2, "Sum": 10, "Minimum": 1, "Maximum": 9}},
    ]
    account("PutMetricData", Namespace="App", MetricData=data)
    now = moment(account.clock.at)
    query = {"Namespace": "App", "MetricName": "Own"}

    def asked(id: str, statistic: str) -> dict[str, Any]:
        return {"Id": id, "MetricStat": {"Metric": query, "Period": 60, "Stat": statistic}}

    queries = [asked("total", "Sum"), asked("most", "Maximum"), {"Id": "e", "Expression": "total + MAX([most, 1])"}]
    results = account(
        "GetMetricData",
        MetricDataQueries=queries,
        StartTime=now - timedelta(minutes=1),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"]
    assert {one["Id"]: one["Values"] for one in results} == {"total": [19.0], "most": [9.0], "e": [28.0]}
    assert account("ListMetrics", Namespace="App")["Metrics"] == [{**query, "Dimensions": []}]
    assert "AWS/" in account.refusal("PutMetricData", Namespace="AWS/SageMaker", MetricData=data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("m1 / m2 * 100", 50.0),
        ("IF(m1 >= 2 AND m2 < 3, 1, 0)", 0.0),
        ("IF(m1 > m2 || m1 == 2, m1)", 2.0),
        ("FILL(m3, 7) + m1", 9.0),
        ("m3 + m1", None),
        ("m1 / 0", None),
        ("AVG([m1, m2, m3])", 3.0),
        ("SUM(METRICS())", 6.0),
        ("-m1 ^ 2", -4.0),
    ],
)
def test_metric_math(text: str, value: float | None) -> None:
    assert Expression(text).value({"m1": 2.0, "m2": 4.0, "m3": None}) == value
