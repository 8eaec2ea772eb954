"""`replicas doctor`: is everything there that a deployment needs?"""

from __future__ import annotations

import sys

import typer

from replicas.cli.app import Json, Name, Region, app, print_json


@app.command()
def doctor(name: Name = None, region: Region = None, as_json: Json = False) -> None:
    """Check tools, credentials, region, bootstrap, quotas and secrets; exit code 1 where something is missing."""
    from replicas.deployment.file import find_deployment, load_catalogue
    from replicas.errors import CatalogueError
    from replicas.preflight.checks import State
    from replicas.preflight.doctor import examine

    note = None
    try:
        deployments = [find_deployment(name)] if name else load_catalogue()
    except CatalogueError as error:
        if name:
            raise
        deployments, note = [], f"{error}: quotas and secrets were not checked"
    results = []
    for result in examine(region, deployments):
        results.append(result)
        if not as_json:
            print(f"{result.state:<8} {result.what}: {result.said}")
            if result.fix:
                print(f"{'':<8} fix: {result.fix}", flush=True)
    if as_json:
        print_json([result.to_document() for result in results])
    if note:
        print(note, file=sys.stderr)
    if any(result.state is State.FAULT for result in results):
        raise typer.Exit(1)
