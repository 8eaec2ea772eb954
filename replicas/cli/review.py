"""`replicas review`: shows the effect of a change on every deployment, before it is merged."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json
from replicas.cli.output import has_colours, say_raw
from replicas.cli.progress import working
from replicas.errors import UsageError
from replicas.escaping import without_commands


@app.command()
def review(
    base: Annotated[str, typer.Option(metavar="REV", help="Revision to compare with: a branch, a tag, a commit.")],
    head: Annotated[
        str | None, typer.Option(metavar="REV", help="Revision that is reviewed. Default: the working tree.")
    ] = None,
    diffs: Annotated[
        bool, typer.Option("--diffs", help="Append the output of cdk diff, folded, up to GitHub's comment size limit.")
    ] = False,
    templates: Annotated[
        bool,
        typer.Option("--templates", help="Print only the cdk diff of each changed stack, as text for a terminal."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare two revisions as Markdown: plans, forecasts, USD per hour, and the effects of the update.

    Each revision is planned by its own code. Needs no account, no credentials and no network. Exit code 1 if a
    deployment of the head cannot be planned or synthesised.
    """
    from replicas.review.markdown import review_markdown
    from replicas.review.revision_review import diff_templates, review_revisions
    from replicas.review.template_report import as_text

    if templates and (diffs or as_json):
        raise UsageError("--templates prints only text: remove --diffs and --json")
    if templates:
        colours = has_colours(sys.stdout)
        with working("synthesising both revisions"):
            report = diff_templates(base, head, colours=colours)
        say_raw(without_commands(as_text(report, colours=colours)))
        if report.refused:
            raise typer.Exit(1)
        return
    with working("planning, forecasting and synthesising both revisions"):
        result = review_revisions(base, head, diffs=diffs)
    if as_json:
        print_json(result.to_document())
    else:
        say_raw(without_commands(review_markdown(result, diffs=diffs)))
    if not result.fits:
        raise typer.Exit(1)
