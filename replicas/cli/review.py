"""`replicas review`: what a change does to every deployment, before it is merged."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json


@app.command()
def review(
    base: Annotated[str, typer.Option(metavar="REV", help="Revision to compare with: a branch, a tag, a commit.")],
    head: Annotated[
        str | None, typer.Option(metavar="REV", help="Revision that is reviewed. Default: the working tree.")
    ] = None,
    diffs: Annotated[
        bool, typer.Option("--diffs", help="Append the text of cdk diff, folded, up to what a comment holds.")
    ] = False,
    templates: Annotated[
        bool, typer.Option("--templates", help="Only cdk diff of each stack that changes, as text for a terminal.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare two revisions, as Markdown: plans, forecasts, USD an hour, and what an update replaces or rolls.

    Each revision is planned by its own code. Needs no account, no credentials and no network. Exit code 1 where a
    deployment of the head cannot be planned or synthesised.
    """
    from replicas.review.comparison import review as compare
    from replicas.review.markdown import review_markdown
    from replicas.review.revisions import open_revisions

    if templates and (diffs or as_json):
        raise typer.BadParameter("--templates prints text alone: without --diffs and --json")
    if templates:
        _print_templates(base, head)
        return
    with tempfile.TemporaryDirectory(prefix="replicas-review-") as folder:
        old, new = open_revisions(Path.cwd(), base, head, Path(folder))
        found = compare(old, new, Path(folder), diffs=diffs)
    if as_json:
        print_json(found.to_document())
    else:
        print(review_markdown(found, diffs=diffs), end="")
    if not found.fits:
        raise typer.Exit(1)


def _print_templates(base: str, head: str | None) -> None:
    from replicas.review.revisions import open_revisions
    from replicas.review.template_report import as_text
    from replicas.review.templates import compare_templates

    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    with tempfile.TemporaryDirectory(prefix="replicas-review-") as folder:
        old, new = open_revisions(Path.cwd(), base, head, Path(folder))
        report = compare_templates(old, new, Path(folder), colours=colours)
    print(as_text(report, colours=colours), end="")
