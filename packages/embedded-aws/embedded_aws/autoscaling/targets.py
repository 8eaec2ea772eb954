"""All scalable targets with their policies, scheduled actions and scaling activities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Key = tuple[str, str, str]
"""Identifies a scalable target: service namespace, resource id and scalable dimension."""
Named = tuple[Key, str]
"""Identifies a policy or scheduled action: the key of its target, and its name."""

_MAX_ACTIVITIES = 500


@dataclass
class Cooldown:
    """Times of a policy's last scale-out (`out`) and scale-in (`into`), in seconds since the epoch."""

    out: float = 0.0
    into: float = 0.0
    copies_before: int = 0
    """Number of copies before the last scale-out."""


@dataclass
class Registry:
    """Targets, policies, scheduled actions and activities. Callers must hold the lock of the service."""

    targets: dict[Key, dict[str, Any]] = field(default_factory=dict)
    policies: dict[Named, dict[str, Any]] = field(default_factory=dict)
    actions: dict[Named, dict[str, Any]] = field(default_factory=dict)
    looked: dict[Named, tuple[float, float]] = field(default_factory=dict)
    """When each scheduled action was last checked: calendar time and clock time."""
    cooldowns: dict[Named, Cooldown] = field(default_factory=dict)
    bounded: dict[Key, str] = field(default_factory=dict)
    """Targets whose copy count must still be brought within new limits, each with the cause."""
    activities: list[dict[str, Any]] = field(default_factory=list)
    """Scaling activities, oldest first."""

    def policy(self, arn: str) -> tuple[Named, dict[str, Any]] | None:
        """Return the policy with an ARN; None if it does not exist."""
        return next(((key, entry) for key, entry in self.policies.items() if entry["PolicyARN"] == arn), None)

    def forget(self, key: Key) -> None:
        """Remove a target with its policies, scheduled actions and cooldowns."""
        del self.targets[key]
        self.bounded.pop(key, None)
        for table in (self.policies, self.actions, self.looked, self.cooldowns):
            for name in [name for name in table if name[0] == key]:
                del table[name]

    def note(self, key: Key, description: str, cause: str, status: str, **more: Any) -> None:
        """Record a scaling activity. A repeated failure only updates the end time of the last record."""
        last = next((activity for activity in reversed(self.activities) if key_of(activity) == key), None)
        details = {"Description": description, "Cause": cause, "StatusCode": status, **more}
        if status not in ("InProgress", "Successful") and last and details.items() <= last.items():
            last["EndTime"] = _now()
            return
        if status == "InProgress":
            for activity in self.activities:
                if key_of(activity) == key and activity["StatusCode"] == "InProgress":
                    activity.update(StatusCode="Overridden", EndTime=_now())
        done = {} if status == "InProgress" else {"EndTime": _now()}
        namespace, resource, dimension = key
        self.activities.append(
            {
                "ActivityId": str(uuid4()),
                "ServiceNamespace": namespace,
                "ResourceId": resource,
                "ScalableDimension": dimension,
                "StartTime": _now(),
                **details,
                **done,
            }
        )
        del self.activities[:-_MAX_ACTIVITIES]


def key_of(params: Mapping[str, Any]) -> Key:
    """Return the key of the scalable target that a request names."""
    return str(params["ServiceNamespace"]), str(params["ResourceId"]), str(params["ScalableDimension"])


def _now() -> datetime:
    return datetime.now(UTC)
