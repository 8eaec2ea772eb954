"""`replicas preflight`: checks a template against the account before a deploy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, Region, app, print_json, say, show
from replicas.cli.progress import working
from replicas.cli.region import region_of


@app.command()
def preflight(
    name: Annotated[str, typer.Argument(help="A deployment: the name of its stack.")],
    template: Annotated[
        Path | None,
        typer.Option(help="Template of the stack. Default: cdk.out/NAME.template.json, written by `npx cdk synth`."),
    ] = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Check a template against the live resources and the account before a deploy. Exit code 1 on a problem."""
    from replicas.cli.tables.preflight import preflight_table
    from replicas.preflight import run_preflight

    chosen = region_of(region, name)
    with working(f"checking {name} against the account"):
        done = run_preflight(name, template=template, region=chosen)
    if as_json:
        print_json(done.to_document())
    else:
        show(preflight_table(done))
        unchecked = f"; {done.unknown} could not be checked" if done.unknown else ""
        say(f"{name} in {done.region}: {'ready to deploy' if done.is_ready else 'not ready'}{unchecked}")
    if not done.is_ready:
        raise typer.Exit(1)
