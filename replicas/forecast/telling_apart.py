"""Which candidates a forecast cannot tell apart: those whose error bands overlap with the band of the best one.

A measured rate lies between `f / (1 + e)` and `f / (1 - e)` of the forecast `f`, half of the time, where `e` is the
median error of the runs behind it. A price of a token is inverse to the rate: it lies between `(1 - e)` and `(1 + e)`
of the forecast price. Candidates whose band begins above the lowest end of a band are dearer by more than both errors
explain. The others are to be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replicas.forecast.loads import Forecast


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A layout with its forecast price."""

    name: str
    usd_per_million_output_tokens: float | None
    """None if the price is unknown, or nothing is answered."""
    error: float | None
    """Median error of the rate; None if none was measured."""

    @classmethod
    def of(cls, name: str, forecast: Forecast) -> Candidate:
        """Return the candidate of a forecast, at its last load."""
        measured = forecast.measured_error.figures.get("requests_per_second") if forecast.measured_error else None
        has_class = measured is not None and measured.confidence != "unmeasured"
        return cls(
            name=name,
            usd_per_million_output_tokens=forecast.points[-1].usd_per_million_output_tokens,
            error=measured.median if measured is not None and has_class else None,
        )

    @property
    def band(self) -> tuple[float, float] | None:
        """Lowest and highest price that the error leaves possible, half of the time; None if any is."""
        if self.usd_per_million_output_tokens is None or self.error is None:
            return None
        usd = self.usd_per_million_output_tokens
        return usd * max(0.0, 1 - self.error), usd * (1 + self.error)

    @property
    def words(self) -> str:
        """The forecast with its band."""
        if self.usd_per_million_output_tokens is None:
            return "no price is forecast"
        usd = f"{self.usd_per_million_output_tokens:.2f} USD for a million output tokens"
        return f"{usd}, {self.band[0]:.2f} to {self.band[1]:.2f}" if self.band else f"{usd}, by an unmeasured forecast"


@dataclass(frozen=True)
class Told:
    """Candidates, divided by whether the forecast tells them apart from the best one."""

    undecided: tuple[Candidate, ...]
    """Those to measure, the cheapest first; empty if the forecast decides: then `decided` has the best one first."""
    decided: tuple[Candidate, ...]


def told_apart(candidates: Sequence[Candidate]) -> Told:
    """Divide candidates. One whose band is unknown is never told apart from another."""
    ordered = sorted(
        candidates,
        key=lambda one: (one.usd_per_million_output_tokens is None, one.usd_per_million_output_tokens or 0.0),
    )
    bands = [one.band for one in ordered]
    lowest_end = min((band[1] for band in bands if band), default=None)
    undecided = [
        one
        for one, band in zip(ordered, bands, strict=True)
        if band is None or lowest_end is None or band[0] <= lowest_end
    ]
    if len(undecided) < 2:
        return Told((), (*undecided, *(one for one in ordered if one not in undecided)))
    return Told(tuple(undecided), tuple(one for one in ordered if one not in undecided))
