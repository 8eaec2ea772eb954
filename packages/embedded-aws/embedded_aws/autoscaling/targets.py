"""What is registered: scalable targets, their policies and scheduled actions, and what has been done for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Key = tuple[str, str, str]
"""Namespace, resource and dimension."""
Named = tuple[Key, str]

_MOST_ACTIVITIES = 500


@dataclass
class Cooldown:
    """What a policy did last, in seconds since the epoch."""

    out: float = 0.0
    into: float = 0.0
    copies_before: int = 0
    """What the last scaling out began from."""


@dataclass
class Registry:
    """All of it. Whoever reads or changes it holds the lock of the service."""

    targets: dict[Key, dict[str, Any]] = field(default_factory=dict)
    policies: dict[Named, dict[str, Any]] = field(default_factory=dict)
    actions: dict[Named, dict[str, Any]] = field(default_factory=dict)
    looked: dict[Named, tuple[float, float]] = field(default_factory=dict)
    """Until which moment of the calendar, and of the clock, a scheduled action was looked at."""
    cooldowns: dict[Named, Cooldown] = field(default_factory=dict)
    bounded: dict[Key, str] = field(default_factory=dict)
    """Targets whose copies are to be brought within new limits, and why."""
    activities: list[dict[str, Any]] = field(default_factory=list)
    """Oldest first."""

    def policy(self, arn: str) -> tuple[Named, dict[str, Any]] | None:
        """A policy by its ARN."""
        return next(((key, one) for key, one in self.policies.items() if one["PolicyARN"] == arn), None)

    def forget(self, key: Key) -> None:
        """A target is not registered any more: nor is anything that belongs to it."""
        del self.targets[key]
        self.bounded.pop(key, None)
        for table in (self.policies, self.actions, self.looked, self.cooldowns):
            for name in [name for name in table if name[0] == key]:
                del table[name]

    def note(self, key: Key, description: str, cause: str, status: str, **more: Any) -> None:
        """Remember an activity; what happens again and again in the same way is remembered once."""
        last = next((one for one in reversed(self.activities) if key_of(one) == key), None)
        told = {"Description": description, "Cause": cause, "StatusCode": status, **more}
        if status not in ("InProgress", "Successful") and last and told.items() <= last.items():
            last["EndTime"] = _now()
            return
        if status == "InProgress":
            for one in self.activities:
                if key_of(one) == key and one["StatusCode"] == "InProgress":
                    one.update(StatusCode="Overridden", EndTime=_now())
        done = {} if status == "InProgress" else {"EndTime": _now()}
        namespace, resource, dimension = key
        self.activities.append(
            {
                "ActivityId": str(uuid4()),
                "ServiceNamespace": namespace,
                "ResourceId": resource,
                "ScalableDimension": dimension,
                "StartTime": _now(),
                **told,
                **done,
            }
        )
        del self.activities[:-_MOST_ACTIVITIES]


def key_of(params: Mapping[str, Any]) -> Key:
    """The target that a request is about."""
    return str(params["ServiceNamespace"]), str(params["ResourceId"]), str(params["ScalableDimension"])


def _now() -> datetime:
    return datetime.now(UTC)
