"""`replicas forecast`: predicts throughput, latency and cost of a deployment before it is deployed."""

from __future__ import annotations

from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.completing import deployment_names
from replicas.cli.parsing import ProfileFile, profile_of, rates_of, routing_of, users_of
from replicas.cli.progress import working
from replicas.cli.sizing_flags import FromHub, sizing_flags, with_config_of_hub
from replicas.planning.sizing_options import SizingOptions, describe


@app.command()
@sizing_flags()
def forecast(
    sizing: SizingOptions,
    name: Annotated[
        str | None, typer.Argument(help="A deployment of deployments.py.", autocompletion=deployment_names)
    ] = None,
    from_hub: FromHub = False,
    component: Annotated[str | None, typer.Option(help="Component to use if there are several.")] = None,
    users: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            help="Users in a closed loop, a point each; `article` for the article's nine. "
            "Default: the declared traffic, or else those nine.",
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="R,...", help="Arrivals per second (Poisson) in place of users, one point for each number."
        ),
    ] = None,
    input_tokens: Annotated[
        int | None, typer.Option(help="Length of a prompt, tokens. Default: that of the declared traffic, else 1000.")
    ] = None,
    output_tokens: Annotated[
        int | None, typer.Option(help="Length of an answer, tokens. Default: that of the declared traffic, else 50.")
    ] = None,
    shared_tokens: Annotated[
        int, typer.Option(help="Tokens that all prompts have in common at the beginning: a prefix cache reuses them.")
    ] = 0,
    duration: Annotated[float, typer.Option(help="Duration of each point, seconds.")] = 90,
    routing: Annotated[
        str, typer.Option(metavar="RANDOM|LEAST_OUTSTANDING_REQUESTS", help="How requests are routed to copies.")
    ] = "RANDOM",
    profile: ProfileFile = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Forecast throughput, latency and cost of a deployment, and its bottleneck. Needs no account.

    Options replace settings of the named deployment for this call. With --model or --config they describe one.
    By default requests go to random copies, as in the run from which the constants were fitted. The endpoints of
    this app route by LEAST_OUTSTANDING_REQUESTS: --routing forecasts that.
    """
    from replicas.cli.tables.forecast import forecast_lines, forecast_table, forecast_title
    from replicas.forecast import forecast as forecast_component
    from replicas.forecast.requested_loads import loads_of
    from replicas.planning.choice import component_named

    described = describe(name, with_config_of_hub(sizing) if from_hub else sizing)
    for note in described.notes:
        tell(note)
    planned = described.plan()
    chosen = component_named(planned, component)
    loads = loads_of(
        chosen,
        users=users_of(users) if users is not None else None,
        rates=rates_of(rate) if rate is not None else None,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        shared_tokens=shared_tokens,
    )
    with working(f"forecasting {len(loads)} {'load' if len(loads) == 1 else 'loads'}"):
        result = forecast_component(
            planned,
            chosen,
            loads,
            duration_seconds=duration,
            seed=seed,
            routing=routing_of(routing),
            profile=profile_of(profile),
        )
    if as_json:
        print_json(result.to_document())
    else:
        say(forecast_title(result, planned))
        show(forecast_table(result))
        say(*forecast_lines(result))
