"""The inputs of one step that advances the hosting state: current time, clock, injected faults, log and alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from embedded_aws.clock import Clock
from embedded_aws.faults import FaultKind, Faults
from embedded_aws.sagemaker.state import Component, Copy, Endpoint, Hosting
from embedded_aws.serving.engine import Health

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using "
    "a different ML instance type or after some time."
)

Log = Callable[[Component, Copy, str], None]
CheckHealth = Callable[[Component, Copy], Health]


@dataclass(frozen=True)
class Passing:
    """One step that advances the hosting state to the current time."""

    hosting: Hosting
    now: float
    clock: Clock
    faults: Faults
    log: Log
    health: CheckHealth
    """Returns the health of a copy's container; the first call starts the container."""
    alarming: Callable[[Iterable[str]], list[str]]
    """Returns the given alarm names that are in state ALARM."""

    def in_(self, seconds: float) -> float:
        """Return the time after a delay of `seconds` on AWS, in seconds since the epoch."""
        return self.now + self.clock.here(seconds)

    def lacks(self, endpoint: Endpoint, instance_type: str) -> bool:
        """Return whether an injected fault removes the capacity for an instance type on an endpoint.

        A fault names the endpoint or the instance type.
        """
        kind = FaultKind.INSUFFICIENT_CAPACITY
        return any(self.faults.strike(kind, name) for name in (endpoint.name, instance_type))
