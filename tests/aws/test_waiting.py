"""Calls are repeated until they succeed or the time is over; the clock of these tests does not run by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from replicas.aws.waiting import NotYet, Pauses, until_ready


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    monkeypatch.setattr("time.sleep", clock.sleep)
    return clock


def ready_after(calls: int) -> Callable[[], str]:
    made = 0

    def call() -> str:
        nonlocal made
        made += 1
        if made <= calls:
            raise NotYet(f"call {made}")
        return "ready"

    return call


def test_pauses_grow_by_half_up_to_the_longest(clock: Clock) -> None:
    result = until_ready(ready_after(5), seconds=100, pauses=Pauses(2, 6), waiting=lambda *_: None)

    assert result == "ready"
    assert clock.pauses == [2, 3, 4.5, 6, 6]


def test_each_pause_is_reported_with_its_reason_and_the_time_so_far(clock: Clock) -> None:
    reports: list[tuple[str, float]] = []

    until_ready(
        ready_after(2), seconds=100, pauses=Pauses(2, 6), waiting=lambda why, waited: reports.append((str(why), waited))
    )

    assert reports == [("call 1", 0), ("call 2", 2)]


def test_the_last_pause_ends_with_the_time_and_the_last_reason_is_raised(clock: Clock) -> None:
    with pytest.raises(NotYet, match="call 4"):
        until_ready(ready_after(9), seconds=6, pauses=Pauses(2, 6), waiting=lambda *_: None)

    assert clock.pauses == [2, 3, 1]


def test_without_time_there_is_one_call(clock: Clock) -> None:
    with pytest.raises(NotYet, match="call 1"):
        until_ready(ready_after(1), seconds=0, pauses=Pauses(2, 6), waiting=lambda *_: None)

    assert clock.pauses == []


def test_another_failure_is_not_waited_out(clock: Clock) -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        until_ready(fail, seconds=100, pauses=Pauses(2, 6), waiting=lambda *_: None)

    assert clock.pauses == []
