"""The objective of a recommendation, and the conditions that a layout misses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from typing_extensions import TypedDict

from replicas.errors import UsageError
from replicas.forecast import Load, Point
from replicas.load.objectives import Bound, Bounds
from replicas.units import rate_text

SERVICE_SECONDS = 60.0
"""Default objective of the latency: SageMaker ends an answer that is not streamed after 60 s (InvokeEndpoint,
documentation)."""
MOST_OF_CAPACITY = 0.95
"""Maximum arrival rate as a share of the capacity of the copies. Above this share, queues grow, which a short
simulation does not show."""


TIMES = {"latency": "latency", "ttft": "TTFT", "tpot": "time per token"}
"""Names, for messages, of the times that an objective can limit."""


class ObjectiveDocument(TypedDict):
    """Conditions that a layout must meet."""

    latency_p90_seconds: float
    ttft_p90_seconds: float | None
    max_usd_per_hour: float | None
    bounds: dict[str, float]
    """Limits of all times, seconds, by figure and percentile: `tpot_p50`."""


class Shortfall(NamedTuple):
    """One condition of an objective that a layout misses."""

    what: str
    """The condition: a time with its percentile (`latency p90`, `TTFT p90`, `time per token p50`), `rate`, `refusals`
    or `price`.
    """
    sentence: str
    ratio: float
    """Actual value relative to the limit: 1.2 misses it by 20 %."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Conditions that a layout must meet at the load, in addition to answering every request."""

    latency_p90_seconds: float = SERVICE_SECONDS
    """Limit of the p90 latency of whole answers."""
    ttft_p90_seconds: float | None = None
    """Limit of the p90 time to first token."""
    max_usd_per_hour: float | None = None
    """Limit of the price of all instances of the endpoint."""
    further: tuple[Bound, ...] = ()
    """Limits of other percentiles, and of the time per token."""

    @classmethod
    def of_options(
        cls,
        bounds: Bounds | None,
        *,
        latency_p90_seconds: float | None = None,
        ttft_p90_seconds: float | None = None,
        max_usd_per_hour: float | None = None,
    ) -> Self:
        """Return the objective of `--objective`, `--latency-p90`, `--ttft-p90` and the budget.

        Raises:
            UsageError: the limit of a time is given twice.

        """
        own = {"latency_p90": latency_p90_seconds, "ttft_p90": ttft_p90_seconds}
        given = {bound.name: bound.seconds for bound in bounds.bounds} if bounds else {}
        twice = [name for name, seconds in own.items() if seconds is not None and name in given]
        if twice:
            raise UsageError(
                "; ".join(f"--{name.replace('_', '-')} and --objective {name}: give one of them" for name in twice)
            )
        latency, ttft = (given.get(name, seconds) for name, seconds in own.items())
        return cls(
            latency_p90_seconds=SERVICE_SECONDS if latency is None else latency,
            ttft_p90_seconds=ttft,
            max_usd_per_hour=max_usd_per_hour,
            further=tuple(bound for bound in bounds.bounds if bound.name not in own) if bounds else (),
        )

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Limits of all times."""
        ttft = () if self.ttft_p90_seconds is None else (Bound("ttft", "p90", self.ttft_p90_seconds),)
        return (Bound("latency", "p90", self.latency_p90_seconds), *ttft, *self.further)

    def problems(self) -> Iterator[str]:
        """Yield the faults of the objective."""
        values = {
            "latency_p90_seconds": self.latency_p90_seconds,
            "ttft_p90_seconds": self.ttft_p90_seconds,
            "max_usd_per_hour": self.max_usd_per_hour,
            **{bound.name: bound.seconds for bound in self.further},
        }
        for name, value in values.items():
            if value is not None and not 0 < value < float("inf"):
                yield f"{name}={value}: more than 0"

    def to_document(self) -> ObjectiveDocument:
        """Return the JSON document (`ObjectiveDocument`)."""
        return {
            "latency_p90_seconds": self.latency_p90_seconds,
            "ttft_p90_seconds": self.ttft_p90_seconds,
            "max_usd_per_hour": self.max_usd_per_hour,
            "bounds": {bound.name: bound.seconds for bound in self.bounds},
        }

    def __str__(self) -> str:
        parts = [f"{TIMES[bound.figure]} {bound.percentile} within {bound.seconds:g} s" for bound in self.bounds]
        if self.max_usd_per_hour is not None:
            parts.append(f"at most {self.max_usd_per_hour:g} USD an hour")
        return ", ".join(parts)

    def shortfalls(self, load: Load, point: Point, capacity: float) -> list[Shortfall]:
        """Return the conditions that a forecast misses. `capacity` is the maximum requests per second of the copies."""
        shortfalls: list[Shortfall] = []
        if load.offered is not None:
            shortfalls += carrying(load.offered, capacity)
        if point.refused:
            share = point.refused / point.requests
            shortfalls.append(
                Shortfall("refusals", f"{share:.0%} of the requests are refused: too many arrive at once", 1 + share)
            )
        for bound in self.bounds:
            seconds: float | None = getattr(point, f"{bound.name}_seconds")
            if seconds is None and bound.figure == "tpot" and point.latency_p50_seconds is not None:
                continue  # answers of one token have no time per further token
            shortfalls += too_slow(f"{TIMES[bound.figure]} {bound.percentile}", seconds, bound.seconds)
        return shortfalls

    def strain(self, point: Point, shortfalls: Sequence[Shortfall]) -> float:
        """Return the largest ratio of a forecast's figures to their limits: above 1 if it misses the objective."""
        if shortfalls:
            return max(shortfall.ratio for shortfall in shortfalls)
        times = ((getattr(point, f"{bound.name}_seconds"), bound.seconds) for bound in self.bounds)
        return max((seconds / limit for seconds, limit in times if seconds is not None), default=0.0)


def carrying(requests_per_second: float, capacity: float) -> list[Shortfall]:
    """Return the shortfall of copies that are too slow for an arrival rate; empty if they are fast enough."""
    most = MOST_OF_CAPACITY * capacity
    if requests_per_second <= most:
        return []
    sentence = f"serves only {rate_text(most)} of {rate_text(requests_per_second)} requests a second"
    return [Shortfall("rate", sentence, requests_per_second / most if most else float("inf"))]


def too_slow(what: str, seconds: float | None, limit: float | None, *, whose: str = "") -> list[Shortfall]:
    """Return the shortfall of a time that exceeds its limit; empty if it does not. `seconds` is None without an answer.

    The message calls the compared time `whose`; default: `what`. `whose` is given if the time is only a lower bound of
    the percentile.
    """
    if limit is None or (seconds is not None and seconds <= limit):
        return []
    if seconds is None:
        return [Shortfall(what, "no answer within the duration", float("inf"))]
    digits = ".2f" if seconds >= 1 else ".3g"
    return [Shortfall(what, f"{whose or what} {seconds:{digits}} s, wanted {limit:g} s", seconds / limit)]
