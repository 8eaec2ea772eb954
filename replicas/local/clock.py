"""AWS's time: what takes minutes there takes seconds here."""

from __future__ import annotations

import time


class Clock:
    """Wall time for timestamps, and durations of AWS shortened by a factor."""

    def __init__(self, scale: float = 60.0) -> None:
        """Shorten every duration `scale` times: 60 makes minutes seconds."""
        self.scale = scale

    def time(self) -> float:
        """Seconds since the epoch, unscaled."""
        return time.time()

    def here(self, seconds: float) -> float:
        """How long here what takes so many seconds on AWS."""
        return seconds / self.scale

    def sleep(self, seconds: float) -> None:
        """Wait for what takes so many seconds on AWS."""
        time.sleep(self.here(seconds))
