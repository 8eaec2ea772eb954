"""`replicas fleet`: finds the cheapest endpoints for several models with given traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.progress import phases


@app.command()
def fleet(
    file: Annotated[Path, typer.Argument(help="Models with their traffic, YAML or JSON (docs/recommend.md).")],
    page: Annotated[Path | None, typer.Option(help="Write the endpoints to this HTML page.")] = None,
    as_json: Json = False,
) -> None:
    """Find the cheapest endpoints for several models: instance types, layouts, and models that share instances.

    The result is proven to be the cheapest for the numbers of copies that the forecast gives.
    Needs the extra `fleet`; an AWS account is not needed.
    """
    from replicas.cli.tables.fleet import fleet_lines, fleet_table
    from replicas.recommend import fleet as find_endpoints
    from replicas.recommend import read_fleet

    models = read_fleet(file)
    with phases() as progress:
        result = find_endpoints(models, progress=progress)
    if page is not None:
        from replicas.recommend.page import write_fleet

        write_fleet(result, page)
        tell(f"page: {page}")
    if as_json:
        print_json(result.to_document())
        return
    show(fleet_table(result))
    say(*fleet_lines(result))
