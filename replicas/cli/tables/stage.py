"""A staging as a table and a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.staging.staging import Staging

if TYPE_CHECKING:
    from rich.table import Table


def staging_headline(staging: Staging) -> str:
    """What is staged, in one line."""
    snapshot, waiting = staging.snapshot, staging.waiting
    there = len(staging.selection.files) - len(waiting)
    return (
        f"{snapshot.repository} at {snapshot.commit}: {len(waiting)} files, {staging.bytes_waiting / 1e9:,.2f} GB to "
        f"stage" + (f"; {there} lie there already" if there else "")
    )


def staging_table(staging: Staging) -> Table:
    """One row for each file: staged, there already, deleted or left out."""
    from rich.table import Table

    table = Table("file", "bytes", "what is done", box=None, pad_edge=False)
    for file in staging.selection.files:
        done = "lies there already" if file.path in staging.present else "staged"
        table.add_row(file.path, f"{file.size_bytes:,}", done)
    for path in staging.to_delete:
        table.add_row(path, "", "deleted: of what this replaces")
    for path, why in staging.selection.left_out:
        table.add_row(path, "", f"left out: {why}")
    return table
