"""`replicas fleet`: several models with their traffic on as little as holds them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from replicas.recommend.fleet.fleets import Fleet
    from replicas.recommend.fleet.needs import Served


@app.command()
def fleet(
    file: Annotated[Path, typer.Argument(help="Models with their traffic, YAML or JSON (docs/recommend.md).")],
    as_json: Json = False,
) -> None:
    """Find the cheapest endpoints for several models: instance types, layouts, and which models share instances.

    Proven cheapest for the forecast numbers of copies, and planned. Needs no account; needs the extra `fleet`.
    """
    from replicas.cli.recommend import watching
    from replicas.recommend import fleet as cheapest
    from replicas.recommend import read_fleet

    found = cheapest(read_fleet(file), told=watching())
    if as_json:
        print_json(found.to_document())
        return
    show(_table(found))
    print(*_notes(found), sep="\n")
    print(f"\nFor deployments.py:\n\n{found.lines()}")


_COLUMNS = ("endpoint", "model", ">copies", ">split", "weights", ">req/s", ">p50 s", ">p90 s", ">TTFT p90", ">USD/h")


def _table(found: Fleet) -> Table:
    from rich.table import Table

    from replicas.cli.tables.options import usd

    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left", no_wrap=True)
    for planned, served in found.endpoints:
        where, price = f"{planned.instances} x {planned.instance.name}", usd(planned.usd_per_hour, planned.price)
        for number, each in enumerate(served):
            first = number == 0
            table.add_row(where if first else "", *_cells(each), price if first else "")
    return table


def _cells(each: Served) -> list[str]:
    point = each.told.points[0]
    seconds = (point.latency_p50_seconds, point.latency_p90_seconds, point.ttft_p90_seconds)
    return [
        each.name,
        str(each.copies),
        str(each.candidate.part.accelerators),
        each.candidate.weights.label,
        f"{point.requests_per_second_window:.2f}",
        *("-" if value is None else f"{value:.2f}" for value in seconds),
    ]


def _notes(found: Fleet) -> Iterable[str]:
    shares, alone = found.shares, found.usd_per_hour_alone
    proof = "proven cheapest" if shares.proven else f"nothing below {shares.least_usd_per_hour:.2f} is possible"
    yield ""
    yield f"{found.usd_per_hour:.2f} USD an hour ({proof} for these numbers of copies; every copy placed by `plan`)."
    saved = 1 - found.usd_per_hour / alone
    each = ", ".join(
        f"{served.name} on {instances} x {served.candidate.instance.name}" for served, instances, _ in found.alone
    )
    verdict = f"{saved:.0%} less" if saved > 0.0005 else "sharing saves nothing"
    yield f"Each model on an endpoint of its own: {alone:.2f} ({each}): {verdict}."
    for planned, _ in found.endpoints:
        accelerators = planned.instances * planned.instance.accelerators
        if accelerators > planned.accelerators_used:
            yield f"{planned.name}: {accelerators - planned.accelerators_used} of {accelerators} accelerators are free."
    classes = sorted({part.told.confidence for _, served in found.endpoints for part in served})
    yield f"confidence of the forecasts: {', '.join(classes)}"
    if any(planned.price and planned.price.is_estimate for planned, _ in found.endpoints):
        yield "~: an estimated price."
    if found.unpriced:
        yield f"Left out, for no price is known: {', '.join(found.unpriced)}."
    if found.needs_secret:
        names = ", ".join(found.needs_secret)
        yield f"Gated weights ({names}): fill in token_secret with the name of your Secrets Manager secret."
