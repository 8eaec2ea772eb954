"""`replicas status`: shows the state of a deployment, and differences from its template."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import EndpointName, Json, Name, Region, app, print_json, show, tell
from replicas.cli.progress import working
from replicas.cli.region import region_of
from replicas.errors import UsageError

if TYPE_CHECKING:
    from replicas.aws.session import Aws
    from replicas.status import Status

_WATCH_SECONDS = 3.0


@app.command()
def status(
    name: Name = None,
    endpoint: EndpointName = None,
    region: Region = None,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh every few seconds until Ctrl-C.")] = False,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe", help="Send a short request to every component and adapter; those without copies are not woken."
        ),
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds that --probe waits for components that are not ready.")
    ] = 120,
    as_json: Json = False,
) -> None:
    """Show a deployment: copies, instances, failures, USD an hour; exit code 1 if it differs from its template."""
    from replicas.aws.session import Aws
    from replicas.cli.tables.status import status_page
    from replicas.status import read_status

    if watch and (as_json or probe):
        raise UsageError("--watch refreshes tables: leave --json and --probe out")
    aws = Aws(region_of(region, name))
    with working(f"reading the status of {name or endpoint}"):
        read = read_status(name, endpoint=endpoint, aws=aws, probe_seconds=wait if probe else None, tell=tell)
    if watch:
        read = _watch(aws, read, name, endpoint)
    elif as_json:
        print_json(read.to_document())
    else:
        show(status_page(read))
    if read.problems:
        raise typer.Exit(1)


def _watch(aws: Aws, read: Status, name: str | None, endpoint: str | None) -> Status:
    """Show the status every few seconds until Ctrl-C. Return the last status."""
    from rich.live import Live

    from replicas.cli.tables.status import status_page
    from replicas.status import read_status

    try:
        with Live(status_page(read), auto_refresh=False) as live:
            while True:
                time.sleep(_WATCH_SECONDS)
                read = read_status(name, endpoint=endpoint, aws=aws)
                live.update(status_page(read), refresh=True)
    except KeyboardInterrupt:
        return read
