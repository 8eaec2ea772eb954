"""Commands that need no AWS account: `plan`, `models`, `instances`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from replicas.catalogue.instances import instance_types, left_out
from replicas.catalogue.models import find_model, model_ids
from replicas.catalogue.regions import known_regions
from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.completing import deployment_names
from replicas.cli.progress import working
from replicas.cli.sizing_flags import FromHub, sizing_flags, with_config_of_hub
from replicas.cli.tables import catalogue as catalogue_tables
from replicas.cli.tables import plans as plan_tables
from replicas.deployment import file as catalogue
from replicas.errors import HubError, ReplicasError, SizingError
from replicas.planning.plans import EndpointPlan
from replicas.planning.sizing_options import DescribedDeployment, SizingOptions, describe


@app.command()
@sizing_flags()
def plan(
    sizing: SizingOptions,
    name: Annotated[
        str | None,
        typer.Argument(help="A deployment of deployments.py. Default: all of them.", autocompletion=deployment_names),
    ] = None,
    from_hub: FromHub = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print the reason for each number.")] = False,
    as_json: Json = False,
) -> None:
    """Size a deployment: copies, accelerators, memory, KV cache and price, or the reason why it does not fit.

    Options replace settings of the named deployment for this call. With --model or --config, the options describe a
    deployment that is not in deployments.py.
    """
    if from_hub:
        sizing = with_config_of_hub(sizing)
    if name is None and sizing.is_empty:
        _plan_all(explain=explain, as_json=as_json)
    else:
        _plan_one(describe(name, sizing), explain=explain, as_json=as_json)


@app.command()
def models(
    add: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Add a repository of the Hub to the table, with its source (needs the network)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the models of the table, or add one. Other models are sized from their config.json."""
    if add is not None:
        _add(add, as_json=as_json)
        return
    listed = [find_model(name) for name in model_ids()]
    if as_json:
        print_json([model.to_document() for model in listed])
    else:
        show(catalogue_tables.models_table(listed))


@app.command()
def instances(
    region: Annotated[str | None, typer.Option(help="Only types with a hosting price in this region.")] = None,
    as_json: Json = False,
) -> None:
    """List the instance types: accelerators, memory, price."""
    if region is not None and region not in known_regions():
        raise typer.BadParameter(f"unknown region {region!r}: use one of {', '.join(known_regions())}")
    listed = [entry for entry in instance_types().values() if region is None or region in entry.hosting_regions]
    if as_json:
        print_json([instance.to_document(region) for instance in listed])
    else:
        show(catalogue_tables.instances_table(listed, region))
        say(*catalogue_tables.left_out_notes(left_out()))


def _add(repository: str, *, as_json: bool) -> None:
    from replicas.catalogue.adding import add_model
    from replicas.catalogue.published import fetch

    published = fetch(repository)
    try:
        added = add_model(published, date.today())
    except ReplicasError:
        raise
    except ValueError as fault:
        raise HubError(f"{published.snapshot.repository}: {fault}") from None
    if not published.states_a_size:
        tell(f"{added.model.id}: the computed size of the weights is not verified, because the Hub states no size")
    if as_json:
        print_json([added.model.to_document()])
        return
    kind = "a new architecture" if added.has_new_architecture else "the architecture"
    say(f"added {added.model.id} with {kind} {added.architecture} to {added.table}")
    show(catalogue_tables.models_table([added.model]))


def _plan_all(*, explain: bool, as_json: bool) -> None:
    from replicas.planning.catalogue_plans import plan_all

    entries = catalogue.read_entries()
    if not entries:
        tell(catalogue.EMPTY)
    with working("planning every deployment"):
        planned = plan_all(entries).changed(_with_warnings)
    if as_json:
        print_json(planned.to_document())
    elif explain:
        for endpoint in planned.plans:
            _print_plan(endpoint, explain=True)
    elif planned.plans:
        show(plan_tables.plans_table(planned.plans))
        for endpoint in planned.plans:
            for warning in endpoint.warnings:
                say(f"warning: {endpoint.name}: {warning}")
    if planned.refusals and not as_json:
        tell(*map(str, planned.refusals))
    if planned.refusals:
        raise typer.Exit(1)


def _plan_one(described: DescribedDeployment, *, explain: bool, as_json: bool) -> None:
    for note in described.notes:
        tell(note)
    try:
        planned = described.plan()
    except SizingError as error:
        if not as_json:
            raise
        print_json(error.to_document(described.deployment.name, described.deployment.instance_type))
        raise typer.Exit(1) from None
    planned = _with_warnings(planned)
    if as_json:
        print_json(planned.to_document())
    else:
        _print_plan(planned, explain=explain)


def _with_warnings(planned: EndpointPlan) -> EndpointPlan:
    """Return the plan with warnings about its declared traffic. Without traffic, the forecast is not imported."""
    if not any(component.traffic for component in planned.components):
        return planned
    from replicas.forecast.declared import with_traffic_warnings

    return with_traffic_warnings(planned)


def _print_plan(planned: EndpointPlan, *, explain: bool) -> None:
    show(plan_tables.plan_table(planned))
    if bounds := plan_tables.bounds_table(planned):
        show(bounds)
    for note in plan_tables.plan_notes(planned):
        say(note)
    if explain:
        for component in planned.components:
            show(plan_tables.reasons_table(component))
