"""Data points of one metric. By the clock of the embedded AWS, they are kept at full resolution for 3 hours and per
minute for 15 days.

These are CloudWatch's retention times. They also limit the memory of an embedded AWS that runs for days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

_FINE_SECONDS = 10_800
_MINUTE = 60
_KEPT_SECONDS = 15 * 86_400
_GAUGE_STEP = 10
"""Seconds between the samples of a gauge, as in SageMaker's high-resolution metrics."""
Span = tuple[int, int, float]
"""Time in which a gauge has one value: first second, last second, value."""
_DIGITS = 3
"""Significant digits to which values are rounded for percentiles, to keep few distinct values."""


@dataclass(slots=True)
class Cell:
    """Aggregated samples of one second or one period."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    shares: dict[float, float] = field(default_factory=dict)
    """Number of samples by rounded value; empty for statistic sets, which contain no single values."""

    def add(self, value: float, count: float = 1.0) -> None:
        """Add a sample, or several samples of the same value."""
        self.count += count
        self.total += value * count
        self.low, self.high = min(self.low, value), max(self.high, value)
        rounded = float(f"{value:.{_DIGITS}g}")
        self.shares[rounded] = self.shares.get(rounded, 0.0) + count

    def join(self, other: Cell) -> None:
        """Add all samples of another cell."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        for value, count in other.shares.items():
            self.shares[value] = self.shares.get(value, 0.0) + count

    def statistic(self, name: str) -> float | None:
        """Return a statistic by CloudWatch's name, such as `Average` or `p99.9`.

        The result is None for a percentile of statistic sets whose values differ, because they contain no single
        values.
        """
        match name:
            case "SampleCount":
                return self.count
            case "Sum":
                return self.total
            case "Average":
                return self.total / self.count
            case "Minimum":
                return self.low
            case "Maximum":
                return self.high
        return self._percentile(float(name[1:]))

    def _percentile(self, percent: float) -> float | None:
        if not self.shares:
            return self.low if self.low == self.high else None
        rank = percent / 100 * sum(self.shares.values())
        cumulated = 0.0
        for value in sorted(self.shares):
            cumulated += self.shares[value]
            if cumulated >= rank - 1e-9:
                break
        return min(max(value, self.low), self.high)  # a rounded value must stay within the range of the samples


class Series:
    """The data points of one metric. Times are whole seconds of AWS's time. The caller must hold the lock.

    A gauge is stored as periods of constant value, and its samples are computed on reading. So a gauge that does not
    change takes no memory or time, at any time scale.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._fine: dict[int, Cell] = {}
        self._minutes: dict[int, Cell] = {}
        self._spans: list[Span] = []
        self._held: float | None = None
        self._since = 0
        self._thinned = 0

    def add(self, at: int, value: float, count: float = 1.0) -> None:
        """Add a sample, or `count` samples of the same value."""
        self._cell(at).add(value, count)

    def join(self, at: int, cell: Cell) -> None:
        """Add a statistic set."""
        self._cell(at).join(cell)

    def hold(self, at: int, value: float | None) -> None:
        """Set the gauge's value from `at` on, until the next call; None ends the gauge."""
        if self._held is not None and _samples(self._since + 1, at):
            self._spans.append((self._since + 1, at, self._held))
        if value is not None:
            self.add(at, value)
        self._held, self._since = value, at

    @property
    def held(self) -> float | None:
        """The gauge's current value; None if it has none."""
        return self._held

    def periods(self, width: float, begin: float, end: float, now: int) -> dict[int, Cell]:
        """Return the data points by period number, from `begin` (inclusive) to `end` (exclusive), but not after
        `now`.
        """
        cells: dict[int, Cell] = {}
        for at, cell in self._between(begin, end):
            cells.setdefault(math.floor(at / width), Cell()).join(cell)
        spans = [*self._spans, (self._since + 1, now, self._held)] if self._held is not None else self._spans
        oldest = max(math.ceil(begin), now - _KEPT_SECONDS)
        for first, last, value in spans:
            for number, count in _counted(max(first, oldest), min(last, math.ceil(end) - 1), width):
                cells.setdefault(number, Cell()).add(value, count)
        return cells

    def thin(self, now: int) -> None:
        """Aggregate data older than 3 hours to minutes, and delete data older than 15 days."""
        if now - self._thinned <= _FINE_SECONDS:
            return
        self._thinned = now
        fine, kept = now - _FINE_SECONDS, now - _KEPT_SECONDS
        for at in [at for at in self._fine if at < fine]:
            self._minute(at).join(self._fine.pop(at))
        for at in [at for at in self._minutes if at < kept]:
            del self._minutes[at]
        spans, self._spans = self._spans, []
        for first, last, value in spans:
            if last < fine and last - first < _MINUTE:
                self._minute(last).add(value, _samples(first, last))
            elif last >= kept:
                self._spans.append((first, last, value))

    def _between(self, begin: float, end: float) -> Iterator[tuple[int, Cell]]:
        if end - begin < len(self._fine):
            for at in range(math.ceil(begin), math.ceil(end)):
                if at in self._fine:
                    yield at, self._fine[at]
        else:
            yield from ((at, cell) for at, cell in self._fine.items() if begin <= at < end)
        yield from ((at, cell) for at, cell in self._minutes.items() if begin <= at < end)

    def _cell(self, at: int) -> Cell:
        return self._fine.setdefault(at, Cell())

    def _minute(self, at: int) -> Cell:
        return self._minutes.setdefault(at // _MINUTE * _MINUTE, Cell())


def _samples(first: int, last: int) -> int:
    """Return the number of samples of a gauge between two seconds, both included."""
    return max(0, last // _GAUGE_STEP - (first - 1) // _GAUGE_STEP)


def _counted(first: int, last: int, width: float) -> Iterator[tuple[int, int]]:
    """Yield the period numbers between two seconds, each with its number of gauge samples. Empty periods are left
    out.
    """
    at = -(-first // _GAUGE_STEP) * _GAUGE_STEP
    while at <= last:
        number = math.floor(at / width)
        count = _samples(at, min(last, math.ceil((number + 1) * width) - 1))
        yield number, max(1, count)
        at += max(1, count) * _GAUGE_STEP
