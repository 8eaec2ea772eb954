"""`replicas adopt`: describes how a live endpoint is taken over, and writes the files for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, Region, app, print_json, say
from replicas.cli.checking import pairs


@app.command()
def adopt(
    endpoint: Annotated[str, typer.Argument(help="Name of a live endpoint with inference components.")],
    component: Annotated[
        list[str] | None,
        typer.Option(
            "--component", help="Component to take over; repeat the option for several. Default: all components."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the deployment. Default: the name of the endpoint.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMPONENT=MODEL",
            help="Model of a component, if AWS does not state it: a model of the table, or a config.json.",
        ),
    ] = None,
    token_secret: Annotated[
        str | None, typer.Option(help="Name or ARN of the secret that contains the containers' Hub token.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the entry and the files of `cdk import` to this folder.")
    ] = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Read a live endpoint, print the entry that reproduces it, and describe its import. Changes nothing on AWS.

    Exit code 1 if the proof finds a problem, 3 if something could not be judged.
    """
    from replicas.adopt import adopt as take_over
    from replicas.adopt.files import commands, write_files
    from replicas.aws.session import Aws
    from replicas.cli.tables.adopt import adoption_lines

    adoption = take_over(
        Aws(region),
        endpoint,
        components=component or [],
        name=name,
        models=pairs("--model", "COMPONENT=MODEL", model or []),
        token_secret=token_secret,
    )
    if output is not None:
        write_files(adoption, output)
    if as_json:
        print_json(adoption.to_document())
    else:
        say(*adoption_lines(adoption, commands(adoption, output) if output else []))
    if not adoption.is_proven:
        raise typer.Exit(1)
    if adoption.report.unjudged:
        raise typer.Exit(3)
