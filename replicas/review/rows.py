"""Builds the lines of a comparison: facts of the plan, and forecasts of its traffic. Starts no process and reads no
file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replicas.review.facts import forecast_values
from replicas.review.result import Comparison, ForecastPair, Verdict
from replicas.units import rate_text


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line: a label, and the value on each side. A side without a value has None."""

    component: str | None
    """Name of the line's component (untrusted text); None if the deployment has one component."""
    what: str
    before: str | None
    after: str | None
    is_forecast: bool = False


def rows(compared: Comparison) -> Iterator[Row]:
    """Yield the facts that are always shown or whose values differ, then the forecasts."""
    gone = compared.verdict in (Verdict.REMOVED, Verdict.REFUSED)
    for fact in compared.facts:
        if fact.always or (fact.before != fact.after and not gone):
            component, colon, what = fact.what.rpartition(": ")
            yield Row(component=component if colon else None, what=what, before=fact.before, after=fact.after)
    several = len(compared.forecasts) > 1
    for pair in compared.forecasts:
        sides = [dict(forecast_values(side.point)) if side and side.point else {} for side in (pair.before, pair.after)]
        for what in dict.fromkeys([*sides[1], *sides[0]]):
            yield Row(
                component=pair.question.component if several else None,
                what=f"{what} at {load_in_words(pair)}",
                before=sides[0].get(what),
                after=sides[1].get(what),
                is_forecast=True,
            )


def load_in_words(pair: ForecastPair) -> str:
    """Return the load that the forecasts of both revisions assume, in words."""
    traffic = pair.question.traffic
    users, rate = traffic.get("users"), traffic.get("requests_per_second")
    who = f"{users:,} users" if users is not None else f"{rate_text(rate or 0.0)} arrivals a second"
    return f"{who} of {traffic['input_tokens']:,} + {traffic['output_tokens']:,} tokens"
