"""Searches for the highest load that meets an objective, with few measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

MOST_STEPS = 8
"""Maximum number of measured loads."""
NEAR = 1.1
"""Largest ratio at which the search ends: lowest load that misses the objective / highest load that meets it."""
_FAR, _CLOSE = 2.0, 1.3
"""Factor between two successive loads, until one load meets the objective and another misses it. The first value is the
default; the second is for a search that starts at the load of a forecast."""


@dataclass(frozen=True)
class Found:
    """The result of a search."""

    highest: float | None
    """Highest measured load that meets the objective; None if no load does."""
    lowest_missing: float | None
    """Lowest measured load that misses the objective; None if no load does."""
    is_complete: bool
    """True if `highest` and `lowest_missing` are close, if even the smallest load misses the objective, or if even the
    largest load meets it."""


def highest(
    holds: Callable[[float], bool],
    start: float,
    *,
    is_whole: bool,
    is_forecast: bool = False,
    least: float,
    most: float,
    steps: int = MOST_STEPS,
) -> Found:
    """Search for the highest load that meets the objective. If a load misses it, all higher loads are assumed to miss.

    Args:
        holds: measures a load, and returns True if it meets the objective.
        start: the load that is measured first.
        is_whole: True if loads are whole numbers.
        is_forecast: True if `start` comes from a forecast: the search then uses small steps.
        least: smallest load that is measured.
        most: largest load that is measured.
        steps: maximum number of measured loads.

    """
    low: float | None = None
    high: float | None = None
    factor = _CLOSE if is_forecast else _FAR
    size = _rounded(min(most, max(least, start)), is_whole)
    for _ in range(steps):
        if holds(size):
            low = size
        else:
            high = size
        following = _next(low, high, factor, is_whole, least, most)
        if following is None:
            return Found(low, high, True)
        size = following
    return Found(low, high, False)


def _next(
    low: float | None, high: float | None, factor: float, is_whole: bool, least: float, most: float
) -> float | None:
    """Return the load to measure next; None if the search is at its end."""
    if low is not None and high is not None:
        if high <= NEAR * low or (is_whole and high - low <= 1):
            return None
        between = _rounded(sqrt(low * high), is_whole)
        return between if low < between < high else None
    if low is not None:
        above = _rounded(min(most, max(low * factor, low + 1 if is_whole else 0)), is_whole)
        return above if above > low else None
    assert high is not None  # noqa: S101 (one of the two was measured)
    below = _rounded(max(least, min(high / factor, high - 1 if is_whole else high)), is_whole)
    return below if below < high else None


def _rounded(size: float, is_whole: bool) -> float:
    return float(round(size)) if is_whole else float(f"{size:.3g}")
