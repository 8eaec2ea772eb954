"""`replicas forecast`: predicts throughput, latency and cost of a deployment, or its cold start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.completing import deployment_names
from replicas.cli.load_flags import load_flags
from replicas.cli.parsing import ProfileFile, profile_of, routing_of
from replicas.cli.progress import working
from replicas.cli.sizing_flags import FromHub, sizing_flags, with_config_of_hub
from replicas.errors import UsageError
from replicas.load.options import DEFAULT_SECONDS, LoadOptions
from replicas.planning.sizing_options import SizingOptions, describe

if TYPE_CHECKING:
    from replicas.planning.plans import ComponentPlan, EndpointPlan


@app.command()
@sizing_flags()
@load_flags()
def forecast(
    sizing: SizingOptions,
    load_options: LoadOptions,
    name: Annotated[
        str | None, typer.Argument(help="A deployment of deployments.py.", autocompletion=deployment_names)
    ] = None,
    from_hub: FromHub = False,
    component: Annotated[str | None, typer.Option(help="Component to use if there are several.")] = None,
    routing: Annotated[
        str, typer.Option(metavar="RANDOM|LEAST_OUTSTANDING_REQUESTS", help="How requests are routed to copies.")
    ] = "RANDOM",
    profile: ProfileFile = None,
    cold_start: Annotated[
        bool,
        typer.Option(
            "--cold-start",
            help="Forecast the start-up time of a new copy by phase, instead of a load.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the simulation. The same seed gives the same numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Forecast throughput, latency and cost of a deployment, and its bottleneck. Needs no account.

    Options replace settings of the named deployment for this call. With --model or --config, the options describe a
    deployment that is not in deployments.py. By default requests go to random copies, as in the run from which the
    constants were fitted. The endpoints of this app route with LEAST_OUTSTANDING_REQUESTS, which --routing selects.
    With --cold-start, --profile names a file of measured starts; the default is profiles/starts.json.
    """
    from replicas.cli.tables.forecast import forecast_lines, forecast_table, forecast_title
    from replicas.forecast.pools import forecast_pool
    from replicas.forecast.requested_loads import loads_of
    from replicas.planning.choice import component_named

    described = describe(name, with_config_of_hub(sizing) if from_hub else sizing)
    for note in described.notes:
        tell(note)
    planned = described.plan()
    chosen = component_named(planned, component)
    if cold_start:
        _show_cold_start(planned, chosen, load_options, profile, as_json=as_json)
        return
    loads = loads_of(chosen, load_options, tell)
    with working(f"forecasting {len(loads)} {'load' if len(loads) == 1 else 'loads'}"):
        result = forecast_pool(
            planned,
            chosen,
            loads,
            duration_seconds=DEFAULT_SECONDS if load_options.duration is None else load_options.duration,
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


def _show_cold_start(
    planned: EndpointPlan, component: ComponentPlan, load_options: LoadOptions, profile: Path | None, *, as_json: bool
) -> None:
    from replicas.cli.tables.cold_start import cold_start_lines, cold_start_table, cold_start_title, delays_table
    from replicas.forecast.cold_start import cold_start
    from replicas.forecast.kept_starts import kept_records

    if load_options != LoadOptions():
        raise UsageError("--cold-start does not forecast a load: remove the options of the load")
    result = cold_start(planned, component, kept_records(profile))
    if as_json:
        print_json(result.to_document())
        return
    say(cold_start_title(result))
    show(cold_start_table(result))
    show(delays_table(result))
    say(*cold_start_lines(result))
