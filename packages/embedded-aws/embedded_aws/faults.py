"""Faults on demand: what goes wrong on AWS, here when asked for."""

from __future__ import annotations

import fnmatch
import json
import threading
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What can go wrong."""

    INSUFFICIENT_CAPACITY = "insufficient-capacity"
    """AWS has no instance of the type: on an endpoint."""
    COPY_NEVER_STARTS = "copy-never-starts"
    """The container crashes until the start-up timeout: on an inference component."""
    SLOW_DELETION = "slow-deletion"
    """Deleting takes `seconds` longer: on an endpoint or an inference component."""
    THROTTLING = "throttling"
    """ThrottlingException: on an operation, as `sagemaker:CreateModel`. Operations of S3 cannot be named."""
    EXPIRED_CREDENTIALS = "expired-credentials"
    """ExpiredTokenException: on an operation."""
    ACCESS_DENIED = "access-denied"
    """AccessDeniedException: on an operation."""
    BROKEN_STREAM = "broken-stream"
    """The response stream ends within the answer: on an inference component."""
    MODEL_ERROR = "model-error"
    """HTTP 424, the container answered 500: on an inference component."""
    NOT_READY = "not-ready"
    """HTTP 429, ModelNotReadyException: on an inference component."""
    DEPENDENCY_ERROR = "dependency-error"
    """HTTP 530, InternalDependencyException: on an inference component."""


@dataclass
class Fault:
    """One fault to come."""

    kind: FaultKind
    on: str = "*"
    """Name of what it strikes; `*` and `?` stand for any letters."""
    times: int | None = None
    """How often it strikes; None until it is cleared."""
    seconds: float = 0.0
    """For faults that take time, in AWS's seconds."""


def fault_from(document: bytes) -> Fault:
    """The fault that a JSON document describes.

    Raises:
        ValueError: it describes none; the message says what is wrong with it.

    """
    asked = json.loads(document)
    kinds = (
        {
            "kind": asked.get("kind") in set(FaultKind),
            "on": isinstance(asked.get("on", "*"), str),
            "times": asked.get("times") is None or (type(asked["times"]) is int and asked["times"] > 0),
            "seconds": type(asked.get("seconds", 0)) in (int, float) and asked.get("seconds", 0) >= 0,
        }
        if isinstance(asked, dict)
        else {}
    )
    wrong = [name for name, is_right in kinds.items() if not is_right]
    unknown = sorted(set(asked) - set(kinds)) if kinds else []
    if not kinds or wrong or unknown:
        raise ValueError(
            f"no fault: {', '.join([*wrong, *unknown]) or 'an object is asked for'}; kind is one of "
            f"{', '.join(FaultKind)}; on is a name; times is at least 1 or null; seconds is at least 0"
        )
    return Fault(FaultKind(asked["kind"]), **{name: asked[name] for name in asked if name != "kind"})


class Faults:
    """The faults that are asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Ask for a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[Fault]:
        """The faults that can still strike."""
        with self._lock:
            return list(self._faults)

    def strike(self, kind: FaultKind, name: str) -> Fault | None:
        """The fault that strikes a thing now, counted down; None where all is well."""
        with self._lock:
            for fault in self._faults:
                if fault.kind is kind and fnmatch.fnmatchcase(name, fault.on):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    return fault
        return None
