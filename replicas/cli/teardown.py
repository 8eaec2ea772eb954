"""`replicas teardown` deletes the resources of a deployment; `replicas bills` lists endpoints that are billed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import EndpointName, Json, Name, Region, app, print_json, show, tell
from replicas.cli.parsing import regions_of
from replicas.errors import UsageError

if TYPE_CHECKING:
    from replicas.aws.billing import Bills

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
    from replicas.cli.tables.teardown import inventory_lines, inventory_table
    from replicas.teardown import take_inventory, tear_down

    if as_json and not (yes or dry_run):
        raise UsageError("--json asks nothing: with --yes or --dry-run")
    aws = Aws(region)
    where = [aws.region] if regions is None else regions_of(regions)
    inventory = take_inventory(aws, name, endpoint=endpoint)
    if not as_json:
        if inventory.things:
            show(inventory_table(inventory))
        print("".join(f"{line}\n" for line in inventory_lines(inventory, aws.region)), end="")
    if dry_run:
        if as_json:
            print_json(inventory.to_document())
        return
    if inventory.things and not yes:
        _ask(len(inventory.things))
    try:
        done = tear_down(aws, inventory, timeout_seconds=timeout, tell=tell)
    except KeyboardInterrupt:
        tell("interrupted: what was not deleted yet is still there, and may bill; run this again to go on")
        raise typer.Exit(130) from None
    bills = what_bills(aws, where)
    if as_json:
        print_json(done.to_document(inventory, bills))
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
    where = [aws.region] if regions is None else regions_of(regions)
    billed = what_bills(aws, where)
    if as_json:
        print_json(billed.to_document())
    else:
        _show_bills(billed, where)
    if billed.unanswered:
        raise typer.Exit(1)


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on: --yes deletes the list above without asking")
    if not typer.confirm(f"Delete these {count}?", err=True):
        tell("nothing was deleted")
        raise typer.Exit(1)


def _show_bills(billed: Bills, regions: list[str]) -> None:
    from replicas.cli.tables.teardown import bills_table

    answered = [region for region in regions if region not in dict(billed.unanswered)]
    if billed.bills:
        show(bills_table(billed))
    elif answered:
        print(f"nothing bills by the hour in {', '.join(answered)}: no endpoint has an instance")
    for region, why in billed.unanswered:
        print(f"{region} could not be asked: {why}", file=sys.stderr)
