"""The data points of one metric, in seconds of AWS: fine for three hours, by the minute for fifteen days, then gone.

That is how long CloudWatch keeps each of them, and it keeps an embedded AWS that runs for days from growing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

_FINE_SECONDS = 10_800
_MINUTE = 60
_KEPT_SECONDS = 15 * 86_400
_GAUGE_STEP = 10
"""A gauge gives a sample every ten seconds, as SageMaker's metrics of high resolution do."""
Span = tuple[int, int, float]
"""The first and the last second in which a gauge shows a value."""
_DIGITS = 3
"""Significant ones that percentiles are told by; CloudWatch too finds them in classes of values."""


@dataclass(slots=True)
class Cell:
    """Samples of one moment or period."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    shares: dict[float, float] = field(default_factory=dict)
    """How many samples have a value, rounded; empty for sets of statistics, which do not say."""

    def add(self, value: float, count: float = 1.0) -> None:
        """Count a sample, or several of the same value."""
        self.count += count
        self.total += value * count
        self.low, self.high = min(self.low, value), max(self.high, value)
        rounded = float(f"{value:.{_DIGITS}g}")
        self.shares[rounded] = self.shares.get(rounded, 0.0) + count

    def join(self, other: Cell) -> None:
        """Count everything that another cell counted."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        for value, count in other.shares.items():
            self.shares[value] = self.shares.get(value, 0.0) + count

    def statistic(self, name: str) -> float | None:
        """A statistic by CloudWatch's name, such as `Average` or `p99.9`; None where the samples do not tell it."""
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
        wanted = percent / 100 * sum(self.shares.values())
        seen = 0.0
        for value in sorted(self.shares):
            seen += self.shares[value]
            if seen >= wanted - 1e-9:
                break
        return min(max(value, self.low), self.high)  # rounding must not lead out of what was there


class Series:
    """One metric. Moments are whole seconds of AWS's time; whoever calls holds the lock.

    A gauge is kept as the spans in which it showed a value, and its samples are counted when somebody reads them: one
    that stands still costs nothing, however fast time passes here.
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
        """A sample."""
        self._cell(at).add(value, count)

    def join(self, at: int, cell: Cell) -> None:
        """A set of statistics."""
        self._cell(at).join(cell)

    def hold(self, at: int, value: float | None) -> None:
        """A gauge shows a value from now on, until the next; None: it shows nothing any more."""
        if self._held is not None and _samples(self._since + 1, at):
            self._spans.append((self._since + 1, at, self._held))
        if value is not None:
            self.add(at, value)
        self._held, self._since = value, at

    @property
    def held(self) -> float | None:
        """What a gauge shows."""
        return self._held

    def periods(self, width: float, begin: float, end: float, now: int) -> dict[int, Cell]:
        """What there is from `begin` until before `end`, by number of the period, and until now."""
        found: dict[int, Cell] = {}
        for at, cell in self._between(begin, end):
            found.setdefault(math.floor(at / width), Cell()).join(cell)
        spans = [*self._spans, (self._since + 1, now, self._held)] if self._held is not None else self._spans
        oldest = max(math.ceil(begin), now - _KEPT_SECONDS)
        for first, last, value in spans:
            for number, count in _counted(max(first, oldest), min(last, math.ceil(end) - 1), width):
                found.setdefault(number, Cell()).add(value, count)
        return found

    def thin(self, now: int) -> None:
        """Put together what is old, and forget what is very old."""
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
    """How many samples a gauge gives from one second to another, both included."""
    return max(0, last // _GAUGE_STEP - (first - 1) // _GAUGE_STEP)


def _counted(first: int, last: int, width: float) -> Iterator[tuple[int, int]]:
    """How many samples a gauge gives in each period that has one, from one second to another."""
    at = -(-first // _GAUGE_STEP) * _GAUGE_STEP
    while at <= last:
        number = math.floor(at / width)
        count = _samples(at, min(last, math.ceil((number + 1) * width) - 1))
        yield number, max(1, count)
        at += max(1, count) * _GAUGE_STEP
