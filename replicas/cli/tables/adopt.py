"""Prints the result of `replicas adopt` as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from replicas.cli.tables.check import report_lines
from replicas.escaping import log_line

if TYPE_CHECKING:
    from replicas.adopt import Adoption


def adoption_lines(adoption: Adoption, commands: Sequence[str]) -> list[str]:
    """Return the lines about an adoption: entry, proof, settings that the entry lacks, changes by a deployment,
    commands.
    """
    return [*adoption.source.splitlines(), *(log_line(line) for line in _lines(adoption, commands))]


def _lines(adoption: Adoption, commands: Sequence[str]) -> Iterator[str]:
    live, takeover = adoption.live, adoption.takeover
    yield ""
    yield f"Proof of {live.name} as it runs:"
    yield from (f"  {line}" for line in report_lines(adoption.report))
    if adoption.problems:
        yield "The entry cannot be planned, so no resource can be imported:"
        yield from (f"  - {problem}" for problem in adoption.problems)
    if adoption.entry.unexpressed:
        yield "Settings that the entry does not reproduce:"
        yield from (f"  - {entry.resource}: {entry.what}" for entry in adoption.entry.unexpressed)
    if takeover is not None:
        yield f"Resources that can be imported: {len(takeover.mapping)}"
        yield from (
            f"  {logical_id}: {next(iter(difference.values()))}" for logical_id, difference in takeover.mapping.items()
        )
        yield "Differences between the template of the entry and the live resources:"
        yield from (
            f"  {difference.logical_id}: {difference.path} is {_shown(difference.live)}, the entry says "
            f"{_shown(difference.entry)}"
            for difference in takeover.differences
        )
        if not takeover.differences:
            yield "  none"
        yield f"Changes of the first deployment of {adoption.entry.deployment.name} after the import:"
        yield from (f"  !! {change.headline.replace('`', '')}: {_bare(change.meaning)}" for change in takeover.serving)
        yield from (f"  {_bare(effect.sentence)}" for effect in takeover.effects)
        if not takeover.serving and not takeover.effects:
            yield "  only outputs"
    if adoption.notes:
        yield "Before and after the import:"
        yield from (f"  - {note}" for note in adoption.notes)
    if commands:
        yield "Then add the entry to deployments.py, and run:"
        yield from (f"  {command}" for command in commands)


def _bare(sentence: str) -> str:
    return sentence.replace("`", "")


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
