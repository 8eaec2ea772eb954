"""How much work a search may do, in counted steps: the same answer on every machine, however busy it is."""

from __future__ import annotations

STEPS = 200_000
"""About a second of work on one core."""


class ExhaustedError(Exception):
    """The steps of a budget are used up."""


class Budget:
    """Steps that one question may take; several searches for one answer share it. Default: `STEPS`."""

    def __init__(self, steps: int | None = None) -> None:
        self.steps = STEPS if steps is None else steps
        self.spent = 0

    def spend(self, steps: int = 1) -> None:
        """Count steps before they are taken.

        Raises:
            ExhaustedError: fewer steps than that are left.

        """
        if self.spent + steps > self.steps:
            raise ExhaustedError
        self.spent += steps
