"""Fleets as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.cli.tables.columns import Table
from replicas.cli.tables.options import usd
from replicas.planning.document import plan_warnings
from replicas.recommend.fleet.fleets import Fleet
from replicas.recommend.fleet.needs import Served

_COLUMNS = ("endpoint", "model", ">copies", ">split", "weights", ">req/s", ">p50 s", ">p90 s", ">TTFT p90", ">USD/h")


def fleet_table(fleet: Fleet) -> Table:
    """Return a table with one row per model, grouped by endpoint."""
    table = Table(*_COLUMNS, may_go=("p50 s", "split", "weights", "TTFT p90", "req/s"), is_ruled=False)
    for planned, served in fleet.endpoints:
        where, price = f"{planned.instances} x {planned.instance.name}", usd(planned.usd_per_hour, planned.price)
        for number, model in enumerate(served):
            first = number == 0
            table.add_row(where if first else "", *_cells(model), price if first else "")
    return table


def _cells(served: Served) -> list[str]:
    point = served.forecast.points[0]
    seconds = (point.latency_p50_seconds, point.latency_p90_seconds, point.ttft_p90_seconds)
    return [
        served.name,
        str(served.copies),
        str(served.candidate.component.accelerators),
        served.candidate.weights.label,
        f"{point.requests_per_second_window:.2f}",
        *("-" if value is None else f"{value:.2f}" for value in seconds),
    ]


def fleet_lines(fleet: Fleet) -> Iterator[str]:
    """Yield the lines below the table: price and its proof, free accelerators, confidence, code for deployments.py."""
    shares, alone = fleet.shares, fleet.usd_per_hour_alone
    proof = (
        "proven cheapest" if shares.proven else f"a proven lower bound is {shares.least_usd_per_hour:.2f} USD an hour"
    )
    yield ""
    yield f"{fleet.usd_per_hour:.2f} USD an hour ({proof} for these numbers of copies; `plan` has placed every copy)."
    saved = 1 - fleet.usd_per_hour / alone
    separate = ", ".join(
        f"{served.name} on {instances} x {served.candidate.instance.name}" for served, instances, _ in fleet.alone
    )
    verdict = f"{saved:.0%} less" if saved > 0.0005 else "sharing saves nothing"
    yield f"Each model on a separate endpoint: {alone:.2f} ({separate}): {verdict}."
    for planned, _ in fleet.endpoints:
        accelerators = planned.instances * planned.instance.accelerators
        if accelerators > planned.accelerators_used:
            yield f"{planned.name}: {accelerators - planned.accelerators_used} of {accelerators} accelerators are free."
    classes = sorted({model.forecast.summary for _, served in fleet.endpoints for model in served})
    yield f"confidence of the forecasts: {' / '.join(classes)}"
    if any(planned.price and planned.price.is_estimate for planned, _ in fleet.endpoints):
        yield "~ marks an estimated price."
    if fleet.unpriced:
        yield f"Left out because no price is known: {', '.join(fleet.unpriced)}."
    if fleet.needs_secret:
        names = ", ".join(fleet.needs_secret)
        yield f"Gated weights ({names}): fill in token_secret with the name of your Secrets Manager secret."
    for warning in dict.fromkeys(
        warning_text for planned, _ in fleet.endpoints for warning_text in plan_warnings(planned)
    ):
        yield f"warning: {warning}"
    yield from ("", "For deployments.py:", "", *fleet.lines().split("\n"))
