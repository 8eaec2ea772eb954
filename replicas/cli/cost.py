"""`replicas cost`: cost of deployments per hour, month, copy and million tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.completing import deployment_names
from replicas.cli.progress import working
from replicas.cli.sizing_flags import FromHub, sizing_flags, with_config_of_hub
from replicas.deployment import file as catalogue
from replicas.errors import UsageError
from replicas.planning.sizing_options import SizingOptions, describe

if TYPE_CHECKING:
    from replicas.cost import CatalogueCosts, Statement


@app.command()
@sizing_flags()
def cost(
    sizing: SizingOptions,
    name: Annotated[
        str | None, typer.Argument(help="A deployment of deployments.py.", autocompletion=deployment_names)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show all deployments, instead of NAME.")] = False,
    from_hub: FromHub = False,
    region: Annotated[
        str | None, typer.Option(help="Use the prices of this region. Default: the deployment's region, or us-west-2.")
    ] = None,
    component: Annotated[
        str | None, typer.Option(help="Component that receives --users or --rate, if there are several.")
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(min=1, help="Users of a closed loop for token prices, instead of the declared traffic."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second for token prices.")] = None,
    input_tokens: Annotated[int, typer.Option(min=1, help="Length of a prompt, for --users and --rate.")] = 1000,
    output_tokens: Annotated[int, typer.Option(min=1, help="Length of an answer, for --users and --rate.")] = 50,
    as_json: Json = False,
) -> None:
    """Show the cost of a deployment at the minimum, the initial and the maximum number of copies, and of its options.

    Options replace settings of the named deployment for this call. With --model or --config, the options describe a
    deployment that is not in deployments.py.
    Token prices need a forecast: the deployment must declare its traffic, or a load must be given. A tilde marks an
    estimate, a dash an unknown price. Needs no account.
    """
    from replicas.cost import cost_of, cost_of_all
    from replicas.forecast import Load

    has_source = name is not None or sizing.model is not None or sizing.config is not None
    if has_source == every:
        raise UsageError("give exactly one of NAME, --model, --config and --all")
    load = None
    if users is not None or rate is not None:
        load = Load(users=users, requests_per_second=rate, input_tokens=input_tokens, output_tokens=output_tokens)
    if every:
        entries = catalogue.read_entries()
        if not entries:
            tell(catalogue.EMPTY)
        with working("forecasting the load of every deployment"):
            costs = cost_of_all(entries, region=region, load=load)
        _print_all(costs, as_json=as_json)
        return
    described = describe(name, with_config_of_hub(sizing) if from_hub else sizing)
    for note in described.notes:
        tell(note)
    with working("forecasting the load"):
        statement = cost_of(described, region=region, component=component, load=load)
    _print_one(statement, is_load_given=load is not None, as_json=as_json)


def _print_one(statement: Statement, *, is_load_given: bool, as_json: bool) -> None:
    from replicas.cli.tables.cost import cost_lines, cost_table

    refusal = statement.refusal if is_load_given else None
    if as_json:
        print_json(statement.to_document())
    elif refusal is None:
        show(cost_table(statement))
        say(*cost_lines(statement))
    else:
        tell(refusal)
    if refusal:
        raise typer.Exit(1)


def _print_all(costs: CatalogueCosts, *, as_json: bool) -> None:
    from replicas.cli.tables.cost import costs_lines, costs_table

    if as_json:
        print_json(costs.to_document())
    else:
        show(costs_table(costs))
        say(*costs_lines(costs))
        if costs.refusals:
            tell(*map(str, costs.refusals))
    if costs.refusals:
        raise typer.Exit(1)
