"""`replicas teardown` deletes the resources of a deployment; `replicas bills` lists endpoints that are billed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import EndpointName, Json, Name, Region, app, print_json, say, show, tell
from replicas.cli.parsing import regions_of
from replicas.cli.progress import working
from replicas.cli.region import region_of
from replicas.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicas.aws.app_regions import AppRegion
    from replicas.aws.billing import Bills

Regions = Annotated[
    str | None,
    typer.Option(
        metavar="REGION,...",
        help="Regions to search for billed endpoints. Default: the region of the command, and the regions of the "
        "stacks of this app.",
    ),
]


@app.command()
def teardown(
    name: Name = None,
    endpoint: EndpointName = None,
    region: Region = None,
    regions: Regions = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the list without deleting.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Total seconds to wait for all deletions.")] = 3600,
    as_json: Json = False,
) -> None:
    """Delete a deployment in order, even if `cdk destroy` fails, and list endpoints that are still billed."""
    from replicas.aws.app_regions import app_regions
    from replicas.aws.billing import billed_instances
    from replicas.aws.session import Aws
    from replicas.cli.tables.teardown import inventory_lines, inventory_table
    from replicas.teardown import take_inventory, tear_down

    if as_json and not (yes or dry_run):
        raise UsageError("--json cannot ask for confirmation: add --yes or --dry-run")
    aws = Aws(region_of(region, name))
    known = app_regions()
    where = _where(aws.region, regions, known)
    with working(f"listing the resources of {name or endpoint}"):
        inventory = take_inventory(aws, name, endpoint=endpoint)
    if not as_json:
        if inventory.things:
            show(inventory_table(inventory))
        say(*inventory_lines(inventory, aws.region))
    if dry_run:
        if as_json:
            print_json(inventory.to_document())
        return
    if inventory.things and not yes:
        _ask(len(inventory.things))
    try:
        done = tear_down(aws, inventory, timeout_seconds=timeout, tell=tell)
    except KeyboardInterrupt:
        tell(
            "interrupted: resources that are not deleted yet still exist and may be billed; run the command "
            "again to continue"
        )
        raise typer.Exit(130) from None
    with working("reading the billed endpoints"):
        bills = billed_instances(aws, where, known)
    if as_json:
        print_json(done.to_document(inventory, bills))
    else:
        for entry in done.left:
            say(f"not deleted: {entry.resource.kind.label} {entry.resource.name}: {entry.why}")
        _show_bills(bills)
    if done.left or bills.unanswered:
        raise typer.Exit(1)


@app.command()
def bills(region: Region = None, regions: Regions = None, as_json: Json = False) -> None:
    """Show every endpoint that is billed by the hour, including endpoints of other apps."""
    from replicas.aws.app_regions import app_regions
    from replicas.aws.billing import billed_instances
    from replicas.aws.session import Aws

    known = app_regions()
    aws = Aws(region_of(region) or next((entry.region for entry in known), None))
    where = [aws.region] if region and not regions else _where(aws.region, regions, known)
    with working("reading the billed endpoints"):
        billed = billed_instances(aws, where, known)
    if as_json:
        print_json(billed.to_document())
    else:
        _show_bills(billed)
    if billed.unanswered:
        raise typer.Exit(1)


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal for the confirmation: add --yes to delete the resources listed above")
    if not typer.confirm(f"Delete these {count} resources?", err=True):
        tell("nothing was deleted")
        raise typer.Exit(1)


def _where(region: str, regions: str | None, known: Sequence[AppRegion]) -> list[str]:
    """Return the regions to search: the regions in --regions, else the command's region and the regions of the
    app's stacks.
    """
    return list(dict.fromkeys([region, *(entry.region for entry in known)])) if regions is None else regions_of(regions)


def _show_bills(billed: Bills) -> None:
    from replicas.cli.tables.teardown import bills_lines, bills_table

    if billed.bills:
        show(bills_table(billed))
    for line in bills_lines(billed):
        say(line)
    for region, why in billed.unanswered:
        tell(f"{region} could not be searched: {why}")
