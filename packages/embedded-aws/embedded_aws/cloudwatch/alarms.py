"""When an alarm changes its state: CloudWatch's documented rules for missing data and for M out of N data points."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_MORE_THAN_ASKED = 2
"""Periods looked at beyond EvaluationPeriods, for data points in place of missing ones (as in CloudWatch's tables)."""
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
    """As it was put, without tags."""
    updated: float
    due: float
    """When it is evaluated next."""
    state: str = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    since: float = 0.0
    """Of the state."""
    acted: float = 0.0
    """When its scaling actions were last asked for."""
    value: float | None = None
    """The newest data point."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def period(self) -> int:
        """Length of a data point, in AWS's seconds."""
        if "Period" in self.settings:
            return int(self.settings["Period"])
        periods = [query["MetricStat"]["Period"] for query in self.settings["Metrics"] if "MetricStat" in query]
        return int(max(periods, default=60))

    @property
    def interval(self) -> int:
        """How often it is evaluated: each minute, those of high resolution every ten seconds."""
        return 60 if self.period >= 60 else 10

    @property
    def periods(self) -> int:
        """How many data points are looked at to judge it."""
        return int(self.settings["EvaluationPeriods"]) + _MORE_THAN_ASKED

    @property
    def threshold(self) -> float:
        """What data points are compared with."""
        return float(self.settings["Threshold"])

    def breaches(self, value: float) -> bool:
        """Whether a data point is on the wrong side."""
        return bool(COMPARISONS[self.settings["ComparisonOperator"]](value, self.threshold))


@dataclass(frozen=True)
class Raised:
    """An alarm that asks for an action."""

    name: str
    state: str
    threshold: float
    value: float | None
    """The newest data point; None where the state was set by hand."""


def judged(alarm: Alarm, values: Sequence[float | None]) -> str:
    """The state of an alarm.

    Args:
        alarm: with the state that it has.
        values: data points of its last `alarm.periods` complete periods, newest first; None: missing.

    """
    asked = int(alarm.settings["EvaluationPeriods"])
    needed = int(alarm.settings.get("DatapointsToAlarm", asked))
    treatment = alarm.settings.get("TreatMissingData", "missing")
    real = [(age, alarm.breaches(value)) for age, value in enumerate(values, 1) if value is not None]
    if len(real) >= asked:
        return _counted([breaching for _, breaching in real[:asked]], needed)
    if treatment in ("breaching", "notBreaching"):
        filled = [breaching for _, breaching in real] + [treatment == "breaching"] * (asked - len(real))
        return _counted(filled, needed)
    if not real:
        return "INSUFFICIENT_DATA" if treatment == "missing" else alarm.state
    breaching = [age for age, is_breaching in real if is_breaching]
    if len(breaching) >= needed:
        return "ALARM"
    if len(breaching) < len(real):
        return "OK"
    # Nothing but breaches, though too few: enough only where the first of them is as old as all that are needed.
    return "ALARM" if treatment == "missing" and breaching[-1] >= needed else alarm.state


def _counted(breaching: Sequence[bool], needed: int) -> str:
    return "ALARM" if sum(breaching) >= needed else "OK"
