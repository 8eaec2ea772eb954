"""Statistics of a forecast or measured load: percentiles and the steady rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the quantile `part` (0 to 1) of sorted values, with linear interpolation."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def lasting_rate(answers: Iterable[tuple[float, float, float]], duration: float) -> float:
    """Return the steady rate in answers per second of a load that lasts `duration` seconds.

    The window begins after the median latency (at most half of the duration), when the first answers are complete. Of
    an answer that lies only partly in the window, the fraction in the window counts.

    Args:
        answers: for each answered request, the times of sending, first token and end, in seconds from the beginning.
        duration: time in which requests were sent, seconds.

    """
    spans = list(answers)
    if not spans:
        return 0.0
    latency = percentile(sorted([ended - sent for sent, _, ended in spans]), 0.5)
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
