"""Fault injection: failures of AWS that the embedded AWS produces on request."""

from __future__ import annotations

import fnmatch
import json
import threading
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """Kind of an injected fault: what fails, and on which resource or operation."""

    INSUFFICIENT_CAPACITY = "insufficient-capacity"
    """On an endpoint or an instance type: AWS has no capacity for the instance type."""
    COPY_NEVER_STARTS = "copy-never-starts"
    """On an inference component: the container crashes until the start-up timeout."""
    SLOW_DELETION = "slow-deletion"
    """On an endpoint or an inference component: deletion takes `seconds` longer."""
    THROTTLING = "throttling"
    """On an operation such as `sagemaker:CreateModel`: ThrottlingException. S3 operations cannot be named."""
    EXPIRED_CREDENTIALS = "expired-credentials"
    """On an operation: ExpiredTokenException."""
    ACCESS_DENIED = "access-denied"
    """On an operation: AccessDeniedException."""
    BROKEN_STREAM = "broken-stream"
    """On an inference component: the response stream ends in the middle of the answer."""
    MODEL_ERROR = "model-error"
    """On an inference component: HTTP 424, because the container answered 500."""
    NOT_READY = "not-ready"
    """On an inference component: HTTP 429, ModelNotReadyException."""
    DEPENDENCY_ERROR = "dependency-error"
    """On an inference component: HTTP 530, InternalDependencyException."""


@dataclass
class Fault:
    """One injected fault."""

    kind: FaultKind
    on: str = "*"
    """Name of the resource or operation that fails; `*` and `?` are wildcards."""
    times: int | None = None
    """Remaining number of occurrences; None: until the fault is cleared."""
    seconds: float = 0.0
    """Additional duration for `slow-deletion`, in seconds before the time scale is applied."""


def fault_from(document: bytes) -> Fault:
    """Parse a fault from a JSON document.

    Raises:
        ValueError: the document does not describe a fault; the message lists the problems.

    """
    fields = json.loads(document)
    checks = (
        {
            "kind": fields.get("kind") in set(FaultKind),
            "on": isinstance(fields.get("on", "*"), str),
            "times": fields.get("times") is None or (type(fields["times"]) is int and fields["times"] > 0),
            "seconds": type(fields.get("seconds", 0)) in (int, float) and fields.get("seconds", 0) >= 0,
        }
        if isinstance(fields, dict)
        else {}
    )
    wrong = [name for name, is_right in checks.items() if not is_right]
    unknown = sorted(set(fields) - set(checks)) if checks else []
    if not checks or wrong or unknown:
        raise ValueError(
            f"not a fault, because of {', '.join([*wrong, *unknown]) or 'its type (expected an object)'}; "
            f"kind is one of {', '.join(FaultKind)}; on is a name; times is at least 1 or null; seconds is at least 0; "
            "no other field is allowed"
        )
    return Fault(FaultKind(fields["kind"]), **{name: fields[name] for name in fields if name != "kind"})


class Faults:
    """The injected faults that can still occur, shared by all services."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[Fault]:
        """Return the faults that can still occur."""
        with self._lock:
            return list(self._faults)

    def strike(self, kind: FaultKind, name: str) -> Fault | None:
        """Return the injected fault that matches a name, and count one occurrence of it; None if none matches."""
        with self._lock:
            for fault in self._faults:
                if fault.kind is kind and fnmatch.fnmatchcase(name, fault.on):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    return fault
        return None
