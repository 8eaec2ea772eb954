"""Prints the resources of a deployment and the billed endpoints as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.aws.billing import Bills
from replicas.cli.tables.columns import Table
from replicas.teardown import Inventory


def inventory_table(inventory: Inventory) -> Table:
    """Return a table with one row per resource to delete, in the order of deletion."""
    table = Table(
        "resource",
        "name",
        "why it belongs to the deployment",
        prose=("why it belongs to the deployment",),
        is_ruled=False,
    )
    for resource in inventory.things:
        table.add_row(resource.kind.label, resource.name, resource.why)
    return table


def inventory_lines(inventory: Inventory, region: str) -> Iterator[str]:
    """Yield the lines about resources that are kept, and a line if no resource is left to delete."""
    if not inventory.things:
        yield f"no resource of {inventory.name} is left in {region}"
    for sentence in inventory.left_alone:
        yield f"kept: {sentence}"


def bills_table(bills: Bills) -> Table:
    """Return a table with one row per endpoint and instance type."""
    table = Table(
        *("still billed", "region", "status", "instances", ">USD an hour"), may_go=("status", "region"), is_ruled=False
    )
    for bill in bills.bills:
        usd = "unknown" if bill.usd_per_hour is None else f"{bill.usd_per_hour:.2f}"
        table.add_row(bill.endpoint, bill.region, bill.status, f"{bill.instances} x {bill.instance_type}", usd)
    return table


def bills_lines(bills: Bills) -> Iterator[str]:
    """Yield the lines with the regions that were queried, and with the regions of this app that were not queried."""
    if bills.answered:
        where = ", ".join(_with_stacks(region, bills) for region in bills.answered)
        yield (
            f"searched: {where}"
            if bills.bills
            else f"nothing is billed by the hour in {where}: no endpoint has an instance"
        )
    for known in bills.not_queried:
        yield f"not searched: {_with_stacks(known.region, bills)}. To search it, add --regions {known.region}"
    if bills.answered and not bills.known:
        yield "no stack of this app names a region: --regions searches further regions"


def _with_stacks(region: str, bills: Bills) -> str:
    stacks = [stack for known in bills.known if known.region == region for stack in known.stacks]
    return f"{region} (region of {', '.join(stacks)})" if stacks else region
