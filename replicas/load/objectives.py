"""Upper bounds on the times of answers under a load, written as `ttft_p90=0.5,latency_p90=15`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from replicas.deployment.options import Traffic
from replicas.errors import UsageError

FIGURES = ("latency", "ttft", "tpot")
"""Times that a bound can limit: latency of the whole answer, time to first token, and mean time per further token."""
PERCENTILES = ("p50", "p90", "p99")
_BOUND = re.compile(r"(?P<figure>[a-z]+)_(?P<percentile>p\d+)=(?P<seconds>.+)")


@dataclass(frozen=True)
class Bound:
    """Largest allowed value of one percentile of a time, for example `ttft_p90=0.5`."""

    figure: str
    percentile: str
    seconds: float

    @property
    def name(self) -> str:
        """Time and percentile of the bound, for example `ttft_p90`."""
        return f"{self.figure}_{self.percentile}"

    def __str__(self) -> str:
        return f"{self.name}={self.seconds:g}"


@dataclass(frozen=True)
class Bounds:
    """Bounds of an objective. An objective also requires that every request is answered."""

    bounds: tuple[Bound, ...]

    @classmethod
    def parse(cls, text: str, *, option: str) -> Self:
        """Parse comma-separated bounds of the form `FIGURE_PERCENTILE=SECONDS`.

        Raises:
            UsageError: a bound cannot be read or is given twice. The message names the option and lists every fault.

        """
        bounds, faults = list[Bound](), list[str]()
        for part in (each.strip() for each in text.split(",")):
            match = _BOUND.fullmatch(part)
            if not match or match["figure"] not in FIGURES or match["percentile"] not in PERCENTILES:
                faults.append(f"{part!r} is not one of {', '.join(FIGURES)} with _p50, _p90 or _p99 and =SECONDS")
                continue
            seconds = _seconds(match["seconds"])
            if seconds is None:
                faults.append(f"{part!r}: the seconds must be a number above 0")
            elif any((other.figure, other.percentile) == (match["figure"], match["percentile"]) for other in bounds):
                faults.append(f"{part!r} is given twice")
            else:
                bounds.append(Bound(match["figure"], match["percentile"], seconds))
        if faults:
            raise UsageError(f"{option} {text!r}: {'; '.join(faults)}; for example ttft_p90=0.5,latency_p90=15")
        return cls(tuple(bounds))

    @classmethod
    def declared(cls, traffic: Traffic | None) -> Self | None:
        """Return the objective of declared traffic; None if the traffic has no objective.

        Raises:
            UsageError: the objective cannot be read. Planning refuses such an objective.

        """
        if traffic is None or traffic.objective is None:
            return None
        return cls.parse(traffic.objective, option="traffic.objective")

    def misses(self, values: Mapping[str, float | None], refused: int) -> Iterator[str]:
        """Yield a message for each bound that is exceeded, and one for requests without an answer.

        Args:
            values: percentiles in seconds, by `FIGURE_PERCENTILE`; None if no answer has that time.
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
        """True if a single request counts as goodput: its times are within all bounds, whatever their percentile.

        Args:
            times: times of the request in seconds, by figure. A missing time is never above its bound: for example, an
                answer of one token has no tpot.

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
