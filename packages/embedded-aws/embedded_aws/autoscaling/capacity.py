"""How many copies a policy asks for. Pure arithmetic, in the way of Application Auto Scaling where it is documented."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def tracked_out(copies: int, value: float, target: float) -> int:
    """As many copies as bring the metric, which is per copy, down to its target."""
    return math.ceil(copies * value / target - 1e-9)


def carries_one_less(load: float, copies: int, target: float) -> bool:
    """Whether the rest stays at its target when one copy goes. The last one goes only where nothing is asked."""
    return load <= target * (copies - 1)


def stepped(policy: Mapping[str, Any], copies: int, beyond: float) -> int | None:
    """What a step scaling policy makes of some copies; None where no step is for this.

    Args:
        policy: StepScalingPolicyConfiguration.
        copies: that there are.
        beyond: how far the metric is from the alarm's threshold.

    """
    step = next((one for one in policy["StepAdjustments"] if _covers(one, beyond)), None)
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
    """Bounds above the threshold include the lower one, bounds below it the upper one."""
    low, high = step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf)
    return bool(low <= beyond < high if beyond >= 0 else low < beyond <= high)


def _whole(change: float) -> int:
    """Rounded as documented: towards zero, but never to nothing."""
    if 0 < abs(change) < 1:
        return int(math.copysign(1, change))
    return int(change)
