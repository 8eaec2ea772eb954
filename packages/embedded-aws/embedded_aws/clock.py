"""AWS's time: what takes minutes there takes seconds here."""

from __future__ import annotations

import time


class Clock:
    """Wall time for timestamps, and durations of AWS shortened by a factor."""

    def __init__(self, scale: float = 60.0) -> None:
        """Shorten every duration `scale` times: 60 makes minutes seconds."""
        self.scale = scale
        self._ahead = 0.0

    def time(self) -> float:
        """Seconds since the epoch, unscaled."""
        return time.time()

    def calendar(self) -> float:
        """The moment that schedules go by: wall time, unless somebody has turned the calendar."""
        return self.time() + self._ahead

    def turn_calendar(self, moment: float) -> None:
        """Let it be another moment for schedules from now on. Nothing else is older or younger by that.

        Raises:
            ValueError: the moment is past: a calendar is turned forward only.

        """
        if moment < self.calendar():
            raise ValueError("the calendar can be turned forward only")
        self._ahead = moment - self.time()

    def here(self, seconds: float) -> float:
        """How long here what takes so many seconds on AWS."""
        return seconds / self.scale

    def sleep(self, seconds: float) -> None:
        """Wait for what takes so many seconds on AWS."""
        time.sleep(self.here(seconds))
