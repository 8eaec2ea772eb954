"""Compares two revisions: plan, forecast and update of each deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from replicas.deployment.patterns import NAME
from replicas.errors import ReviewError, SynthesisError
from replicas.review.effects import effects
from replicas.review.facts import facts
from replicas.review.plans import ForecastAnswer, ForecastQuestion, Plans, forecasts_of, plans_of
from replicas.review.result import Comparison, ForecastPair, Review, Verdict
from replicas.review.revisions import Revision
from replicas.review.template_report import TemplateReport
from replicas.review.templates import Stacks, progress, report_and_stacks
from replicas.review.versions import read_plan
from replicas.template.changes import NAMELESS, STAYS, StackChange, Status, quote

Json = dict[str, Any]


def review(old: Revision, new: Revision, work: Path, *, diffs: bool) -> Review:
    """Compare two revisions. A revision that cannot be planned or synthesised is reported and raises no error."""
    progress(f"planning {old.label} and {new.label} ...")
    before, after = plans_of([old, new], work)
    report = stacks = failure = None
    try:
        report, stacks = report_and_stacks(old, new, work, diffs=diffs)
    except ReviewError as error:
        failure = error
    comparisons = list(_comparisons(before, after, report, stacks))
    questions = [question for comparison in comparisons for question in _questions(comparison)]
    if questions:
        progress(f"forecasting {len(questions)} times ...")
    answers = forecasts_of([(new if at_head else old, what) for what, at_head in questions], work)
    answered = [(what, at_head, answer) for (what, at_head), answer in zip(questions, answers, strict=True)]
    return Review(
        base=old.label,
        head=new.label,
        deployments=len(after.documents),
        comparisons=tuple(
            replace(comparison, forecasts=tuple(_pairs(comparison, answered))) for comparison in comparisons
        ),
        templates=report,
        failure=str(failure) if failure else None,
        head_deploys=not (isinstance(failure, SynthesisError) and failure.label == new.label),
        notes=tuple(_notes(old, new, before, forecasts=bool(questions))) if comparisons else (),
        head_problem=after.problem,
    )


def _comparisons(
    before: Plans, after: Plans, report: TemplateReport | None, stacks: Stacks | None
) -> Iterator[Comparison]:
    if after.problem:
        return  # if the head cannot be read, its deployments were not necessarily removed
    changes = {change.name: change for change in report.changes} if report else {}
    nameless = any(not re.search(NAME, name) for name in after.documents)
    for name in dict.fromkeys([*after.documents, *before.documents]):
        old, new = before.documents.get(name), after.documents.get(name)
        comparison = _compared(name, old, new, changes.get(name), stacks)
        if comparison and comparison.verdict is Verdict.REMOVED and nameless:
            comparison = replace(comparison, verdict=Verdict.REFUSED, problems=(NAMELESS,), note=STAYS)
        if comparison:
            yield comparison


def _compared(
    name: str, old: Json | None, new: Json | None, change: StackChange | None, stacks: Stacks | None
) -> Comparison | None:
    lines = tuple(facts(old, new))
    refused = [tuple(map(str, side["problems"])) if side and not side["fits"] else () for side in (old, new)]
    warned = [tuple(map(str, side.get("warnings", ()))) if side else () for side in (old, new)]
    common = Comparison(
        name,
        Verdict.CHANGED,
        old,
        new,
        lines,
        problems=refused[1],
        problems_before=refused[0],
        warnings=warned[1],
        warnings_before=warned[0],
    )
    if change:
        common = replace(common, note=change.note, serving=change.serving)
    if refused[1]:
        return replace(common, verdict=Verdict.REFUSED, note=STAYS)
    if old is None or new is None:
        return replace(common, verdict=Verdict.NEW if old is None else Verdict.REMOVED)
    if change and change.status is Status.CHANGED and not change.refusal and stacks:
        common = replace(common, effects=tuple(effects(stacks.old[name].template, stacks.new[name].template)))
    is_same = change is None and not refused[0] and not common.new_warnings and not any(line.differs for line in lines)
    return None if is_same else common


def _questions(compared: Comparison) -> Iterator[tuple[ForecastQuestion, bool]]:
    """Yield the forecasts to run, each with False for the base or True for the head. Both use the traffic that the head
    declares or, if the head declares none, the traffic of the base.
    """
    components = [_fitting_components(side) for side in (compared.before, compared.after)]
    for component in dict.fromkeys([*components[1], *components[0]]):
        declared = [side[component]["traffic"] for side in reversed(components) if component in side]
        traffic = next(filter(None, declared), None)
        if traffic:
            what = ForecastQuestion(compared.name, component, traffic)
            yield from ((what, at_head) for at_head in (False, True) if component in components[at_head])


def _fitting_components(plan: Json | None) -> Mapping[str, Json]:
    if plan is None or not plan["fits"]:
        return {}
    return {str(component["name"]): component for component in read_plan(plan)["components"]}


def _pairs(
    compared: Comparison, answered: Sequence[tuple[ForecastQuestion, bool, ForecastAnswer]]
) -> Iterator[ForecastPair]:
    answers: dict[str, ForecastPair] = {}
    for what, at_head, answer in answered:
        if what.deployment == compared.name:
            pair = answers.get(what.component, ForecastPair(what, None, None))
            answers[what.component] = replace(pair, after=answer) if at_head else replace(pair, before=answer)
    yield from answers.values()


def _notes(old: Revision, new: Revision, before: Plans, *, forecasts: bool) -> Iterator[str]:
    if before.problem:
        yield f"The base has no plans to compare with: {quote(before.problem)}"
    data = [("The price data", "replicas/catalogue/data/prices.json")]
    for what, place in [("The forecast", "replicas/forecast"), *data] if forecasts else data:
        sides = [_content(side.folder / place) for side in (old, new)]
        if all(sides) and sides[0] != sides[1]:
            yield f"{what} differs between the two revisions, which also changes amounts."


def _content(place: Path) -> dict[str, bytes]:
    """Return the content of a file, or of the Python and JSON files in a folder, by relative path."""
    if place.is_file():
        return {"": place.read_bytes()}
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.suffix in (".py", ".json")
    }
