"""`replicas teardown` and `replicas bills`: end what costs money, and see that it has ended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import EndpointName, Json, Name, Region, app, print_json, show, tell

if TYPE_CHECKING:
    from replicas.aws.billing import Bills
    from replicas.aws.session import Aws
    from replicas.teardown.inventory import Inventory

Regions = Annotated[
    str | None, typer.Option(metavar="REGION,...", help="Where to look for what still bills. Default: the region.")
]


@app.command()
def teardown(
    name: Name = None,
    endpoint: EndpointName = None,
    region: Region = None,
    regions: Regions = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the list and end.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for all deletions together.")] = 3600,
    as_json: Json = False,
) -> None:
    """Delete a deployment where `cdk destroy` cannot: in order, with what still bills at the end."""
    from replicas.aws.billing import what_bills
    from replicas.aws.session import Aws
    from replicas.errors import OperationError
    from replicas.teardown.inventory import inventory_of_endpoint, inventory_of_stack
    from replicas.teardown.teardown import tear_down

    if (name is None) == (endpoint is None):
        raise OperationError("give the NAME of a deployment, or --endpoint with the name of any endpoint")
    if as_json and not (yes or dry_run):
        raise typer.BadParameter("--json asks nothing: with --yes or --dry-run")
    aws = Aws(region)
    where = _regions(aws, regions)
    found = inventory_of_stack(aws, name) if name else inventory_of_endpoint(aws, endpoint or "")
    if not as_json:
        _show_inventory(found, aws.region)
    if dry_run:
        if as_json:
            print_json(found.to_document())
        return
    if found.things and not yes:
        _ask(len(found.things))
    try:
        done = tear_down(aws, found, timeout_seconds=timeout, tell=tell)
    except KeyboardInterrupt:
        tell("interrupted: what was not deleted yet is still there, and may bill; run this again to go on")
        raise typer.Exit(130) from None
    bills = what_bills(aws, where)
    if as_json:
        print_json(done.to_document(found, bills))
    else:
        for entry in done.left:
            print(f"left: {entry.thing.kind.label} {entry.thing.name}: {entry.why}")
        _show_bills(bills, where)
    if done.left or bills.unanswered:
        raise typer.Exit(1)


@app.command()
def bills(region: Region = None, regions: Regions = None, as_json: Json = False) -> None:
    """Show what bills by the hour: every endpoint with instances, whoever made it."""
    from replicas.aws.billing import what_bills
    from replicas.aws.session import Aws

    aws = Aws(region)
    where = _regions(aws, regions)
    found = what_bills(aws, where)
    if as_json:
        print_json(found.to_document())
    else:
        _show_bills(found, where)
    if found.unanswered:
        raise typer.Exit(1)


def _regions(aws: Aws, wish: str | None) -> list[str]:
    from replicas.catalogue.regions import known_regions

    wanted = [part.strip() for part in wish.split(",") if part.strip()] if wish else [aws.region]
    unknown = [region for region in wanted if region not in known_regions()]
    if wish is not None and (unknown or not wanted):
        raise typer.BadParameter(f"--regions {wish!r}: no region {', '.join(unknown)} is known")
    return wanted


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to ask: --yes deletes the list above without asking")
    if not typer.confirm(f"Delete these {count}?", err=True):
        tell("nothing was deleted")
        raise typer.Exit(1)


def _show_inventory(found: Inventory, region: str) -> None:
    from rich.table import Table

    if found.things:
        table = Table("what", "name", "why it belongs to it", box=None, pad_edge=False)
        for thing in found.things:
            table.add_row(thing.kind.label, thing.name, thing.why)
        show(table)
    else:
        print(f"nothing of {found.name} is left in {region}")
    for sentence in found.left_alone:
        print(f"left alone: {sentence}")


def _show_bills(found: Bills, regions: list[str]) -> None:
    from rich.table import Table

    where = ", ".join(region for region in regions if region not in dict(found.unanswered))
    if found.bills:
        table = Table("still bills", "region", "status", "instances", "USD an hour", box=None, pad_edge=False)
        for bill in found.bills:
            usd = "not known" if bill.usd_per_hour is None else f"{bill.usd_per_hour:.2f}"
            table.add_row(bill.endpoint, bill.region, bill.status, f"{bill.instances} x {bill.instance_type}", usd)
        show(table)
    elif where:
        print(f"nothing bills by the hour in {where}: no endpoint has an instance")
    for region, why in found.unanswered:
        print(f"{region} could not be asked: {why}", file=sys.stderr)
