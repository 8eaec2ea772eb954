"""Bounds that answers have to keep under a load: `ttft_p90=0.5,latency_p90=15`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from replicas.deployment.options import Traffic
from replicas.errors import UsageError

FIGURES = ("latency", "ttft", "tpot")
"""What is bounded: the whole answer, the time to its first token, the mean time for each further token."""
PERCENTILES = ("p50", "p90", "p99")
_BOUND = re.compile(r"(?P<figure>[a-z]+)_(?P<percentile>p\d+)=(?P<seconds>.+)")


@dataclass(frozen=True)
class Bound:
    """The largest allowed percentile of a time."""

    figure: str
    percentile: str
    seconds: float

    @property
    def name(self) -> str:
        """The bounded time: `ttft_p90`."""
        return f"{self.figure}_{self.percentile}"

    def __str__(self) -> str:
        return f"{self.name}={self.seconds:g}"


@dataclass(frozen=True)
class Bounds:
    """The bounds of an objective; every request must be answered besides."""

    bounds: tuple[Bound, ...]

    @classmethod
    def parse(cls, text: str, *, option: str) -> Self:
        """Read bounds with commas between, each `FIGURE_PERCENTILE=SECONDS`.

        Raises:
            UsageError: a bound cannot be read or is there twice. The message, which names the option, has every fault.

        """
        bounds, faults = list[Bound](), list[str]()
        for part in (each.strip() for each in text.split(",")):
            found = _BOUND.fullmatch(part)
            if not found or found["figure"] not in FIGURES or found["percentile"] not in PERCENTILES:
                faults.append(f"{part!r} is not one of {', '.join(FIGURES)} with _p50, _p90 or _p99 and =SECONDS")
                continue
            seconds = _seconds(found["seconds"])
            if seconds is None:
                faults.append(f"{part!r}: the seconds are a number above 0")
            elif any((other.figure, other.percentile) == (found["figure"], found["percentile"]) for other in bounds):
                faults.append(f"{part!r} is there twice")
            else:
                bounds.append(Bound(found["figure"], found["percentile"], seconds))
        if faults:
            raise UsageError(f"{option} {text!r}: {'; '.join(faults)}; for example ttft_p90=0.5,latency_p90=15")
        return cls(tuple(bounds))

    @classmethod
    def declared(cls, traffic: Traffic | None) -> Self | None:
        """Return the objective of declared traffic; None if it declares none.

        Raises:
            UsageError: it cannot be read. A plan has refused it before.

        """
        if traffic is None or traffic.objective is None:
            return None
        return cls.parse(traffic.objective, option="traffic.objective")

    def misses(self, values: Mapping[str, float | None], refused: int) -> Iterator[str]:
        """Yield what the objective misses, in sentences.

        Args:
            values: percentiles in seconds, by `FIGURE_PERCENTILE`; None if nothing has that time.
            refused: requests that were not answered.

        """
        if refused:
            yield f"{refused:,} requests were not answered" if refused > 1 else "1 request was not answered"
        for bound in self.bounds:
            value = values.get(f"{bound.figure}_{bound.percentile}")
            if value is None:
                yield f"{bound.figure} {bound.percentile}: nothing was measured"
            elif value > bound.seconds:
                yield f"{bound.figure} {bound.percentile} {value:.3g} s, wanted {bound.seconds:g} s"

    def are_kept(self, times: Mapping[str, float | None]) -> bool:
        """True if one request keeps every bound, whatever its percentile: it then counts as goodput.

        Args:
            times: times of the request, by figure; a missing one (an answer of one token has no tpot) is kept.

        """
        return all((times.get(bound.figure) or 0.0) <= bound.seconds for bound in self.bounds)

    def __str__(self) -> str:
        return ",".join(map(str, self.bounds))


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None
