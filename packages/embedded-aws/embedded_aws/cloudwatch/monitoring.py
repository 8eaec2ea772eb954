"""What CloudWatch holds of one region: metrics that services publish, and the alarms on them.

Services of this process write and read it directly, as AWS's do on ways that no user sees. Its locks are leaves: nobody
who holds one of them waits for anything else.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.alarms import Alarm, Raised
from embedded_aws.cloudwatch.series import Cell, Series

Action = Callable[[str, Raised], None]
"""Is given the ARN of what is to act, and the alarm that asks for it."""


class Metric(NamedTuple):
    """A metric by its whole name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        """With dimensions in the order that makes two of them equal."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class Metrics:
    """All data points. Periods of AWS are as much shorter here as everything else; timestamps are of the wall clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._series: dict[Metric, Series] = {}

    @property
    def now(self) -> float:
        """The moment, in AWS's seconds."""
        return self._clock.time() * self._clock.scale

    def add(
        self, metric: Metric, value: float, *, unit: str = "None", at: float | None = None, count: float = 1
    ) -> None:
        """Publish a sample, now or at another moment of AWS's time."""
        moment = math.floor(self.now if at is None else at)
        with self._lock:
            self._of(metric, unit).add(moment, value, count)

    def join(self, metric: Metric, cell: Cell, *, unit: str, at: float) -> None:
        """Publish a set of statistics."""
        with self._lock:
            self._of(metric, unit).join(math.floor(at), cell)

    def hold(self, metric: Metric, value: float | None, *, unit: str = "None") -> None:
        """Publish a value from now on, every ten seconds, until another comes; None ends it."""
        moment = math.floor(self.now)
        with self._lock:
            if metric in self._series or value is not None:
                series = self._of(metric, unit)
                if series.held != value:
                    series.hold(moment, value)

    def read(self, metric: Metric, width: float, begin: float, end: float, unit: str | None = None) -> dict[int, Cell]:
        """Data points by number of their period, counted from the epoch.

        Args:
            metric: which.
            width: of a period, in AWS's seconds.
            begin: the moment of the first data point.
            end: the moment before which the last data point is.
            unit: only what was published in it.

        """
        with self._lock:
            series = self._series.get(metric)
            if series is None or unit not in (None, series.unit):
                return {}
            return series.periods(width, begin, end, math.floor(self.now))

    def unit(self, metric: Metric) -> str:
        """What a metric is published in."""
        with self._lock:
            return self._series[metric].unit if metric in self._series else "None"

    def known(self) -> list[Metric]:
        """The metrics that were ever published."""
        with self._lock:
            return sorted(self._series)

    def state(self) -> dict[Metric, Series]:
        """All of it, for a file. Gauges end here: while nothing runs nobody publishes."""
        moment = math.floor(self.now)
        with self._lock:
            for series in self._series.values():
                series.hold(moment, None)
            return self._series

    def restore(self, series: dict[Metric, Series]) -> None:
        """Go on from a file."""
        with self._lock:
            self._series = series

    def _of(self, metric: Metric, unit: str) -> Series:
        series = self._series.get(metric)
        if series is None:
            series = self._series[metric] = Series(unit)
        series.thin(math.floor(self.now))
        return series


class Monitoring:
    """Metrics, alarms, and who acts when an alarm asks for it."""

    def __init__(self, clock: Clock) -> None:
        self.metrics = Metrics(clock)
        self.lock = threading.RLock()
        self.alarms: dict[str, Alarm] = {}
        self.history: list[dict[str, Any]] = []
        self._actors: dict[str, Action] = {}

    def act(self, service: str, action: Action) -> None:
        """Let a service answer to alarms whose actions are ARNs of it."""
        self._actors[service] = action

    def actor(self, arn: str) -> Action | None:
        """Who acts on an ARN; None where that is only recorded, as for SNS."""
        parts = arn.split(":")
        return self._actors.get(parts[2]) if len(parts) > 2 else None

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the named alarms that do not exist."""
        with self.lock:
            return [name for name in names if name not in self.alarms]

    def alarming(self, names: Iterable[str]) -> list[str]:
        """Those of the named alarms that are in ALARM."""
        with self.lock:
            return [name for name in names if name in self.alarms and self.alarms[name].state == "ALARM"]
