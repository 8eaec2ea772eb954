"""The state of an alarm by CloudWatch's documented rules for missing data and M out of N data points."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_EXTRA_PERIODS = 2
"""Periods read in addition to EvaluationPeriods, because CloudWatch uses older data points in place of missing ones."""
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass
class Alarm:
    """A metric alarm."""

    name: str
    arn: str
    settings: dict[str, Any]
    """Parameters of PutMetricAlarm, without tags."""
    updated: float
    due: float
    """Time of the next evaluation, in seconds since the epoch."""
    state: str = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    since: float = 0.0
    """Time of the last state change, in seconds since the epoch."""
    acted: float = 0.0
    """Time at which the alarm's scaling actions last ran."""
    value: float | None = None
    """The newest data point; None without data."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def period(self) -> int:
        """Length of the alarm's period, in AWS's seconds."""
        if "Period" in self.settings:
            return int(self.settings["Period"])
        periods = [query["MetricStat"]["Period"] for query in self.settings["Metrics"] if "MetricStat" in query]
        return int(max(periods, default=60))

    @property
    def interval(self) -> int:
        """Seconds between evaluations: 60, or 10 for an alarm with a period below one minute."""
        return 60 if self.period >= 60 else 10

    @property
    def periods(self) -> int:
        """Number of data points that an evaluation reads."""
        return int(self.settings["EvaluationPeriods"]) + _EXTRA_PERIODS

    @property
    def threshold(self) -> float:
        """Static threshold that data points are compared with."""
        return float(self.settings["Threshold"])

    def breaches(self, value: float) -> bool:
        """Return whether a data point breaches the threshold."""
        return bool(COMPARISONS[self.settings["ComparisonOperator"]](value, self.threshold))


@dataclass(frozen=True)
class Raised:
    """An alarm's state at the moment when its actions run."""

    name: str
    state: str
    threshold: float
    value: float | None
    """The newest data point; None if there is no data or SetAlarmState set the state."""


def evaluated_state(alarm: Alarm, values: Sequence[float | None]) -> str:
    """Evaluate an alarm and return its new state.

    Args:
        alarm: the alarm with its current state.
        values: data points of its last `alarm.periods` complete periods, newest first; None marks missing data.

    """
    evaluation_periods = int(alarm.settings["EvaluationPeriods"])
    needed = int(alarm.settings.get("DatapointsToAlarm", evaluation_periods))
    treatment = alarm.settings.get("TreatMissingData", "missing")
    real = [(age, alarm.breaches(value)) for age, value in enumerate(values, 1) if value is not None]
    if len(real) >= evaluation_periods:
        return _counted([breaching for _, breaching in real[:evaluation_periods]], needed)
    if treatment in ("breaching", "notBreaching"):
        filled = [breaching for _, breaching in real] + [treatment == "breaching"] * (evaluation_periods - len(real))
        return _counted(filled, needed)
    if not real:
        return "INSUFFICIENT_DATA" if treatment == "missing" else alarm.state
    breaching = [age for age, is_breaching in real if is_breaching]
    if len(breaching) >= needed:
        return "ALARM"
    if len(breaching) < len(real):
        return "OK"
    # All data points breach the threshold, but there are fewer than `needed`. If missing data is treated as missing,
    # the state is ALARM once the oldest data point is at least `needed` periods old.
    return "ALARM" if treatment == "missing" and breaching[-1] >= needed else alarm.state


def _counted(breaching: Sequence[bool], needed: int) -> str:
    return "ALARM" if sum(breaching) >= needed else "OK"
