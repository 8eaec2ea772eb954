"""`replicas preflight`: a guard before a deploy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, Region, app, print_json, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicas.preflight.checks import Checked


@app.command()
def preflight(
    name: Annotated[str, typer.Argument(help="A deployment: the name of its stack.")],
    template: Annotated[
        Path | None,
        typer.Option(help="Its template. Default: cdk.out/NAME.template.json, as `npx cdk synth` writes it."),
    ] = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Check a template against what is live and against the account, before a deploy; exit code 1 on a problem."""
    from replicas.aws.session import Aws
    from replicas.preflight.checks import State
    from replicas.preflight.preflight import find_template, fly, preflight_document

    path = find_template(name, template)
    aws = Aws(region)
    results = list(fly(aws, name, path))
    is_ready = all(result.state is not State.FAULT for result in results)
    if as_json:
        print_json(preflight_document(name, aws.region, path, results))
    else:
        _show(results)
        open_points = sum(result.state is State.UNKNOWN for result in results)
        unchecked = f"; {open_points} could not be checked" if open_points else ""
        print(f"{name} in {aws.region}: {'ready to deploy' if is_ready else 'not ready'}{unchecked}")
    if not is_ready:
        raise typer.Exit(1)


def _show(results: Sequence[Checked]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "found"):
        table.add_column(column, overflow="fold")
    for result in results:
        table.add_row(result.state, Text(result.what), Text(result.said))  # as they are: brackets are no markup here
        if result.fix:
            table.add_row("", "", Text(f"fix: {result.fix}"))
    show(table)
