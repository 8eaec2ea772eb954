"""A review as Markdown for a pull request. Starts no process and reads no file.

Names, problems and values are untrusted, because anyone may have written the revision. They are put into code spans
that they cannot close, and their control characters are removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from replicas.escaping import without_controls
from replicas.review.effects import Kind
from replicas.review.facts import Fact
from replicas.review.result import Comparison, ForecastPair, Review, Verdict
from replicas.review.rows import Row, rows
from replicas.review.template_report import MARKDOWN_LIMIT, as_markdown
from replicas.review.versions import read_plan
from replicas.template.changes import quote

_BESIDE_SHOWN = 8
_LEAST_ROOM = 1000
"""Minimum number of characters for the text of `cdk diff`. With less space, the text is omitted."""


def review_markdown(review: Review, *, diffs: bool = False, limit: int = MARKDOWN_LIMIT) -> str:
    """Return the review in at most `limit` characters. With `diffs`, the text of `cdk diff` fills the remaining
    characters.
    """
    text = without_controls("\n".join(_lines(review))).rstrip("\n") + "\n"
    if len(text) > limit:
        command = quote(f"replicas review --base {review.base.split()[0]}")
        note = f"\n_Cut at {limit:,} characters: {command} prints the full text._\n"
        return text[: limit - len(note)].rpartition("\n")[0] + note
    heading = "\n### Templates\n\n"
    if diffs and review.templates and limit - len(text) > len(heading) + _LEAST_ROOM:
        # The sections above list the serving changes already.
        changes = [replace(change, serving=()) for change in review.templates.changes]
        text += heading + as_markdown(replace(review.templates, changes=changes), limit - len(text) - len(heading))
    return text


def _lines(review: Review) -> Iterator[str]:
    yield f"## Review: {quote(review.base)} to {quote(review.head)}"
    yield ""
    yield _summary(review)
    yield ""
    if review.head_problem:
        yield from _alert("CAUTION", [f"The head has no plans: {quote(review.head_problem)}"])
    if review.failure:
        yield from _alert("WARNING", [f"Templates are not compared: {quote(review.failure)}"])
    for note in review.notes:
        yield f"- {_sentence(note)}"
    if review.notes:
        yield ""
    for compared in review.comparisons:
        yield from _section(compared, is_compared=review.templates is not None)


def _summary(review: Review) -> str:
    if not review.comparisons:
        return "No deployment changes." if review.head_problem is None else "Nothing could be compared."
    counts = [(verdict, sum(compared.verdict is verdict for compared in review.comparisons)) for verdict in Verdict]
    changed = ", ".join(f"{count} {verdict}" for verdict, count in counts if count)
    return f"Deployments: {changed}, {review.unchanged} unchanged."


def _section(compared: Comparison, *, is_compared: bool) -> Iterator[str]:
    yield f"### {quote(compared.name)}: {compared.verdict}"
    yield ""
    if compared.problems:
        yield from _alert("CAUTION", [quote(problem) for problem in compared.problems])
    if compared.problems_before:
        yield "It could not be planned before:"
        yield from (f"- {quote(problem)}" for problem in compared.problems_before)
        yield ""
    if compared.new_warnings:
        yield from _alert("WARNING", [quote(warning) for warning in compared.new_warnings])
    if compared.is_present and compared.gone_warnings:
        yield "Its plan no longer warns:"
        yield from (f"- {quote(warning)}" for warning in compared.gone_warnings)
        yield ""
    if compared.serving:
        yield from _alert("CAUTION", [f"**{item.headline}.** {item.meaning}" for item in compared.serving])
    lines = list(rows(compared))
    if lines:
        yield "| | before | after |"
        yield "|---|---:|---:|"
        yield from (f"| {_label(row)} | {_cell(row.before)} | {_cell(row.after)} |" for row in lines)
        yield ""
    if any(map(_is_range, compared.facts)):
        yield "_Three values stand for the floor, the start and the ceiling of the scaling._"
        yield ""
    for pair in compared.forecasts:
        yield from _forecast_notes(pair, both=compared.verdict is Verdict.CHANGED)
    if compared.note:
        yield f"{_sentence(compared.note)}."
        yield ""
    done = list(update_lines(compared)) if is_compared else []
    if done:
        yield "The update:"
        yield from (f"- {line}" for line in done)
        yield ""


def _is_range(fact: Fact) -> bool:
    return any(value is not None and " / " in value for value in (fact.before, fact.after))


def _label(row: Row) -> str:
    """Return the label of a line. The name of the component is untrusted and therefore quoted."""
    if row.component is None:
        return row.what
    return f"{quote(row.component)}, {row.what}" if row.is_forecast else f"{_cell(row.component)}: {row.what}"


def _forecast_notes(pair: ForecastPair, *, both: bool) -> Iterator[str]:
    classes = [answer.confidence for answer in (pair.before, pair.after) if answer and answer.confidence]
    if classes:
        known = " / ".join(dict.fromkeys(classes))
        yield f"_The forecast for {quote(pair.question.component)} is {known} (with its initial copies)._"
        yield ""
    for side, answer in (("before", pair.before), ("after", pair.after)):
        if answer and answer.problem:
            yield f"Not forecast {side}: {quote(answer.problem)}" if both else f"Not forecast: {quote(answer.problem)}"
            yield ""


def update_lines(compared: Comparison) -> Iterator[str]:
    """Yield the effects of a deployment's update, in Markdown. Requires a comparison of both templates."""
    if compared.verdict is not Verdict.CHANGED:
        return
    other_effects = [effect for effect in compared.effects if effect.kind is Kind.BESIDE]
    yield from (effect.sentence for effect in compared.effects if effect.kind is not Kind.BESIDE)
    if any(effect.kind is Kind.ROLL for effect in compared.effects):
        yield _room(compared)
    yield from (effect.sentence for effect in other_effects[:_BESIDE_SHOWN])
    if len(other_effects) > _BESIDE_SHOWN:
        yield f"and {len(other_effects) - _BESIDE_SHOWN} more changes to resources that do not serve"
    if not compared.effects and not compared.serving and not compared.note:
        yield "no serving resource changes"


def _room(compared: Comparison) -> str:
    assert compared.after is not None  # noqa: S101 (a deployment that changed is in both)
    plan = read_plan(compared.after)
    free = plan["accelerators_available"] - plan["accelerators_used"]
    most = plan["bounds"]["ceiling"]["instances"]
    needs = [rollout["accelerators_needed"] for component in plan["components"] if (rollout := component["rollout"])]
    planned = f"; its rolling updates need {sum(needs)}, which is proven to fit {most} instances" if needs else ""
    if free or needs or most > plan["instances"]:
        return f"room for new copies in addition to the old ones: {free} accelerators are free at the start{planned}"
    return (
        "***no accelerator is free: new copies have no room in addition to the old ones** (use fewer "
        "copies, or one more instance)"
    )


def _alert(kind: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"> [!{kind}]"
    yield from (f"> - {line}" for line in lines)
    yield ""


def _cell(value: str | None) -> str:
    """Format a value as a table cell. Words become a code span without vertical bars, which would end the cell."""
    if value is None:
        return ""
    if all(letter.isdigit() or letter in " .,/~-" for letter in value):
        return value
    return quote(value.replace("|", "¦"))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
