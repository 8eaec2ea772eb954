"""Shape of the JSON document of `replicas review`."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from replicas.review.effects import Effect
from replicas.review.plans import ForecastAnswer
from replicas.review.result import Verdict
from replicas.template.changes import Fate


class FactDocument(TypedDict):
    """One line of the comparison. A value is null on a side without this line."""

    what: str
    before: str | None
    after: str | None
    differs: bool


class ForecastPairDocument(TypedDict):
    """Forecasts of one component before and after, under its declared traffic; null on a side without a forecast."""

    component: str
    traffic: dict[str, Any]
    before: ForecastAnswer | None
    after: ForecastAnswer | None


class ServingDocument(TypedDict):
    """A change that affects requests."""

    type: str
    logical_id: str
    fate: Fate
    meaning: str
    headline: str


class ComparisonDocument(TypedDict):
    """One deployment that differs between the revisions."""

    name: str
    verdict: Verdict
    before: dict[str, Any] | None
    """Plan that was printed by the code of the base revision. `schema` contains its version."""
    after: dict[str, Any] | None
    facts: list[FactDocument]
    problems: list[str]
    problems_before: list[str]
    warnings: list[str]
    """Warnings of the plan at the head. Warnings about outdated data depend on the date."""
    warnings_before: list[str]
    forecasts: list[ForecastPairDocument]
    serving: list[ServingDocument]
    effects: list[Effect]
    note: str


class ReviewDocument(TypedDict):
    """The effect of a change on every deployment."""

    schema: Literal["replicas.review/1"]
    base: str
    head: str
    fits: bool
    """Whether every deployment of the head can be planned and synthesised."""
    deployments: list[ComparisonDocument]
    unchanged: int
    templates_compared: bool
    failure: str | None
    """Reason why templates were not compared; null if they were."""
    problem: str | None
    """Reason why the head has no plans; null if it has plans."""
    notes: list[str]
