"""Changes between two revisions for the page: drawings and costs of each deployment before and after."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from replicas.planning.costs import BOUNDS
from replicas.planning.drawing import Drawing, drawing_of
from replicas.review.markdown import update_lines
from replicas.review.result import Comparison, Review, Verdict
from replicas.review.rows import Row, rows
from replicas.review.versions import read_plan
from replicas.units import HOURS_PER_MONTH


@dataclass(frozen=True, kw_only=True)
class Money:
    """Price before and after, in USD an hour, at the floor, start or ceiling of the scaling.

    A side without a plan or a known price has None.
    """

    bound: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """Price after minus price before, USD an hour. A missing deployment counts as 0."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def difference_a_month(self) -> float | None:
        """The difference over 730 hours."""
        return None if self.difference is None else self.difference * HOURS_PER_MONTH


@dataclass(frozen=True, kw_only=True)
class Change:
    """One deployment that differs between the revisions."""

    name: str
    verdict: Verdict
    drawings: tuple[tuple[str, Drawing | None, str], ...]
    """Side (`before` or `after`), its drawing, and the reason if the drawing is None."""
    money: tuple[Money, ...]
    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    problems_before: tuple[str, ...]
    new_warnings: tuple[str, ...]
    gone_warnings: tuple[str, ...]
    not_forecast: tuple[str, ...]
    """Reasons why the traffic before or after the change has no forecast."""
    serving: tuple[tuple[str, str], ...]
    """Headline and meaning of each change that can affect requests."""
    update: tuple[str, ...]
    """What the update does, in Markdown."""
    note: str


@dataclass(frozen=True, kw_only=True)
class Changes:
    """All deployments that differ between the revisions."""

    review: Review
    changes: tuple[Change, ...]

    @property
    def total(self) -> Money:
        """Sum of the known prices at the start, over the deployments that differ."""
        start = [money for change in self.changes for money in change.money if money.bound == "start"]
        known = [money for money in start if money.difference is not None]
        return Money(
            bound="start",
            before=sum(money.before or 0.0 for money in known),
            after=sum(money.after or 0.0 for money in known),
        )

    @property
    def unpriced(self) -> list[str]:
        """Names of the deployments that `total` leaves out, because a price is not known."""
        return [
            change.name
            for change in self.changes
            if any(money.bound == "start" and money.difference is None for money in change.money)
        ]


def changes_of(review: Review, names: Collection[str] = ()) -> Changes:
    """Return the changes of the named deployments, or of all if no name is given, in the order of the review."""
    chosen = [compared for compared in review.comparisons if not names or compared.name in names]
    is_compared = review.templates is not None
    return Changes(review=review, changes=tuple(_change(compared, is_compared=is_compared) for compared in chosen))


def _change(compared: Comparison, *, is_compared: bool) -> Change:
    return Change(
        name=compared.name,
        verdict=compared.verdict,
        drawings=tuple(_drawn(compared, side) for side in ("before", "after")),
        money=tuple(_money(compared, bound) for bound in BOUNDS),
        rows=tuple(rows(compared)),
        problems=compared.problems,
        problems_before=compared.problems_before,
        new_warnings=tuple(compared.new_warnings),
        gone_warnings=tuple(compared.gone_warnings) if compared.is_present else (),
        not_forecast=tuple(
            f"{pair.question.component}, {side}: {answer.problem}"
            for pair in compared.forecasts
            for side, answer in (("before", pair.before), ("after", pair.after))
            if answer and answer.problem
        ),
        serving=tuple((change.headline, change.meaning) for change in compared.serving),
        update=tuple(update_lines(compared)) if is_compared else (),
        note=compared.note,
    )


def _drawn(compared: Comparison, side: str) -> tuple[str, Drawing | None, str]:
    document = compared.before if side == "before" else compared.after
    if document is None:
        return side, None, "the revision does not have this deployment"
    if not document["fits"]:
        return side, None, "it cannot be planned"
    drawing = drawing_of(read_plan(document))
    return side, drawing, "" if drawing else "the code of that revision does not print the memory of an accelerator"


def _money(compared: Comparison, bound: str) -> Money:
    sides = [
        0.0 if document is None else read_plan(document)["bounds"][bound]["usd_per_hour"] if document["fits"] else None
        for document in (compared.before, compared.after)
    ]
    return Money(bound=bound, before=sides[0], after=sides[1])
