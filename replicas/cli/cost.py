"""`replicas cost`: what deployments cost by the hour, by the month, for a copy and for a million tokens."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from replicas.catalogue.regions import known_regions
from replicas.cli.app import Json, app, print_json, show
from replicas.deployment import file as catalogue
from replicas.deployment.deployment import Deployment
from replicas.errors import SizingError
from replicas.planning.planner import plan as plan_deployment
from replicas.planning.plans import EndpointPlan

if TYPE_CHECKING:
    from replicas.cost import ComponentCost, Statement
    from replicas.forecast import Load


@app.command()
def cost(
    name: Annotated[str | None, typer.Argument(help="A deployment of deployments.py.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every deployment, in place of NAME.")] = False,
    region: Annotated[
        str | None, typer.Option(help="Take the prices of this region. Default: the deployment's own, or us-west-2.")
    ] = None,
    component: Annotated[
        str | None, typer.Option(help="Which component --users or --rate is for, where there are several.")
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(min=1, help="Count tokens at so many users in a closed loop, not the declared traffic."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Count tokens at so many requests that arrive a second.")] = None,
    input_tokens: Annotated[int, typer.Option(min=1, help="Length of a prompt, for --users and --rate.")] = 1000,
    output_tokens: Annotated[int, typer.Option(min=1, help="Length of an answer, for --users and --rate.")] = 50,
    as_json: Json = False,
) -> None:
    """Say what a deployment costs: at floor, start and ceiling of its scaling, and what its options add.

    Tokens have a price where the deployment declares its traffic, or a load is given: that of the forecast. A tilde
    marks an estimate, a dash what no source prices. Needs no account.
    """
    if (name is None) == (not every):
        raise typer.BadParameter("give NAME or --all, one of the two")
    if region is not None and region not in known_regions():
        raise typer.BadParameter(f"no region {region!r} is known; regions: {', '.join(known_regions())}")
    load = _load(users, rate, input_tokens, output_tokens)
    if every:
        _cost_all(region, load, as_json=as_json)
        return
    assert name is not None  # noqa: S101 (one of the two was given)
    planned = plan_deployment(_in_region(catalogue.find_deployment(name), region))
    _cost_one(planned, component, load, as_json=as_json)


def _load(users: int | None, rate: float | None, input_tokens: int, output_tokens: int) -> Load | None:
    from replicas.forecast import Load

    if users is None and rate is None:
        return None
    load = Load(users=users, requests_per_second=rate, input_tokens=input_tokens, output_tokens=output_tokens)
    if problems := load.problems():
        raise typer.BadParameter("; ".join(problems))
    return load


def _in_region(deployment: Deployment, region: str | None) -> Deployment:
    return replace(deployment, region=region) if region else deployment


def _cost_one(planned: EndpointPlan, component: str | None, load: Load | None, *, as_json: bool) -> None:
    from replicas.cost import statement

    names = [part.name for part in planned.components]
    if component is not None and component not in names:
        raise typer.BadParameter(f"{planned.name} has no component {component!r}: --component {' or '.join(names)}")
    if load and component is None and len(names) > 1:
        raise typer.BadParameter(f"{planned.name} has {len(names)} components: --component {' or '.join(names)}")
    told = statement(planned, {component or names[0]: load} if load else None)
    refusal = next((part.not_forecast for part in told.components if part.not_forecast), None) if load else None
    if as_json:
        print_json(told.to_document())
    elif refusal is None:
        _present(told)
    else:
        print(refusal, file=sys.stderr)
    if refusal:
        raise typer.Exit(1)


def _cost_all(region: str | None, load: Load | None, *, as_json: bool) -> None:
    from replicas.cost import statement

    told: list[Statement] = []
    refused: list[SizingError] = []
    for deployment in catalogue.load_catalogue():
        try:
            planned = plan_deployment(_in_region(deployment, region))
        except SizingError as error:
            refused.append(error)
        else:
            told.append(statement(planned, {part.name: load for part in planned.components} if load else None))
    unpriced = [each.deployment for each in told if each.price is None]
    if as_json:
        print_json(
            {
                "schema": "replicas.costs/1",
                "deployments": [each.to_document() for each in told],
                "usd_per_hour": {name: _sum(told, name) for name in ("floor", "start", "ceiling")},
                "unpriced": unpriced,
                "refused": [{"message": str(error), "problems": list(error.problems)} for error in refused],
            }
        )
    else:
        _present_all(told, unpriced)
        if refused:
            print(*refused, sep="\n", file=sys.stderr)
    if refused:
        raise typer.Exit(1)


def _sum(told: list[Statement], bound: Any) -> float:
    """Of the prices that are known."""
    return sum(each.bounds[bound].usd_per_hour or 0.0 for each in told)


# ---- for people


def _present(told: Statement) -> None:
    from rich import box
    from rich.table import Table

    from replicas.cli.tables.options import additions_lines, usd

    shown = list(told.bounds) if told.scales else ["start"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"{told.deployment} on {told.instance_type}")
    for title in shown if told.scales else [""]:
        table.add_column(title, justify="right")
    bounds = [told.bounds[name] for name in told.bounds if name in shown]
    table.add_row("instances", *(str(bound.instances) for bound in bounds))
    table.add_row("USD an hour", *(usd(bound.usd_per_hour, told.price) for bound in bounds))
    table.add_row("USD a month, 730 hours", *(_thousands(bound.usd_per_month, told) for bound in bounds))
    for part in told.components:
        for row in _component_rows(told, part, shown):
            table.add_row(*row)
    show(table)
    price = told.price
    if price is None:
        print(f"price of {told.instance_type} in {told.region}: unknown")
    else:
        print(f"price: {usd(price.usd, price)} USD an hour in {price.region}, {price.kind}, of {price.retrieved}")
        print(f"  from: {price.source}")
    for part in told.components:
        if part.confidence:
            print(f"forecast of {part.name}: {part.confidence} ({part.basis})")
        if part.not_forecast:
            print(part.not_forecast)
    if told.has_schedules:
        print("schedules move the bounds by the hour: a month lies between floor and ceiling")
    if told.additions:
        print(*additions_lines(told.additions, told.region), sep="\n")
    else:
        print("options add nothing")


def _component_rows(told: Statement, part: ComponentCost, shown: list[Any]) -> list[list[str]]:
    from replicas.cli.tables.options import usd

    points = [part.points[name] for name in part.points if name in shown]
    rows = [
        [f"copies of {part.name}", *(str(point.copies) for point in points)],
        ["  USD an hour for a copy", *(usd(point.usd_per_hour_per_copy, told.price) for point in points)],
    ]
    if part.load and part.confidence:
        rows += [
            [f"  requests/s, {_said(part.load)}", *(_of(point.load, "requests_per_second_window") for point in points)],
            ["  latency p90, s", *(_of(point.load, "latency_p90_seconds") for point in points)],
            ["  USD for a million output tokens", *(usd(p.usd_per_million_output_tokens, told.price) for p in points)],
            ["  USD for a million tokens, in and out", *(usd(p.usd_per_million_tokens, told.price) for p in points)],
        ]
    return rows


def _present_all(told: list[Statement], unpriced: list[str]) -> None:
    from rich import box
    from rich.table import Table

    from replicas.cli.tables.options import usd
    from replicas.planning.costs import added_usd_per_month
    from replicas.units import HOURS_PER_MONTH

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("deployment")
    table.add_column("instance")
    for title in ("floor USD/h", "start", "ceiling", "start USD/month", "options", "USD/M output tokens"):
        table.add_column(title, justify="right")
    for each in told:
        bounds = each.bounds
        prices = [part.points["start"].usd_per_million_output_tokens for part in each.components]
        tokens = " + ".join(usd(price, each.price) for price in prices) if any(prices) else "-"
        table.add_row(
            each.deployment,
            f"{bounds['start'].instances} x {each.instance_type}",
            *(usd(bound.usd_per_hour, each.price) for bound in bounds.values()),
            _thousands(bounds["start"].usd_per_month, each),
            f"{added_usd_per_month(each.additions):.2f}",
            tokens,
        )
    show(table)
    start = _sum(told, "start")
    print(f"all of them at their start: {start:,.2f} USD an hour, {start * HOURS_PER_MONTH:,.2f} a month")
    if unpriced:
        print(f"unknown, and in no sum: {', '.join(unpriced)}")


def _thousands(amount: float | None, told: Statement) -> str:
    if amount is None:
        return "-"
    return f"{'~' if told.price and told.price.is_estimate else ''}{amount:,.2f}"


def _said(load: Load) -> str:
    asked = f"{load.users:,} users" if load.users is not None else f"{load.requests_per_second:g} arrivals/s"
    return f"{asked} of {load.input_tokens:,} + {load.output_tokens:,} tokens"


def _of(point: Any, field: str) -> str:
    value = getattr(point, field) if point else None
    return "-" if value is None else f"{value:.2f}"
