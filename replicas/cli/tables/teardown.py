"""Inventories and bills as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replicas.aws.billing import Bills
from replicas.teardown import Inventory

if TYPE_CHECKING:
    from rich.table import Table


def inventory_table(inventory: Inventory) -> Table:
    """One row for each resource that a teardown would delete, in order."""
    from rich.table import Table

    table = Table("what", "name", "why it belongs to it", box=None, pad_edge=False)
    for thing in inventory.things:
        table.add_row(thing.kind.label, thing.name, thing.why)
    return table


def inventory_lines(inventory: Inventory, region: str) -> Iterator[str]:
    """What stays, and that nothing is left to delete."""
    if not inventory.things:
        yield f"nothing of {inventory.name} is left in {region}"
    for sentence in inventory.left_alone:
        yield f"left alone: {sentence}"


def bills_table(bills: Bills) -> Table:
    """One row for the instances of one type of each endpoint."""
    from rich.table import Table

    table = Table("still bills", "region", "status", "instances", "USD an hour", box=None, pad_edge=False)
    for bill in bills.bills:
        usd = "not known" if bill.usd_per_hour is None else f"{bill.usd_per_hour:.2f}"
        table.add_row(bill.endpoint, bill.region, bill.status, f"{bill.instances} x {bill.instance_type}", usd)
    return table
