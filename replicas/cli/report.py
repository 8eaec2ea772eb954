"""`replicas report`: writes one HTML page about deployments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import app, say, tell
from replicas.cli.progress import phases


@app.command()
def report(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Deployments. Default: all.")] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Compare with this revision: a branch, a tag, a commit.")
    ] = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the page.")] = Path("report"),
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write one HTML page about deployments: instances, memory, cost, forecasts, what-if and findings.

    The page needs neither network nor server. With --base, the page compares both revisions and shows the difference in
    cost. Needs no account. Exit code 1 if a deployment cannot be planned; the page then gives the reason.
    """
    from replicas.report import write_report

    with phases() as progress:
        written = write_report(names or [], output, base=base, progress=progress)
    say(str(written.path))
    if open_page and typer.launch(written.path.resolve().as_uri()) != 0:
        tell(f"no browser could be started: open {written.path}")
    if not written.is_proven:
        raise typer.Exit(1)
