"""Tables with the column layout that all commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_LONG_COLUMNS = ("model", "why")
"""Columns whose text may wrap."""


def table_of(*columns: str) -> Table:
    """Create an empty table. A column whose name starts with `>` is aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=column not in _LONG_COLUMNS,
        )
    return table
