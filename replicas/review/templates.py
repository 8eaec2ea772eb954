"""Compares templates: synthesises both revisions, compares their stacks, and runs `cdk diff` on changed stacks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from replicas.errors import ReviewError
from replicas.review.offline_cdk import cdk_diffs, synthesise
from replicas.review.revisions import Revision
from replicas.review.template_report import TemplateReport
from replicas.template.changes import Stack, Status, compare


@dataclass(frozen=True)
class Stacks:
    """The stacks of both revisions, by name."""

    old: dict[str, Stack]
    new: dict[str, Stack]


def compare_templates(old: Revision, new: Revision, work: Path, *, colours: bool = False) -> TemplateReport:
    """Synthesise two revisions and compare their templates.

    Raises:
        ReviewError: the new revision has no app, or a revision cannot be synthesised.

    """
    if not new.has_app:
        raise ReviewError(f"{new.label} has no cdk.json: there is no app to synthesise")
    report, _ = report_and_stacks(old, new, work, diffs=True, colours=colours)
    return report


def report_and_stacks(
    old: Revision, new: Revision, work: Path, *, diffs: bool, colours: bool = False
) -> tuple[TemplateReport, Stacks]:
    """Return the report and the compared stacks. With `diffs`, the report includes the text of `cdk diff`."""
    sources = {new.label: new.folder} | ({old.label: old.folder} if old.has_app else {})
    progress(f"synthesising {' and '.join(sources)} ...")
    stacks_of = synthesise(sources, work)
    after, before = stacks_of[new.label], stacks_of.get(old.label, {})
    stacks = Stacks(*({name: synthesised.stack for name, synthesised in side.items()} for side in (before, after)))
    changes = compare(stacks.old, stacks.new)
    changed = [change.name for change in changes if change.status is Status.CHANGED and not change.refusal]
    texts: dict[str, str] = {}
    if changed and diffs:
        progress(f"comparing {len(changed)} of {len(after)} stacks ...")
        texts = cdk_diffs({name: (before[name], after[name]) for name in changed}, work, colours=colours)
    return TemplateReport(old.label, len(after), changes, texts, old.has_app), stacks


def progress(message: str) -> None:
    """Print the current step to stderr."""
    print(message, file=sys.stderr, flush=True)
