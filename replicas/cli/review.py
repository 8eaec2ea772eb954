"""`replicas review`: what a change does to every deployment, before it is merged."""

from __future__ import annotations

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
    as_json: Json = False,
) -> None:
    """Compare two revisions, as Markdown: plans, forecasts, USD an hour, and what an update replaces or rolls.

    Each revision is planned by its own code. Needs no account, no credentials and no network. Exit code 1 where a
    deployment of the head cannot be planned or synthesised.
    """
    from replicas.review.comparison import review as compare
    from replicas.review.report import review_json, review_markdown
    from replicas.review.revisions import open_revisions

    with tempfile.TemporaryDirectory(prefix="replicas-review-") as folder:
        old, new = open_revisions(Path.cwd(), base, head, Path(folder))
        found = compare(old, new, Path(folder), diffs=diffs)
    if as_json:
        print_json(review_json(found))
    else:
        print(review_markdown(found, diffs=diffs), end="")
    if not found.fits:
        raise typer.Exit(1)
