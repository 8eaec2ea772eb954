"""Waits for a component that has no running copy yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from replicas.aws.waiting import NotYet, Pauses, until_ready
from replicas.errors import OperationError

_PAUSES = Pauses(2.0, 20.0)

Result = TypeVar("Result")
Waiting = Callable[[str, float, float], None]
"""Callback before each pause: the reason, the seconds waited so far, and the limit in seconds."""


def when_running(send: Callable[[], Result], *, wait_seconds: float, waiting: Waiting) -> Result:
    """Repeat a request until a copy accepts it, and return the result of `send`.

    Raises:
        OperationError: the request was refused, or no copy ran in time.

    """
    began = time.monotonic()
    try:
        return until_ready(
            send,
            seconds=wait_seconds,
            pauses=_PAUSES,
            waiting=lambda reason, waited: waiting(str(reason), waited, wait_seconds),
        )
    except NotYet as reason:
        raise OperationError(
            f"{reason}; no answer after {time.monotonic() - began:.0f} s: raise --wait, or look at `replicas status`"
        ) from None
