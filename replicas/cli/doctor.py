"""`replicas doctor`: checks the tools, credentials, quotas and secrets that a deployment needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from replicas.cli.app import Json, Name, Region, app, print_json, say, tell
from replicas.cli.region import region_of

if TYPE_CHECKING:
    from replicas.preflight import Checked


@app.command()
def doctor(name: Name = None, region: Region = None, as_json: Json = False) -> None:
    """Check tools, credentials, region, bootstrap, quotas and secrets; exit code 1 if something is missing."""
    from replicas.preflight import run_doctor

    examination = run_doctor(name, region=region_of(region, name), report=_ignore if as_json else _print)
    if as_json:
        print_json(examination.to_document())
    if examination.note:
        tell(examination.note)
    if not examination.is_ready:
        raise typer.Exit(1)


def _print(check: Checked) -> None:
    say(f"{check.state:<8} {check.what}: {check.said}")
    if check.fix:
        say(f"{'':<8} fix: {check.fix}")


def _ignore(_: Checked) -> None:
    """Print nothing: with --json, the document at the end lists all checks."""
