"""Parses schedules of scheduled actions: `cron(...)`, `rate(...)` and `at(...)` in Application Auto Scaling's syntax.

No library parses AWS's dialect of cron. croniter 7.0.0 counts weekdays from 0, refuses `6L` and `LW`, and treats `?` as
`*`. cronsim 2.8 refuses `15W`, years and ranges that wrap around (`22-2`). The tests contain these examples.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\((?P<value>\d{1,9}) *(?P<unit>minute|hour|day)s?\)", re.IGNORECASE)
_AT = re.compile(r"at\((?P<moment>.*)\)", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?")
_CRON = re.compile(r"cron\((?P<fields>[^()]+)\)", re.IGNORECASE)
_SECONDS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_LONGEST_DAYS = 5 * 366
"""Days that `Cron.last` searches backwards. A cron schedule that recurs does so within five years, with rare exceptions
such as the fifth Monday of February."""
_CALENDAR_YEARS = 41
"""Years that `Cron.runs_after` searches: 29 February falls on a given weekday once in 28 years, or once in 40 years
around 2100."""


class ScheduleError(ValueError):
    """A schedule expression is not valid. The message is AWS's text followed by the detail."""

    def __init__(self, words: str, detail: str, seen_in: str) -> None:
        super().__init__(f"{words}: {detail}")
        self.seen_in = f"cdk-preflight 1.9.1, rule pf-appautoscaling-{seen_in}"


def _not_cron(detail: str) -> ScheduleError:
    return ScheduleError("Invalid CRON expression", detail, "schedule-cron-day-fields")


class Schedule(Protocol):
    """A schedule: the times at which a scheduled action runs, in seconds since the epoch."""

    def last(self, after: float, until: float) -> float | None:
        """Return the latest run time in the interval (`after`, `until`]; None if the interval has no run time."""

    def runs_after(self, moment: float) -> bool:
        """Return whether the schedule has a run time after a moment, in seconds since the epoch."""


@dataclass(frozen=True)
class Rate:
    """A `rate(...)` schedule: runs every `seconds` seconds from `begin` on."""

    seconds: float
    begin: float = 0.0

    def last(self, after: float, until: float) -> float | None:
        """See `Schedule.last`."""
        moment = self.begin + (until - self.begin) // self.seconds * self.seconds
        return moment if moment > max(after, self.begin) else None

    def runs_after(self, moment: float) -> bool:  # noqa: ARG002 (a rate never ends)
        """See `Schedule.runs_after`."""
        return True


@dataclass(frozen=True)
class At:
    """An `at(...)` schedule: runs once."""

    moment: float

    def last(self, after: float, until: float) -> float | None:
        """See `Schedule.last`."""
        return self.moment if after < self.moment <= until else None

    def runs_after(self, moment: float) -> bool:
        """See `Schedule.runs_after`."""
        return self.moment > moment


