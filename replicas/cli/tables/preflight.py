"""The checks of a preflight as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.preflight import Preflight

if TYPE_CHECKING:
    from rich.table import Table


def preflight_table(preflight: Preflight) -> Table:
    """Table with one row per check, and a second row if the check has a fix."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "found"):
        table.add_column(column, overflow="fold")
    for check in preflight.checks:
        table.add_row(
            check.state, Text(check.what), Text(check.said)
        )  # `Text` keeps Rich from reading brackets as markup
        if check.fix:
            table.add_row("", "", Text(f"fix: {check.fix}"))
    return table
