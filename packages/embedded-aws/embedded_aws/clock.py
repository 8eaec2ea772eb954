"""Clock that shortens AWS's durations: by default, one minute on AWS takes one second in the embedded AWS."""

from __future__ import annotations

import time


class Clock:
    """Wall-clock timestamps, and AWS durations divided by a scale factor.

    A duration in "AWS's seconds" is the duration on AWS, before the division.
    """

    def __init__(self, scale: float = 60.0) -> None:
        """Divide every AWS duration by `scale`: with 60, one minute lasts one second."""
        self.scale = scale
        self._ahead = 0.0

    def time(self) -> float:
        """Current time in seconds since the epoch, unscaled."""
        return time.time()

    def calendar(self) -> float:
        """Current time for scheduled actions: the wall-clock time plus the offset set by `turn_calendar`."""
        return self.time() + self._ahead

    def turn_calendar(self, moment: float) -> None:
        """Set the current time of scheduled actions. All other timestamps and durations stay as they are.

        Raises:
            ValueError: the moment is in the past; the calendar can only move forward.

        """
        if moment < self.calendar():
            raise ValueError("the calendar can only move forward")
        self._ahead = moment - self.time()

    def here(self, seconds: float) -> float:
        """Convert seconds on AWS to the shorter real seconds in the embedded AWS."""
        return seconds / self.scale

    def sleep(self, seconds: float) -> None:
        """Sleep for a duration given in seconds on AWS; the real wait is shorter by the scale."""
        time.sleep(self.here(seconds))
