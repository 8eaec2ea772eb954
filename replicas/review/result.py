"""What a review found: each deployment that is not the same in both revisions, and what an update does to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from replicas.review.effects import Effect
from replicas.review.facts import Fact
from replicas.review.plans import ForecastAnswer, ForecastQuestion
from replicas.review.template_report import TemplateReport
from replicas.template.changes import ServingChange

Json = dict[str, Any]


class Verdict(StrEnum):
    """What happens to a deployment."""

    CHANGED = "changed"
    NEW = "new"
    REMOVED = "removed"
    REFUSED = "cannot be planned"


@dataclass(frozen=True)
class ForecastPair:
    """One component under the traffic that it declares: before and after, where there is such a side."""

    asked: ForecastQuestion
    before: ForecastAnswer | None
    after: ForecastAnswer | None

    def to_document(self) -> Json:
        """JSON document, a part of the review's."""
        return {
            "component": self.asked.component,
            "traffic": dict(self.asked.traffic),
            "before": asdict(self.before) if self.before else None,
            "after": asdict(self.after) if self.after else None,
        }


@dataclass(frozen=True)
class Comparison:
    """One deployment that is not the same in both revisions."""

    name: str
    verdict: Verdict
    before: Json | None
    """The plan's JSON; None where the revision has no such deployment."""
    after: Json | None
    facts: tuple[Fact, ...]
    problems: tuple[str, ...] = ()
    """Why it cannot be planned at the head."""
    problems_before: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    serving: tuple[ServingChange, ...] = ()
    note: str = ""
    forecasts: tuple[ForecastPair, ...] = ()

    def to_document(self) -> Json:
        """JSON document, a part of the review's."""
        return {
            "name": self.name,
            "verdict": str(self.verdict),
            "before": _without_warnings(self.before),
            "after": _without_warnings(self.after),
            "facts": [fact.to_document() for fact in self.facts],
            "problems": list(self.problems),
            "problems_before": list(self.problems_before),
            "forecasts": [pair.to_document() for pair in self.forecasts],
            "serving": [_serving_document(change) for change in self.serving],
            "effects": [{**asdict(effect), "kind": str(effect.kind)} for effect in self.effects],
            "note": self.note,
        }


@dataclass(frozen=True)
class Review:
    """What a change does, from the base to the head."""

    base: str
    head: str
    deployments: int
    """Of the head."""
    comparisons: tuple[Comparison, ...]
    templates: TemplateReport | None
    """None where they were not compared: `failure` says why."""
    failure: str | None
    head_deploys: bool
    """Whether its templates can be made."""
    notes: tuple[str, ...] = field(default=())
    head_problem: str | None = None
    """Why the head has no plans at all."""

    @property
    def fits(self) -> bool:
        """Whether every deployment of the head can be planned, and made into templates."""
        return (
            self.head_deploys
            and self.head_problem is None
            and all(each.verdict is not Verdict.REFUSED for each in self.comparisons)
        )

    @property
    def unchanged(self) -> int:
        """Number of deployments of the head that are the same in the base."""
        return self.deployments - sum(each.verdict is not Verdict.REMOVED for each in self.comparisons)

    def to_document(self) -> Json:
        """JSON document (`replicas.review.document.ReviewDocument`)."""
        return {
            "schema": "replicas.review/1",
            "base": self.base,
            "head": self.head,
            "fits": self.fits,
            "deployments": [each.to_document() for each in self.comparisons],
            "unchanged": self.unchanged,
            "templates_compared": self.templates is not None,
            "failure": self.failure,
            "problem": self.head_problem,
            "notes": list(self.notes),
        }


def _without_warnings(plan: Mapping[str, Any] | None) -> Json | None:
    """The plan as its revision printed it, without its warnings: they depend on the day."""
    return None if plan is None else {key: value for key, value in plan.items() if key != "warnings"}


def _serving_document(change: ServingChange) -> Json:
    return {**asdict(change), "fate": str(change.fate), "headline": change.headline}
