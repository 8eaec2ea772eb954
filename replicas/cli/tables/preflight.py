"""The checks of a preflight as a table."""

from __future__ import annotations

from replicas.cli.tables.columns import Table
from replicas.preflight import Preflight


def preflight_table(preflight: Preflight) -> Table:
    """Return a table with one row per check, and a second row if the check has a fix."""
    table = Table("", "what", "found", prose=("what", "found"), states=("",), is_ruled=False)
    for check in preflight.checks:
        table.add_row(check.state, check.what, check.said)
        if check.fix:
            table.add_row("", "", f"fix: {check.fix}")
    return table
