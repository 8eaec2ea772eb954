"""Number of copies that a scaling policy requests: pure arithmetic, as Application Auto Scaling documents it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def tracked_out(copies: int, value: float, target: float) -> int:
    """Return the number of copies that brings a per-copy metric down to its target."""
    return math.ceil(copies * value / target - 1e-9)


def carries_one_less(load: float, copies: int, target: float) -> bool:
    """Return whether the metric stays within its target with one copy less. Without load, no copy is needed."""
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
    """Return whether a step adjustment applies.

    Above the threshold the step's lower bound is inclusive; below the threshold its upper bound is inclusive.
    """
    low, high = step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf)
    return bool(low <= beyond < high if beyond >= 0 else low < beyond <= high)


def _whole(change: float) -> int:
    """Return a change in whole copies, rounded towards zero, but at least 1 or at most -1 (AWS's documented
    rounding).
    """
    if 0 < abs(change) < 1:
        return int(math.copysign(1, change))
    return int(change)
