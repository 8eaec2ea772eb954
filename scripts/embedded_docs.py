"""Tables of docs/embedded-aws.md, generated from the source of the embedded AWS."""

from __future__ import annotations

from itertools import groupby

from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.handlers.moto_model import OWN_HANDLERS
from embedded_aws.evidence import Kind
from embedded_aws.refusals import Refusal, refusals

_TITLES = {
    Kind.QUOTED: "Quoted: a message of AWS, with the source that quotes it",
    Kind.DOCUMENTED: "Documented: a document states the rule, and this project words the message",
    Kind.ASSUMED: "Assumed: no source is known, so the rule is a strict interpretation of AWS's documentation",
    Kind.LIMIT: "Limits: AWS accepts the request, but the embedded AWS does not support it",
}


def refusal_tables() -> str:
    """Return a heading and a table of refusals for each kind of evidence."""
    everything = refusals()
    return "\n\n".join(
        f"### {title}\n\n{_table([refusal for refusal in everything if refusal.evidence.kind is kind])}"
        for kind, title in _TITLES.items()
    )


def refusals_by_rule() -> str:
    """Return a table of all refusals, each with the rule that reports it, or the reason why no rule reports it."""
    rows = {(refusal.area, refusal.reason, refusal.message) for refusal in refusals()}
    lines = [f"| {area} | {_code(message)} | {reason} |" for area, reason, message in sorted(rows)]
    return "\n".join(["| service | refusal | reported by |", "| --- | --- | --- |", *lines])


def resource_types() -> str:
    """Return a table of CloudFormation resource types, with the reason for each handler that this project has."""
    rows = [
        f"| `{resource_type}` | {OWN_HANDLERS.get(resource_type, 'provisioned by moto’s own model')} |"
        for resource_type in sorted(HANDLERS)
    ]
    return "\n".join(["| resource type | why this project handles it |", "| --- | --- |", *rows])


def _table(entries: list[Refusal]) -> str:
    rows = {(refusal.area, refusal.message, refusal.evidence.source): None for refusal in entries}
    has_source = any(source for _, _, source in rows)
    head = ["service", "message", *(["source"] if has_source else [])]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for area, group in groupby(rows, key=lambda row: row[0]):
        for index, (_, message, source) in enumerate(group):
            cells = ["" if index else area, _code(message), *([_cell(source)] if has_source else [])]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(message: str) -> str:
    mark = "``" if "`" in message else "`"
    return f"{mark}{_cell(message)}{mark}"