class Cron:
    """A `cron(...)` schedule in a time zone. Fields: minutes, hours, day of month, month, day of week, year.

    PutScheduledAction also accepts five fields, which mean every year, and seven fields, of which the last has no
    documented effect (cdk-preflight 1.9.1, rule pf-appautoscaling-schedule-cron-day-fields).
    """

    def __init__(self, fields: str, zone: ZoneInfo) -> None:
        """Read the fields.

        Raises:
            ScheduleError: the fields are not valid.

        """
        parts = fields.upper().split()
        if not 5 <= len(parts) <= 7:
            raise _not_cron(f"cron({fields}) has {len(parts)} fields: write minutes hours day month weekday year")
        minutes, hours, self._day, month, self._weekday, year, *_ = [*parts, "*"]
        if (self._day == "?") == (self._weekday == "?"):
            raise _not_cron(f"cron({fields}): exactly one of day of month and day of week must be ?")
        self._zone = zone
        self._minutes = sorted(_numbers(minutes, 0, 59), reverse=True)
        self._hours = sorted(_numbers(hours, 0, 23), reverse=True)
        self._months = _numbers(month, 1, 12, _MONTHS)
        self._years = _numbers(year, 1970, 2199)
        self._is_day(date(2000, 1, 1))  # raises ScheduleError now if a day field is not valid

    def last(self, after: float, until: float) -> float | None:
        """See `Schedule.last`."""
        day, first = (datetime.fromtimestamp(moment, self._zone).date() for moment in (until, after))
        first = max(first, day - timedelta(days=_LONGEST_DAYS))
        while day >= first:
            if self._is_day(day):
                for moment in self._moments(day):
                    if moment <= until:
                        return moment if moment > after else None
            day -= timedelta(days=1)
        return None

    def runs_after(self, moment: float) -> bool:
        """See `Schedule.runs_after`."""
        first = datetime.fromtimestamp(moment, self._zone).date()
        years = sorted(year for year in self._years if year >= first.year)[:_CALENDAR_YEARS]
        return any(
            self._is_day(day) and any(run > moment for run in self._moments(day))
            for year in years
            for month in self._months
            for day in _days_of(year, month)
            if day >= first
        )

    def _moments(self, day: date) -> Iterator[float]:
        """Yield the run times of a day, latest first."""
        for hour in self._hours:
            for minute in self._minutes:
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone).timestamp()

    def _is_day(self, day: date) -> bool:
        in_month = day.month in self._months and day.year in self._years
        matches = self._is_day_of_month(day) if self._weekday == "?" else self._is_weekday(day)
        return matches and in_month

    def _is_day_of_month(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if self._day in ("L", "LW"):
            return day.day == (length if self._day == "L" else _nearest_workday(day, length))
        if re.fullmatch(r"\d{1,2}W", self._day):
            return day.day == _nearest_workday(day, min(int(self._day[:-1]), length))
        return day.day in _numbers(self._day, 1, 31)

    def _is_weekday(self, day: date) -> bool:
        number = day.isoweekday() % 7 + 1  # Sunday is 1
        last = re.fullmatch(r"(\w+)L", self._weekday)
        if last:
            length = calendar.monthrange(day.year, day.month)[1]
            return number in _numbers(last[1], 1, 7, _DAYS) and day.day > length - 7
        nth = re.fullmatch(r"(\w+)#([1-5])", self._weekday)
        if nth:
            return number in _numbers(nth[1], 1, 7, _DAYS) and (day.day - 1) // 7 + 1 == int(nth[2])
        return number in _numbers("7" if self._weekday == "L" else self._weekday, 1, 7, _DAYS)


def read(text: str, zone: str, *, scale: float, begin: float) -> Schedule:
    """Parse a schedule expression.

    Args:
        text: the schedule expression.
        zone: IANA name of the time zone for `cron` and `at`.
        scale: speed of the simulated clock relative to real time. The period of a rate schedule is divided by it.
        begin: the start of a rate schedule, in seconds since the epoch.

    Raises:
        ScheduleError: the expression or the time zone is not valid.

    """
    try:
        time_zone = ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        raise ScheduleError(
            f"Invalid schedule timezone: {zone}",
            "use a name of the IANA database such as Europe/Berlin",
            "scheduled-action-timezone-iana",
        ) from None
    if match := _RATE.fullmatch(text):
        if not int(match["value"]):
            raise ScheduleError("Invalid schedule frequency", f"{text} is less than 1 minute", "schedule-rate-unit")
        return Rate(int(match["value"]) * _SECONDS[match["unit"].lower()] / scale, begin)
    if match := _AT.fullmatch(text):
        try:
            if not _MOMENT.fullmatch(match["moment"]):
                raise ValueError("write yyyy-mm-ddThh:mm:ss without an offset")
            return At(datetime.fromisoformat(match["moment"]).replace(tzinfo=time_zone).timestamp())
        except ValueError as fault:
            raise ScheduleError(
                "Invalid schedule at DateTime expression",
                f"{text}: {fault}",
                "schedule-at-format",
            ) from None
    if match := _CRON.fullmatch(text):
        return Cron(match["fields"], time_zone)
    raise ScheduleError(
        "Invalid schedule expression",
        f"{text} is not cron(fields), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)",
        "schedule-expression-form",
    )


def never_runs(text: str, schedule: Schedule, past: date) -> str | None:
    """Return an error message if a schedule never runs after the start of the day `past`; None if it runs at least
    once.
    """
    moment = datetime(past.year, past.month, past.day, tzinfo=UTC).timestamp()
    return None if schedule.runs_after(moment) else f"{text} has no time after {past} at which it runs"


def _days_of(year: int, month: int) -> Iterator[date]:
    return (date(year, month, day) for day in range(1, calendar.monthrange(year, month)[1] + 1))


def _numbers(field: str, least: int, most: int, names: dict[str, int] | None = None) -> set[int]:
    """Return the numbers that a cron field selects. Examples of fields: `*`, `1,2`, `MON-FRI`, `0/15`."""
    selected: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        begin, dash, end = span.partition("-")
        try:
            low = least if begin == "*" else (names or {}).get(begin) or int(begin)
            high = (names or {}).get(end) or int(end) if dash else most if step or begin == "*" else low
            every = int(step or 1)
        except ValueError:
            raise _not_cron(f"{field} is not a cron field with values between {least} and {most}") from None
        if not (least <= low <= most and least <= high <= most and every > 0):
            raise _not_cron(f"{field} is not a cron field with values between {least} and {most}")
        numbers = range(low, high + 1) if low <= high else [*range(low, most + 1), *range(least, high + 1)]
        selected.update(list(numbers)[::every])
    return selected


def _nearest_workday(day: date, target: int) -> int:
    """Return the weekday (Monday to Friday) nearest to `target` in the month of `day`, as a day of the month."""
    length = calendar.monthrange(day.year, day.month)[1]
    weekday = calendar.weekday(day.year, day.month, target)
    if weekday == calendar.SATURDAY:
        return target - 1 if target > 1 else target + 2
    if weekday == calendar.SUNDAY:
        return target + 1 if target < length else target - 2
    return target
