"""Converts durations to seconds and back. A conversion is a round trip to the jsii process, so results are cached."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import cast, overload
from weakref import WeakKeyDictionary

from aws_cdk import Duration

from replicas.deployment.unresolved import is_unresolved

_SECONDS: WeakKeyDictionary[Duration, int] = WeakKeyDictionary()


@cache
def of_seconds(seconds: int) -> Duration:
    """Return a `Duration` of whole seconds."""
    duration = Duration.seconds(seconds)
    _SECONDS[duration] = seconds
    return duration


@overload
def seconds_of(duration: Duration) -> int: ...
@overload
def seconds_of(duration: None) -> None: ...
def seconds_of(duration: Duration | None) -> int | None:
    """Return a duration in whole seconds; a CDK token if the duration is a token. Call `duration_faults` first."""
    if duration is None:
        return None
    if duration not in _SECONDS:
        _SECONDS[duration] = cast("int", duration.to_seconds())  # jsii returns whole numbers as int
    return _SECONDS[duration]


def duration_faults(*bounds: tuple[str, Duration | None, int, int | None]) -> Iterator[str]:
    """Yield an error message for every value that is not a duration of whole seconds within its bounds.

    Each bound is (argument name, value, minimum in seconds, maximum in seconds or None).
    """
    for name, duration, least, most in bounds:
        if duration is None:
            continue
        if not isinstance(duration, Duration):
            yield no_duration(name, duration)
            continue
        known = _SECONDS.get(duration)
        seconds = duration.to_seconds(integral=False) if known is None else known
        is_whole, is_within = seconds == int(seconds), least <= seconds <= (most or float("inf"))
        if (is_whole and is_within) or is_unresolved(seconds):
            continue
        if not is_whole:
            yield f"{name}={seconds:g} s: pass whole seconds"
        else:
            yield f"{name}={seconds:g} s: pass at least {least} s" + (f", at most {most} s" if most else "")


def no_duration(name: str, value: object) -> str:
    """Return the error message for a value that is not a `Duration`."""
    return f"{name}={value!r}: pass a Duration, such as Duration.seconds(60)"
