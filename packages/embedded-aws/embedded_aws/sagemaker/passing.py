"""A moment in which time passes for hosting, and what bears on what happens in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from embedded_aws.clock import Clock
from embedded_aws.faults import FaultKind, Faults
from embedded_aws.sagemaker.state import Component, Copy, Endpoint, Hosting

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using "
    "a different ML instance type or after some time."
)

Log = Callable[[Component, Copy, str], None]


@dataclass(frozen=True)
class Passing:
    """The state, the clock, the faults that are asked for, and the alarms."""

    hosting: Hosting
    now: float
    clock: Clock
    faults: Faults
    log: Log
    alarming: Callable[[Iterable[str]], list[str]]
    """Which of some alarms are in ALARM."""

    def in_(self, seconds: float) -> float:
        """The moment that many of AWS's seconds from now."""
        return self.now + self.clock.here(seconds)

    def lacks(self, endpoint: Endpoint, instance_type: str) -> bool:
        """Whether AWS has no instance of a type for an endpoint: the fault names either of them."""
        kind = FaultKind.INSUFFICIENT_CAPACITY
        return any(self.faults.strike(kind, name) for name in (endpoint.name, instance_type))
