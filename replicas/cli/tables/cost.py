"""Cost statements as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from replicas.cli.tables.columns import Table
from replicas.cli.tables.options import additions_lines, usd
from replicas.cost import CatalogueCosts, ComponentCost, Statement
from replicas.planning.costs import BoundName, added_usd_per_month
from replicas.units import HOURS_PER_MONTH, rate_text

if TYPE_CHECKING:
    from replicas.forecast import Load


def cost_table(statement: Statement) -> Table:
    """Return a table of instances, prices, copies and token prices, at the floor, start and ceiling of the scaling."""
    shown: list[BoundName] = list(statement.bounds) if statement.scales else ["start"]
    titles = [f">{title}" for title in (shown if statement.scales else [""])]
    table = Table(f"{statement.deployment} on {statement.instance_type}", *titles, records_are_columns=True)
    bounds = [statement.bounds[name] for name in shown]
    table.add_row("instances", *(str(bound.instances) for bound in bounds))
    table.add_row("USD an hour", *(usd(bound.usd_per_hour, statement.price) for bound in bounds))
    table.add_row("USD a month, 730 hours", *(_thousands(bound.usd_per_month, statement) for bound in bounds))
    for component in statement.components:
        for row in _component_rows(statement, component, shown):
            table.add_row(*row)
    return table


def cost_lines(statement: Statement) -> Iterator[str]:
    """Yield the lines below the table: source of the price, confidence of the forecasts, and cost of the options."""
    price = statement.price
    if price is None:
        yield f"price of {statement.instance_type} in {statement.region}: unknown"
    else:
        yield f"price: {usd(price.usd, price)} USD an hour in {price.region}, {price.kind}, of {price.retrieved}"
        yield f"  from: {price.source}"
    for component in statement.components:
        if component.confidence:
            yield f"forecast of {component.name}: {component.confidence} ({component.basis})"
        if component.not_forecast:
            yield component.not_forecast
    if statement.has_schedules:
        yield "schedules change floor and ceiling during the day: the cost of a month lies between floor and ceiling"
    if statement.additions:
        yield from additions_lines(statement.additions, statement.region)
    else:
        yield "options add nothing"


def costs_table(costs: CatalogueCosts) -> Table:
    """Return a table with one row per deployment."""
    table = Table(
        *("deployment", "instance", ">floor USD/h", ">start", ">ceiling", ">start USD/month", ">options"),
        ">USD/M output tokens",
        may_go=("options", "USD/M output tokens", "start USD/month", "instance"),
    )
    for statement in costs.statements:
        bounds = statement.bounds
        prices = [component.points["start"].usd_per_million_output_tokens for component in statement.components]
        tokens = " + ".join(usd(price, statement.price) for price in prices) if any(prices) else "-"
        table.add_row(
            statement.deployment,
            f"{bounds['start'].instances} x {statement.instance_type}",
            *(usd(bound.usd_per_hour, statement.price) for bound in bounds.values()),
            _thousands(bounds["start"].usd_per_month, statement),
            f"{added_usd_per_month(statement.additions):.2f}",
            tokens,
        )
    return table


def costs_lines(costs: CatalogueCosts) -> Iterator[str]:
    """Yield the lines below the table: total cost at the initial copies, and deployments whose price is unknown."""
    start = costs.usd_per_hour("start")
    yield f"all deployments with their initial copies: {start:,.2f} USD an hour, {start * HOURS_PER_MONTH:,.2f} a month"
    if costs.unpriced:
        yield f"price unknown and not in the sums: {', '.join(costs.unpriced)}"


def _component_rows(statement: Statement, component: ComponentCost, shown: Sequence[BoundName]) -> list[list[str]]:
    price = statement.price
    points = [component.points[name] for name in shown]
    rows = [
        [f"copies of {component.name}", *(str(point.copies) for point in points)],
        ["  USD an hour for a copy", *(usd(point.usd_per_hour_per_copy, price) for point in points)],
    ]
    if component.load and component.confidence:
        loads = [point.load for point in points]
        rows += [
            [
                f"  requests/s, {_load(component.load)}",
                *(_value(p, "requests_per_second_window") for p in loads),
            ],
            ["  latency p90, s", *(_value(p, "latency_p90_seconds") for p in loads)],
            ["  USD for a million output tokens", *(usd(p.usd_per_million_output_tokens, price) for p in points)],
            ["  USD for a million tokens, input and output", *(usd(p.usd_per_million_tokens, price) for p in points)],
        ]
    return rows


def _thousands(amount: float | None, statement: Statement) -> str:
    if amount is None:
        return "-"
    return f"{'~' if statement.price and statement.price.is_estimate else ''}{amount:,.2f}"


def _load(load: Load) -> str:
    source = (
        f"{load.users:,} users"
        if load.users is not None
        else f"{rate_text(load.requests_per_second or 0.0)} arrivals/s"
    )
    return f"{source} of {load.input_tokens:,} + {load.output_tokens:,} tokens"


def _value(point: Any, field: str) -> str:
    value = getattr(point, field) if point else None
    return "-" if value is None else f"{value:.2f}"
