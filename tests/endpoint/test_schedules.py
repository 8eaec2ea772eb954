"""Schedules: the documentation's cron examples, and every minute of two years tried one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicas.endpoint.schedules import ScheduleError, never_runs, read


def last(text: str, until: str, *, after: str = "2024-01-01T00:00", zone: str = "UTC") -> str | None:
    where = ZoneInfo(zone)
    begin, end = (datetime.fromisoformat(moment).replace(tzinfo=where).timestamp() for moment in (after, until))
    found = read(text, zone, scale=1, begin=begin).last(begin, end)
    return None if found is None else datetime.fromtimestamp(found, where).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("text", "until", "moment"),
    [
        ("cron(0 10 * * ? *)", "2026-11-25T12:00", "2026-11-25T10:00"),
        ("cron(15 12 * * ? *)", "2026-11-25T12:00", "2026-11-24T12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-29T12:00", "2026-11-27T18:00"),
        ("cron(0 8 1 * ? *)", "2026-11-25T12:00", "2026-11-01T08:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-25T12:34", "2026-11-25T12:30"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-25T22:00", "2026-11-25T17:55"),
        ("cron(0 9 ? * 2#1 *)", "2026-11-25T12:00", "2026-11-02T09:00"),
        ("cron(0 9 ? * 6L *)", "2026-11-25T12:00", "2026-10-30T09:00"),
        ("cron(0 9 L * ? *)", "2026-11-25T12:00", "2026-10-31T09:00"),
        ("cron(0 9 15W * ? *)", "2026-11-25T12:00", "2026-11-16T09:00"),
        ("cron(0 9 1W 8 ? *)", "2026-11-25T12:00", "2026-08-03T09:00"),
        ("cron(0 0 29 2 ? *)", "2026-11-25T12:00", "2024-02-29T00:00"),
        ("cron(0 9 * * ? 2025)", "2026-11-25T12:00", "2025-12-31T09:00"),
        ("at(2026-11-24T08:30:00)", "2026-11-25T12:00", "2026-11-24T08:30"),
        ("at(2026-11-26T08:30:00)", "2026-11-25T12:00", None),
        ("rate(5 minutes)", "2024-01-01T00:14", "2024-01-01T00:10"),
        ("rate(1 day)", "2024-01-01T00:14", None),
    ],
)
def test_examples(text: str, until: str, moment: str | None) -> None:
    assert last(text, until) == moment


def test_a_time_zone_has_its_summer() -> None:
    schedule = read("cron(0 8 ? * MON-FRI *)", "Europe/Berlin", scale=1, begin=0)
    for day, hour in (("2026-07-15", 6), ("2026-11-25", 7)):
        until = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
        assert datetime.fromtimestamp(schedule.last(0, until) or 0, UTC).hour == hour


def test_a_rate_is_a_duration_and_shorter_like_all_of_them() -> None:
    assert read("rate(5 minutes)", "UTC", scale=60, begin=1_000).last(1_000, 1_012) == 1_010


@given(
    minute=st.sampled_from(["0", "*/7", "3,30", "20-25"]),
    hour=st.sampled_from(["*", "8-17", "0/6", "22-2"]),
    day=st.sampled_from([("?", "MON-FRI"), ("?", "1,7"), ("10-12", "?"), ("*", "?")]),
    month=st.sampled_from(["*", "FEB", "11-1"]),
    until=st.integers(0, 60 * 24 * 730),
)
@settings(max_examples=60)
def test_the_latest_moment_is_the_one_that_counting_back_finds(
    minute: str, hour: str, day: tuple[str, str], month: str, until: int
) -> None:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    end = begin + timedelta(minutes=until)
    schedule = read(f"cron({minute} {hour} {day[0]} {month} {day[1]} *)", "UTC", scale=1, begin=0)
    minutes = {"0": {0}, "*/7": set(range(0, 60, 7)), "3,30": {3, 30}, "20-25": set(range(20, 26))}[minute]
    hours = {"*": set(range(24)), "8-17": set(range(8, 18)), "0/6": {0, 6, 12, 18}, "22-2": {22, 23, 0, 1, 2}}[hour]
    days = {"MON-FRI": range(5), "1,7": (5, 6)}.get(day[1], range(7))
    months = {"*": range(1, 13), "FEB": (2,), "11-1": (11, 12, 1)}[month]
    back = min(until, 60 * 24 * 3)
    moments = (end - timedelta(minutes=ago) for ago in range(back + 1))
    expected = next(
        (
            one
            for one in moments
            if one.minute in minutes
            and one.hour in hours
            and one.weekday() in days
            and one.month in months
            and (day[0] != "10-12" or 10 <= one.day <= 12)
        ),
        None,
    )
    found = schedule.last((end - timedelta(minutes=back + 1)).timestamp(), end.timestamp())
    assert found == (expected and expected.timestamp())


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("cron(0 8 * ?)", "UTC", "^Invalid CRON expression: .*has 4 fields: write minutes"),
        ("cron(0 8 * * *)", "UTC", "exactly one of day of month and day of week must be"),
        ("cron(0 8 * * * *)", "UTC", "exactly one of day of month and day of week must be"),
        ("cron(0 25 ? * MON *)", "UTC", "25 is not a cron field"),
        ("cron(0 8 ? * MOO *)", "UTC", "MOO is not a cron field"),
        ("rate(0 minutes)", "UTC", "^Invalid schedule frequency: "),
        ("rate(2 weeks)", "UTC", "^Invalid schedule expression: "),
        ("at(2026-01-01T00:00:00Z)", "UTC", "^Invalid schedule at DateTime expression: "),
        ("every morning", "UTC", "^Invalid schedule expression: "),
        ("at(2026-13-01T00:00:00)", "UTC", "^Invalid schedule at DateTime expression: .*month"),
        ("rate(1 day)", "Europe/Bielefeld", "^Invalid schedule timezone: Europe/Bielefeld"),
    ],
)
def test_refusals(text: str, zone: str, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        read(text, zone, scale=1, begin=0)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("cron(0 8 * * ?)", "cron(0 8 * * ? *)"),
        ("cron(0 8 * * ? * *)", "cron(0 8 * * ? *)"),
        ("CRON(0 8 * * ? *)", "cron(0 8 * * ? *)"),
        ("rate(5minutes)", "rate(5 minutes)"),
        ("at(2026-01-01T00:00)", "at(2026-01-01T00:00:00)"),
    ],
)
def test_forms_that_put_scheduled_action_took(text: str, same: str) -> None:
    """cdk-preflight 1.9.1 measured them: rules pf-appautoscaling-schedule-..."""
    moment = datetime(2026, 6, 1, tzinfo=UTC).timestamp()

    assert read(text, "UTC", scale=1, begin=0).last(0, moment) == read(same, "UTC", scale=1, begin=0).last(0, moment)


@pytest.mark.parametrize("months", ["2", "FEB", "2,4", "4,6,9,11", "*", "1-3"])
@pytest.mark.parametrize("days", ["28", "29", "30", "31", "30,31"])
@pytest.mark.parametrize("year", ["*", "2027", "2028", "2026", "2020-2027"])
def test_a_schedule_runs_if_the_calendar_has_one_of_its_days(days: str, months: str, year: str) -> None:
    """The standard library says which days exist; the schedule is asked about the time after 28 November 2026."""
    chosen = {"2": {2}, "FEB": {2}, "2,4": {2, 4}, "4,6,9,11": {4, 6, 9, 11}, "*": set(range(1, 13)), "1-3": {1, 2, 3}}
    years = {"*": range(2026, 2200), "2020-2027": range(2020, 2028)}.get(year) or [int(year)]
    day, end = date(2026, 11, 28), date(2036, 1, 1)
    exists = False
    while day < end:
        exists |= day.day in map(int, days.split(",")) and day.month in chosen[months] and day.year in years
        day += timedelta(days=1)

    text = f"cron(0 8 {days} {months} ? {year})"
    never = never_runs(text, read(text, "UTC", scale=1, begin=0), date(2026, 11, 28))

    assert (never is None) == exists


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("at(2026-11-27T23:59:00)", False),
        ("at(2026-11-28T00:01:00)", True),
        ("rate(1 day)", True),
        ("cron(0 8 ? 2 1#5 *)", True),
        ("cron(0 8 ? 2 1#5 2027)", False),
        ("cron(0 8 L 2 ? 2027)", True),
        ("cron(0 8 ? * MON-FRI 2020-2025)", False),
    ],
)
def test_a_schedule_that_is_over_never_runs(text: str, runs: bool) -> None:
    """The fifth Sunday of February is 29 February 2032; 2027 has none."""
    assert (never_runs(text, read(text, "UTC", scale=1, begin=0), date(2026, 11, 28)) is None) == runs
