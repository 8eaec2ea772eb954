"""Waiting for AWS: calls that are repeated with growing pauses until they succeed or the time is over.

botocore's own waiters poll at a fixed interval, report nothing in between, and exist for few of the states that matter
here, so these are built on tenacity.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential, wait_random

Result = TypeVar("Result")


class NotYet(Exception):  # noqa: N818 (a state, not an error)
    """What is waited for is not there now and will be later; the message says why."""


@dataclass(frozen=True)
class Pauses:
    """How long to wait between two calls, seconds: each pause is half as long again as the one before."""

    first: float
    longest: float
    jitter: float = 0.0
    """At most so much longer, at random: several processes that wait then do not call in step."""


def until_ready(
    call: Callable[[], Result],
    *,
    seconds: float,
    pauses: Pauses,
    waiting: Callable[[NotYet, float], None],
) -> Result:
    """Call until it does not raise `NotYet`, and return its result.

    Args:
        call: what is repeated.
        seconds: how long to wait at most. 0: call once.
        pauses: between two calls.
        waiting: called before each pause, with the reason and the seconds since the first call.

    Raises:
        NotYet: the last one, when the time is over.

    """
    began = time.monotonic()

    def report(state: RetryCallState) -> None:
        reason = state.outcome.exception() if state.outcome else None
        if isinstance(reason, NotYet):
            waiting(reason, time.monotonic() - began)

    def sleep(pause: float) -> None:
        time.sleep(max(0.0, min(pause, began + seconds - time.monotonic())))

    retrying = Retrying(
        retry=retry_if_exception_type(NotYet),
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=pauses.first, exp_base=1.5, max=pauses.longest)
        + wait_random(0, pauses.jitter),
        before_sleep=report,
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)
