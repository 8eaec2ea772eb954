"""Prints a staging run as a headline and a table."""

from __future__ import annotations

from replicas.cli.tables.columns import Table
from replicas.staging.staging import Staging


def staging_headline(staging: Staging) -> str:
    """Return a line with the repository, commit, number of files and GB to stage."""
    snapshot, waiting = staging.snapshot, staging.waiting
    present = len(staging.selection.files) - len(waiting)
    return (
        f"{snapshot.repository} at {snapshot.commit}: {len(waiting)} files, {staging.bytes_waiting / 1e9:,.2f} GB to "
        f"stage" + (f"; {present} already staged" if present else "")
    )


def staging_table(staging: Staging) -> Table:
    """Return a table with one row per file: staged, already present, deleted or left out."""
    table = Table("file", ">bytes", "action", prose=("action",), is_ruled=False)
    for file in staging.selection.files:
        done = "already present" if file.path in staging.present else "staged"
        table.add_row(file.path, f"{file.size_bytes:,}", done)
    for path in staging.to_delete:
        table.add_row(path, "", "deleted: belongs to the replaced run")
    for path, why in staging.selection.left_out:
        table.add_row(path, "", f"left out: {why}")
    return table
