"""Number of copies that a scaling policy requests: pure arithmetic, as Application Auto Scaling documents it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def tracked_out(copies: int, value: float, target: float) -> int:
    """Return the number of copies that brings a per-copy metric down to its target."""
    return math.ceil(copies * value / target - 1e-9)


def carries_one_less(load: float, copies: int, target: float) -> bool:
    """Return whether the metric stays within its target with one copy fewer. The last copy is removed only without
    load.
    """
    return load <= target * (copies - 1)


def stepped(policy: Mapping[str, Any], copies: int, beyond: float) -> int | None:
    """Return the number of copies after a step scaling policy has acted; None if no step covers the metric.

    Args:
        policy: StepScalingPolicyConfiguration.
        copies: the current number of copies.
        beyond: the metric minus the alarm's threshold.

    """
    step = next((adjustment for adjustment in policy["StepAdjustments"] if _covers(adjustment, beyond)), None)
    if step is None:
        return None
    amount = int(step["ScalingAdjustment"])
    match policy["AdjustmentType"]:
        case "ExactCapacity":
            return amount
        case "PercentChangeInCapacity":
            amount = _whole(copies * amount / 100)
            least = int(policy.get("MinAdjustmentMagnitude", 0))
            if abs(amount) < least:
                amount = int(math.copysign(least, step["ScalingAdjustment"]))
    return max(0, copies + amount)


def _covers(step: Mapping[str, Any], beyond: float) -> bool:
    """Return whether a step adjustment applies: its lower bound is inclusive above the threshold, its upper bound below
    it.
    """
    low, high = step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf)
    return bool(low <= beyond < high if beyond >= 0 else low < beyond <= high)


def _whole(change: float) -> int:
    """Return a change rounded towards zero, but to 1 or -1 if it is smaller than one copy (AWS's documented
    rounding).
    """
    if 0 < abs(change) < 1:
        return int(math.copysign(1, change))
    return int(change)
