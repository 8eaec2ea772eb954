"""CloudWatch's data of one region: the metrics that services publish, and the alarms on them.

The other services use it directly, without an API request, as AWS's services do internally. Code that holds one of its
locks must not wait for a lock of another service.
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
"""Callback that runs an alarm action: it takes the action's ARN and the raised alarm."""


class Metric(NamedTuple):
    """A metric, identified by namespace, name and dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        """Create a metric with sorted dimensions. The order in which they are given does not matter."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class Metrics:
    """All data points of a region. Internal times are in AWS's seconds: the wall-clock time multiplied by the scale."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._series: dict[Metric, Series] = {}

    @property
    def now(self) -> float:
        """The current time in AWS's seconds."""
        return self._clock.time() * self._clock.scale

    def add(
        self, metric: Metric, value: float, *, unit: str = "None", at: float | None = None, count: float = 1
    ) -> None:
        """Publish a sample, now or at the time `at` in AWS's seconds."""
        moment = math.floor(self.now if at is None else at)
        with self._lock:
            self._of(metric, unit).add(moment, value, count)

    def join(self, metric: Metric, cell: Cell, *, unit: str, at: float) -> None:
        """Publish a statistic set at the time `at`, in AWS's seconds."""
        with self._lock:
            self._of(metric, unit).join(math.floor(at), cell)

    def hold(self, metric: Metric, value: float | None, *, unit: str = "None") -> None:
        """Set a gauge: publish the value every ten seconds until the next call; None ends the gauge."""
        with self._lock:
            previous = self._series[metric].held if metric in self._series else None
            if previous != value:
                self._of(metric, unit).hold(math.floor(self.now), value)

    def read(self, metric: Metric, width: float, begin: float, end: float, unit: str | None = None) -> dict[int, Cell]:
        """Return the data points of a metric by period number, counted from the epoch.

        Args:
            metric: the metric to read.
            width: length of a period, in AWS's seconds.
            begin: start of the time range, inclusive, in AWS's seconds.
            end: end of the time range, exclusive, in AWS's seconds.
            unit: return only data published in this unit; None: in any unit.

        """
        with self._lock:
            series = self._series.get(metric)
            if series is None or unit not in (None, series.unit):
                return {}
            return series.periods(width, begin, end, math.floor(self.now))

    def unit(self, metric: Metric) -> str:
        """Return the unit of a metric; `None` (as text) if it was never published."""
        with self._lock:
            return self._series[metric].unit if metric in self._series else "None"

    def known(self) -> list[Metric]:
        """Return all metrics that were published, sorted."""
        with self._lock:
            return sorted(self._series)

    def state(self) -> dict[Metric, Series]:
        """Return all series, for the state file. This ends all gauges, because nothing is published while the server is
        stopped.
        """
        moment = math.floor(self.now)
        with self._lock:
            for series in self._series.values():
                series.hold(moment, None)
            return self._series

    def restore(self, series: dict[Metric, Series]) -> None:
        """Load series from the state file."""
        with self._lock:
            self._series = series

    def _of(self, metric: Metric, unit: str) -> Series:
        series = self._series.get(metric)
        if series is None:
            series = self._series[metric] = Series(unit)
        series.thin(math.floor(self.now))
        return series


class Monitoring:
    """Metrics, alarms, and the services that run alarm actions."""

    def __init__(self, clock: Clock) -> None:
        self.metrics = Metrics(clock)
        self.lock = threading.RLock()
        self.alarms: dict[str, Alarm] = {}
        self.history: list[dict[str, Any]] = []
        self._actors: dict[str, Action] = {}

    def act(self, service: str, action: Action) -> None:
        """Register the callback for alarm actions whose ARN belongs to a service."""
        self._actors[service] = action

    def actor(self, arn: str) -> Action | None:
        """Return the callback for an action's ARN; None if actions of this service are only recorded, such as SNS's."""
        parts = arn.split(":")
        return self._actors.get(parts[2]) if len(parts) > 2 else None

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return the named alarms that do not exist."""
        with self.lock:
            return [name for name in names if name not in self.alarms]

    def alarming(self, names: Iterable[str]) -> list[str]:
        """Return the named alarms that are in state ALARM."""
        with self.lock:
            return [name for name in names if name in self.alarms and self.alarms[name].state == "ALARM"]
