"""Limits the work of a search by counted steps, so that the answer is the same on every machine."""

from __future__ import annotations

STEPS = 200_000
"""Default number of steps: about a second of work on one core."""


class ExhaustedError(Exception):
    """The steps of a budget are used up."""


class Budget:
    """Maximum number of steps for one question, shared by all its searches. Default: `STEPS`."""

    def __init__(self, steps: int | None = None) -> None:
        self.steps = STEPS if steps is None else steps
        self.spent = 0

    def spend(self, steps: int = 1) -> None:
        """Count steps. Call this before the work is done.

        Raises:
            ExhaustedError: fewer than `steps` are left.

        """
        if self.spent + steps > self.steps:
            raise ExhaustedError
        self.spent += steps
