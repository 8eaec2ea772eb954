"""Repeats a call with growing pauses until it succeeds or a timeout passes.

botocore's waiters poll at a fixed interval, report no progress and lack most of the states that this project waits for,
so this module uses tenacity.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential, wait_random

Result = TypeVar("Result")


class NotYet(Exception):  # noqa: N818 (a state, not an error)
    """The expected state is not reached yet; the message gives the reason."""


@dataclass(frozen=True)
class Pauses:
    """Pauses between two calls, in seconds. Each pause is 1.5 times the previous one, up to `longest`."""

    first: float
    longest: float
    jitter: float = 0.0
    """Maximum random addition to each pause, so that parallel processes do not call at the same time."""


def until_ready(
    call: Callable[[], Result],
    *,
    seconds: float,
    pauses: Pauses,
    waiting: Callable[[NotYet, float], None],
) -> Result:
    """Repeat a call until it no longer raises `NotYet`, and return its result.

    Args:
        call: function to repeat.
        seconds: longest total wait. 0: call once.
        pauses: pauses between two calls.
        waiting: called before each pause, with the reason and the seconds since the first call.

    Raises:
        NotYet: the call still raises `NotYet` after `seconds`.

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
