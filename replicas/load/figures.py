"""Figures of a load, forecast or measured: percentiles, and the rate that lasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return a percentile of sorted values, by linear interpolation between the two nearest."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def lasting_rate(answers: Iterable[tuple[float, float, float]], duration: float) -> float:
    """Return the answers per second that a load lasting `duration` seconds settles at.

    Answers are counted from the median latency on (at most half of the duration), because before it the first ones are
    still computed. An answer that is written across one end of that time counts with its part within.

    Args:
        answers: of each answered request the times at which it was sent, had its first token, and ended. Seconds from
            the beginning.
        duration: time in which requests were sent, seconds.

    """
    spans = list(answers)
    if not spans:
        return 0.0
    latency = percentile(sorted([ended - asked for asked, _, ended in spans]), 0.5)
    begin = min(latency, duration / 2)
    counted = 0.0
    for _, first, ended in spans:
        if ended <= begin or first >= duration:
            continue
        if first < ended:
            until = ended if ended < duration else duration
            counted += (until - (first if first > begin else begin)) / (ended - first)
        elif ended <= duration:
            counted += 1
    return counted / (duration - begin)
