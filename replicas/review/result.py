"""Result of a review: the deployments that differ between two revisions, and the effects of the update."""

from __future__ import annotations

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
    """Effect of a change on a deployment."""

    CHANGED = "changed"
    NEW = "new"
    REMOVED = "removed"
    REFUSED = "cannot be planned"


@dataclass(frozen=True)
class ForecastPair:
    """Forecasts of a component before and after, under its declared traffic; None for a side without the component."""

    question: ForecastQuestion
    before: ForecastAnswer | None
    after: ForecastAnswer | None

    def to_document(self) -> Json:
        """Convert to a part of the review's JSON document."""
        return {
            "component": self.question.component,
            "traffic": dict(self.question.traffic),
            "before": asdict(self.before) if self.before else None,
            "after": asdict(self.after) if self.after else None,
        }


@dataclass(frozen=True)
class Comparison:
    """One deployment that differs between the revisions."""

    name: str
    verdict: Verdict
    before: Json | None
    """JSON document of the plan; None if the revision does not have the deployment."""
    after: Json | None
    facts: tuple[Fact, ...]
    problems: tuple[str, ...] = ()
    """Reasons why the deployment cannot be planned at the head."""
    problems_before: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """Warnings of the plan at the head."""
    warnings_before: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    serving: tuple[ServingChange, ...] = ()
    note: str = ""
    forecasts: tuple[ForecastPair, ...] = ()

    @property
    def is_present(self) -> bool:
        """Whether the head has an entry of this name."""
        return self.after is not None

    @property
    def new_warnings(self) -> list[str]:
        """Warnings that the change adds."""
        return [warning for warning in self.warnings if warning not in self.warnings_before]

    @property
    def gone_warnings(self) -> list[str]:
        """Warnings that the change removes."""
        return [warning for warning in self.warnings_before if warning not in self.warnings]

    def to_document(self) -> Json:
        """Convert to a part of the review's JSON document."""
        return {
            "name": self.name,
            "verdict": str(self.verdict),
            "before": self.before,
            "after": self.after,
            "facts": [fact.to_document() for fact in self.facts],
            "problems": list(self.problems),
            "problems_before": list(self.problems_before),
            "warnings": list(self.warnings),
            "warnings_before": list(self.warnings_before),
            "forecasts": [pair.to_document() for pair in self.forecasts],
            "serving": [_serving_document(change) for change in self.serving],
            "effects": [{**asdict(effect), "kind": str(effect.kind)} for effect in self.effects],
            "note": self.note,
        }


@dataclass(frozen=True)
class Review:
    """The effect of the change from the base to the head."""

    base: str
    head: str
    deployments: int
    """Number of deployments of the head."""
    comparisons: tuple[Comparison, ...]
    templates: TemplateReport | None
    """Report about the templates; None if templates were not compared, for which `failure` gives the reason."""
    failure: str | None
    head_deploys: bool
    """Whether the head can be synthesised."""
    notes: tuple[str, ...] = field(default=())
    head_problem: str | None = None
    """Reason why the head has no plans; None if it has plans."""

    @property
    def fits(self) -> bool:
        """Whether every deployment of the head can be planned and synthesised."""
        return (
            self.head_deploys
            and self.head_problem is None
            and not (self.templates and self.templates.refused)
            and all(comparison.verdict is not Verdict.REFUSED for comparison in self.comparisons)
        )

    @property
    def unchanged(self) -> int:
        """Number of deployments of the head that are identical in the base."""
        return self.deployments - sum(comparison.is_present for comparison in self.comparisons)

    def to_document(self) -> Json:
        """Return the JSON document (`replicas.review.document.ReviewDocument`)."""
        return {
            "schema": "replicas.review/1",
            "base": self.base,
            "head": self.head,
            "fits": self.fits,
            "deployments": [comparison.to_document() for comparison in self.comparisons],
            "unchanged": self.unchanged,
            "templates_compared": self.templates is not None,
            "failure": self.failure,
            "problem": self.head_problem,
            "notes": list(self.notes),
        }


def _serving_document(change: ServingChange) -> Json:
    return {**asdict(change), "fate": str(change.fate), "headline": change.headline}
