"""`replicas history`: collects the results of earlier benchmarks on one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, tell
from replicas.cli.progress import working


@app.command()
def history(
    folder: Annotated[Path, typer.Argument(help="Folder with the runs, at any depth.")] = Path("benchmarks"),
    out: Annotated[Path | None, typer.Option(help="HTML file to write. Default: index.html in FOLDER.")] = None,
    as_json: Json = False,
) -> None:
    """Collect the runs of earlier benchmarks on one page: throughput, latencies and forecast errors."""
    from replicas.benchmark.history import find_runs, history_document, write_history

    with working(f"reading the runs in {folder}"):
        runs, skipped = find_runs(folder)
    for reason in skipped:
        tell(f"left out: {reason}")
    if as_json:
        print_json(history_document(runs, skipped))
        return
    page = out or folder / "index.html"
    with working(f"drawing {page}"):
        write_history(runs, page, skipped)
    say(f"{len(runs)} runs: {page}")
