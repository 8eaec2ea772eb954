"""`replicas status`: shows the state of a deployment, and differences from its template."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import EndpointName, Json, Name, Region, app, print_json, show, tell
from replicas.cli.progress import working
from replicas.cli.region import region_of
from replicas.errors import OperationError, UsageError

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
        typer.Option("--probe", help="Send a short request to every component and adapter that has copies."),
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --probe: write measured start-up times, for `replicas calibrate`."),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds that --probe waits for components that are not ready.")
    ] = 120,
    as_json: Json = False,
) -> None:
    """Show copies, instances, failures and USD per hour. Exit code 1 on a problem, such as drift from the template."""
    from replicas.aws.session import Aws
    from replicas.cli.tables.status import status_page
    from replicas.status import read_status

    if record is not None and not probe:
        raise UsageError("--record writes what --probe measures: add --probe")
    if watch and (as_json or probe):
        raise UsageError("--watch refreshes tables: remove --json and --probe")
    aws = Aws(region_of(region, name))
    with working(f"reading the status of {name or endpoint}"):
        read = read_status(name, endpoint=endpoint, aws=aws, probe_seconds=wait if probe else None, tell=tell)
    if record is not None:
        _write_starts(read, record)
    if watch:
        read = _watch(aws, read, name, endpoint)
    elif as_json:
        print_json(read.to_document())
    else:
        show(status_page(read))
    if read.problems:
        raise typer.Exit(1)


def _write_starts(read: Status, path: Path) -> None:
    from replicas.start.records import write_records

    if not read.starts:
        reasons = "; ".join(f"{start.label}: {start.why}" for start in read.unmeasured) or "there is no component"
        raise OperationError(f"no start-up time was measured, so {path} was not written: {reasons}")
    write_records(read.starts, path)
    tell(f"wrote {path}; next: store the start-up times for forecasts with `replicas calibrate {path}`")


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
