"""How many copies policies ask for: the documentation's own examples, and what must hold for any numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.autoscaling.capacity import carries_one_less, stepped, tracked_out

# "Step scaling policies for Application Auto Scaling": threshold 50, by percent; copies are 10, and the metric is ...
OUT = [
    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 0},
    {"MetricIntervalLowerBound": 10.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 10},
    {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 30},
]
IN = [
    {"MetricIntervalLowerBound": -10.0, "MetricIntervalUpperBound": 0.0, "ScalingAdjustment": 0},
    {"MetricIntervalLowerBound": -20.0, "MetricIntervalUpperBound": -10.0, "ScalingAdjustment": -10},
    {"MetricIntervalUpperBound": -20.0, "ScalingAdjustment": -30},
]


@pytest.mark.parametrize(
    ("steps", "beyond", "copies"),
    [(OUT, 9.9, 10), (OUT, 10, 11), (OUT, 19.9, 11), (OUT, 20, 13), (IN, -10, 9), (IN, -9.9, 10), (IN, -20, 7)],
)
def test_steps_of_the_documentation(steps: list[dict[str, Any]], beyond: float, copies: int) -> None:
    policy = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps}
    assert stepped(policy, 10, beyond) == copies


@pytest.mark.parametrize(
    ("before", "percent", "least", "after"),
    [(127, 10, 0, 139), (67, 1, 0, 68), (58, -1, 0, 57), (667, -1, 0, 661), (100, 1, 5, 105), (100, -1, 5, 95)],
)
def test_percentages_are_rounded_towards_zero_but_not_to_nothing(
    before: int, percent: int, least: int, after: int
) -> None:
    """12.7 becomes 12, 0.67 becomes 1, -0.58 becomes -1, -6.67 becomes -6 (the documentation's list)."""
    step = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": percent}
    policy = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": [step], "MinAdjustmentMagnitude": least}
    assert stepped(policy, before, 0) == after


def test_other_adjustments() -> None:
    def policy(kind: str, amount: int) -> dict[str, Any]:
        step = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": amount}
        return {"AdjustmentType": kind, "StepAdjustments": [step]}

    assert stepped(policy("ChangeInCapacity", 1), 0, 0) == 1
    assert stepped(policy("ChangeInCapacity", -5), 3, 0) == 0
    assert stepped(policy("ExactCapacity", 4), 9, 0) == 4
    assert stepped(policy("ChangeInCapacity", 1), 0, -1) is None, "no step for that"


@given(copies=st.integers(1, 50), value=st.floats(0, 1_000), target=st.floats(0.5, 100))
def test_tracking_brings_the_metric_to_its_target_and_takes_no_copy_too_much(
    copies: int, value: float, target: float
) -> None:
    wanted = tracked_out(copies, value, target)
    load = copies * value
    assert load <= wanted * target * (1 + 1e-6) + 1e-6
    assert wanted == 0 or load > (wanted - 1) * target * (1 - 1e-6) - 1e-6
    if carries_one_less(load, copies, target):
        assert tracked_out(copies, value, target) <= max(copies - 1, 0)
