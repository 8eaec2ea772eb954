"""Charts as data. The script of the page draws them, and the page shows the same numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Style = Literal["main", "second", "third", "forecast", "published"]
"""Role of a line, which decides its colour and dashes."""
Value = float | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """Values over the horizontal axis of a chart, one for each of its `xs`; None leaves a gap."""

    name: str
    values: Sequence[Value]
    style: Style = "main"
    joined: bool = True
    """True if a line joins the points."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """Area between two values over the horizontal axis of a chart."""

    name: str
    low: Sequence[Value]
    high: Sequence[Value]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Line across a chart at one value of an axis, with a label."""

    label: str
    value: float
    axis: Literal["x", "y"] = "x"
    style: Literal["traffic", "limit"] = "limit"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart with one horizontal axis."""

    title: str
    x: str
    """Label of the horizontal axis."""
    y: str
    """Label of the vertical axis."""
    xs: Sequence[float]
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    names: Sequence[str] = ()
    """Names of the positions of `xs`, for an axis without numbers."""
    log_x: bool = False
    log_y: bool = False
    whole_ticks: bool = False
    """True if the horizontal axis has ticks exactly at `xs`."""
    labels: Sequence[str] = ()
    """Text of each point, for the tooltip and for the rows of the table."""
    summary: str = ""
    """One sentence about the chart, used as the text alternative of the picture."""

    @property
    def columns(self) -> list[str]:
        """Column titles of the table with the numbers of the chart."""
        return [
            self.x,
            *(["of"] if self.labels else []),
            *(line.name for line in self.lines),
            *(f"{band.name}, {side}" for band in self.bands for side in ("lowest", "highest")),
        ]

    @property
    def rows(self) -> list[list[str]]:
        """Rows of the table with the numbers of the chart, one for each of `xs`."""
        return [
            [
                self.names[index] if self.names else number(x),
                *([self.labels[index]] if self.labels else []),
                *(number(line.values[index]) for line in self.lines),
                *(number(side[index]) for band in self.bands for side in (band.low, band.high)),
            ]
            for index, x in enumerate(self.xs)
        ]

    def to_document(self) -> Mapping[str, Any]:
        """Return the data that the page's script draws."""
        return asdict(self)


def number(value: Value) -> str:
    """Return a number as text: three significant digits below 100, a whole number from 100 on, a dash for None."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
