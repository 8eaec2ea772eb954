"""Finds candidates that a forecast cannot distinguish from the best candidate, because their error bands overlap.

For a forecast rate `f` with median error `e`, half of the measured rates lie between `f / (1 + e)` and `f / (1 - e)`.
The price of a token is inverse to the rate, so it lies between `(1 - e)` and `(1 + e)` times the forecast price. A
candidate is dearer than the best one if its band begins above the lowest upper end of all bands. All other candidates
must be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replicas.forecast.loads import Forecast


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A deployment or layout with its forecast price, and the error of such forecasts."""

    name: str
    usd_per_million_output_tokens: float | None
    """Forecast price; None if the price is unknown, or no token is generated."""
    error: float | None
    """Median error of the rate; None if too few runs have the rate."""

    @classmethod
    def of(cls, name: str, forecast: Forecast) -> Candidate:
        """Return a candidate with the price that the forecast has for its last load."""
        measured = forecast.measured_error.figures.get("requests_per_second") if forecast.measured_error else None
        has_class = measured is not None and measured.confidence != "unmeasured"
        return cls(
            name=name,
            usd_per_million_output_tokens=forecast.points[-1].usd_per_million_output_tokens,
            error=measured.median if measured is not None and has_class else None,
        )

    @property
    def band(self) -> tuple[float, float] | None:
        """Lowest and highest price within the median error; None if the price or the error is not known."""
        if self.usd_per_million_output_tokens is None or self.error is None:
            return None
        usd = self.usd_per_million_output_tokens
        return usd * max(0.0, 1 - self.error), usd * (1 + self.error)

    @property
    def words(self) -> str:
        """The forecast price with its band, as text."""
        if self.usd_per_million_output_tokens is None:
            return "no price is forecast"
        usd = f"{self.usd_per_million_output_tokens:.2f} USD for a million output tokens"
        return f"{usd}, {self.band[0]:.2f} to {self.band[1]:.2f}" if self.band else f"{usd}, by an unmeasured forecast"


@dataclass(frozen=True)
class SplitCandidates:
    """Candidates, divided by whether the forecast distinguishes them from the best candidate."""

    undecided: tuple[Candidate, ...]
    """Candidates to measure, cheapest first; empty if the forecast decides. In this case `decided` begins with the best
    candidate."""
    decided: tuple[Candidate, ...]


def split_by_forecast(candidates: Sequence[Candidate]) -> SplitCandidates:
    """Divide candidates by whether the forecast distinguishes them from the best candidate.

    A candidate without a band is always undecided.
    """
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
        return SplitCandidates((), (*undecided, *(one for one in ordered if one not in undecided)))
    return SplitCandidates(tuple(undecided), tuple(one for one in ordered if one not in undecided))
