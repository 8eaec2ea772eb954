"""Command-line options for loads, and their conversion to loads.

`forecast`, `recommend`, `benchmark` and `verify` derive their flags from the fields of `LoadOptions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from replicas.errors import UsageError
from replicas.load.load import Load
from replicas.load.trace import Trace
from replicas.load.trace_files import read_trace

ARTICLE_USERS = (100, 150, 200, 250, 300, 350, 400, 450, 500)
"""The numbers of users of the article's benchmark."""
DEFAULT_SECONDS = 90.0
"""Default duration in which requests are sent, seconds: the duration in the article."""
_ARRIVALS = ("users", "rate", "burst", "trace")
_OF_A_TRACE = ("input_tokens", "input_stddev", "output_tokens", "output_stddev", "shared_tokens", "distinct_prompts")
"""Options that do not apply to a trace, which records these values itself."""


def _flag(text: str, metavar: str | None = None) -> dict[str, Any]:
    return {"help": text, "metavar": metavar}


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Options for one or several loads. None means that an option is not given."""

    users: str | None = field(
        default=None,
        metadata=_flag(
            "Numbers of users in a closed loop. Each number is one load; `article`: the article's nine numbers.",
            "N,...",
        ),
    )
    rate: str | None = field(
        default=None,
        metadata=_flag("Arrival rates per second (Poisson), instead of users. Each rate is one load.", "R,..."),
    )
    burst: str | None = field(
        default=None,
        metadata=_flag("Numbers of requests that arrive at once, instead of users. Each number is one load.", "N,..."),
    )
    trace: Path | None = field(
        default=None,
        metadata=_flag(
            "Replay the requests of this file, instead of users: JSON lines with timestamp (ms), input_length, "
            "output_length and hash_ids, the format of AIPerf and Mooncake.",
            "FILE",
        ),
    )
    input_tokens: int | None = field(default=None, metadata=_flag("Length of a prompt, tokens; the mean if it varies."))
    input_stddev: float | None = field(
        default=None, metadata=_flag("Standard deviation of the prompts' lengths (lognormal). Default: 0.")
    )
    output_tokens: int | None = field(
        default=None, metadata=_flag("Length of an answer, tokens; the mean if it varies.")
    )
    output_stddev: float | None = field(
        default=None, metadata=_flag("Standard deviation of the answers' lengths (lognormal). Default: 0.")
    )
    shared_tokens: int | None = field(
        default=None,
        metadata=_flag("Tokens of the common beginning of all prompts, which a prefix cache reuses."),
    )
    distinct_prompts: int | None = field(
        default=None, metadata=_flag("Number of different prompts, which repeat at random. Default: no prompt repeats.")
    )
    duration: float | None = field(
        default=None,
        metadata=_flag(
            "Seconds in which requests are sent. Default: 90, or the whole trace. A burst ends with its last answer."
        ),
    )

    @property
    def names_a_load(self) -> bool:
        """True if users, a rate, a burst or a trace is given."""
        return any(getattr(self, name) is not None for name in _ARRIVALS)

    @property
    def lengths(self) -> dict[str, Any]:
        """The given options that are fields of `Load`."""
        values = {name: getattr(self, name) for name in _OF_A_TRACE}
        return {name: value for name, value in values.items() if value is not None}

    def loads(self, base: Load, tell: Callable[[str], None] = lambda _line: None) -> list[Load]:
        """Return the loads of the options in ascending order; `base` alone if no arrival option is given.

        Args:
            base: load with the default arrivals and lengths.
            tell: called with a message for each option or field without effect.

        Raises:
            UsageError: options contradict each other or cannot be read. The message lists every fault.
            TraceError: the trace is faulty.

        """
        faults = list(self._faults())
        if faults:
            faults += replace(_with(base, users=1), **self.lengths).problems()
            raise UsageError("; ".join(faults))
        if self.trace is not None:
            return [Load.of_trace(self._first_part(read_trace(self.trace, tell)))]
        if self.burst is not None and self.duration is not None:
            tell("--duration has no effect on a burst, which ends with its last answer")
        base = replace(base, **self.lengths)
        if self.rate is not None:
            return [_with(base, requests_per_second=rate) for rate in _numbers(self.rate)]
        if self.burst is not None:
            return [_with(base, burst=int(burst)) for burst in _numbers(self.burst)]
        if self.users == "article":
            return [_with(base, users=users) for users in ARTICLE_USERS]
        if self.users is not None:
            return [_with(base, users=int(users)) for users in _numbers(self.users)]
        return [base]

    def load(self, base: Load, tell: Callable[[str], None] = lambda _line: None) -> Load:
        """Return the single load of the options.

        Raises:
            UsageError: the options describe several loads, contradict each other or cannot be read.
            TraceError: the trace is faulty.

        """
        loads = self.loads(base, tell)
        if len(loads) > 1:
            raise UsageError(
                f"{len(loads)} loads are given ({', '.join(load.description for load in loads)}): give one"
            )
        return loads[0]

    def _faults(self) -> Iterator[str]:
        given = [f"--{name}" for name in _ARRIVALS if getattr(self, name) is not None]
        if len(given) > 1:
            yield f"{' and '.join(given)}: give only one of --users, --rate, --burst and --trace"
        if self.users is not None and self.users != "article" and not _are_counts(self.users):
            yield f"--users {self.users!r}: give whole numbers from 1, separated by commas (100,200), or `article`"
        if self.rate is not None and not _are_numbers(self.rate):
            yield f"--rate {self.rate!r}: give numbers separated by commas (2,5.5,10)"
        if self.burst is not None and not _are_counts(self.burst):
            yield f"--burst {self.burst!r}: give whole numbers from 1, separated by commas (100,500)"
        if self.trace is not None and self.duration is not None and not 0 < self.duration < inf:
            yield f"--duration {self.duration:g}: must be more than 0 seconds"
        if self.trace is not None and self.lengths:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in self.lengths)
            yield (
                f"{names} and --trace: a trace states lengths and shared prefixes of its requests: leave {names} out"
            )

    def _first_part(self, trace: Trace) -> Trace:
        if self.duration is None:
            return trace
        return Trace(tuple(request for request in trace.requests if request.seconds <= self.duration))


def _with(base: Load, **arrivals: Any) -> Load:
    nothing: dict[str, Any] = {"users": None, "requests_per_second": None, "burst": None, "trace": None}
    return replace(base, **{**nothing, **arrivals})


def _are_counts(text: str) -> bool:
    return all(count.strip().isdecimal() and int(count) > 0 for count in text.split(","))


def _are_numbers(text: str) -> bool:
    try:
        return bool(_numbers(text))
    except ValueError:
        return False


def _numbers(text: str) -> list[float]:
    return sorted({float(number) for number in text.split(",")})
