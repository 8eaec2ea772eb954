"""Before anything is deployed: `plan`, `models`, `instances`, `check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from replicas.catalogue.instances import instance_types
from replicas.catalogue.models import find_model, model_ids
from replicas.catalogue.regions import known_regions
from replicas.cli.app import Json, app, print_json, show
from replicas.cli.sizing_options import (
    Copies,
    Engine,
    FromHub,
    GpuMemoryShare,
    Instances,
    MaxInputTokens,
    MaxTotalTokens,
    Quantization,
    TensorParallel,
)
from replicas.cli.tables import views
from replicas.cli.wishes import given, wished
from replicas.deployment import file as catalogue
from replicas.deployment.deployment import Deployment
from replicas.errors import SizingError
from replicas.planning.document import plans_document
from replicas.planning.planner import plan as plan_deployment
from replicas.planning.plans import EndpointPlan
from replicas.rules import check_file


@app.command()
def plan(
    name: Annotated[str | None, typer.Argument(help="A deployment of deployments.py. Default: all of them.")] = None,
    model: Annotated[str | None, typer.Option(help="Size a model of the table instead (replicas models).")] = None,
    config: Annotated[Path | None, typer.Option(help="Size the model of a Hugging Face config.json instead.")] = None,
    from_hub: FromHub = False,
    instance: Annotated[str | None, typer.Option(help="Instance type, for example ml.p4d.24xlarge.")] = None,
    instances: Instances = None,
    engine: Engine = None,
    quantization: Quantization = None,
    copies: Copies = None,
    tensor_parallel: TensorParallel = None,
    max_input_tokens: MaxInputTokens = None,
    max_total_tokens: MaxTotalTokens = None,
    gpu_memory_share: GpuMemoryShare = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each number is what it is.")] = False,
    as_json: Json = False,
) -> None:
    """Show what becomes of a deployment: copies, accelerators, memory, KV cache, price; or why it does not fit.

    Options change the named deployment for this one look, or describe one with --model or --config.
    """
    wishes = given(
        engine=engine,
        quantization=quantization,
        copies=copies,
        tensor_parallel=tensor_parallel,
        max_input_tokens=max_input_tokens,
        max_total_tokens=max_total_tokens,
        gpu_memory_share=gpu_memory_share,
    )
    shape = given(instance_type=instance, instances=instances)
    deployment = wished(name, model, config, wishes, shape, from_hub=from_hub)
    if deployment is None:
        _plan_all(explain=explain, as_json=as_json)
        return
    _plan_one(deployment, to_deploy=name is not None, explain=explain, as_json=as_json)


@app.command()
def models(as_json: Json = False) -> None:
    """List the models of the table. Any other is sized from its config.json."""
    listed = [find_model(name) for name in model_ids()]
    if as_json:
        print_json([model.to_document() for model in listed])
    else:
        show(views.models_table(listed))


@app.command()
def instances(
    region: Annotated[str | None, typer.Option(help="Only types with a hosting price there.")] = None,
    as_json: Json = False,
) -> None:
    """List the instance types: accelerators, memory, price."""
    if region is not None and region not in known_regions():
        raise typer.BadParameter(f"no region {region!r} is known; regions: {', '.join(known_regions())}")
    listed = [each for each in instance_types().values() if region is None or region in each.hosting_regions]
    if as_json:
        print_json([instance.to_document(region) for instance in listed])
    else:
        show(views.instances_table(listed, region))


@app.command()
def check(
    template: Annotated[Path, typer.Argument(help="A CloudFormation template, JSON or YAML.")],
    region: Annotated[str | None, typer.Option(help="Region that it is meant for.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a template parameter.")
    ] = None,
    practice: Annotated[
        bool,
        typer.Option("--practice", help="Judge practice too: encryption, isolation, rights, images, alarms, tags."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge any template: over-committed endpoints, missing roles, names that will collide, and more."""
    pairs = [entry.partition("=") for entry in parameter or []]
    nameless = [name for name, equals, _ in pairs if not (name and equals)]
    if nameless:
        raise typer.BadParameter(f"--parameter takes NAME=VALUE, not {nameless[0]!r}")
    parameters = {name: value for name, _, value in pairs}
    report = check_file(template, region=region, parameters=parameters, practice=practice)
    if as_json:
        print_json(report.to_document())
    else:
        print("\n".join(views.report_lines(report)))
    if report.problems:
        raise typer.Exit(1)


def _plan_all(*, explain: bool, as_json: bool) -> None:
    plans: list[EndpointPlan] = []
    documents: list[dict[str, Any]] = []
    errors: list[SizingError] = []
    for deployment in catalogue.load_catalogue():
        try:
            plans.append(plan_deployment(deployment))
            documents.append(plans[-1].to_document())
        except SizingError as error:
            errors.append(error)
            documents.append(error.to_document(deployment.name, deployment.instance_type))
    if as_json:
        print_json(plans_document(documents))
    elif explain:
        for planned in plans:
            _print_plan(planned, explain=True)
    elif plans:
        show(views.plans_table(plans))
    if errors and not as_json:
        print(*errors, sep="\n", file=sys.stderr)
    if errors:
        raise typer.Exit(1)


def _plan_one(deployment: Deployment, *, to_deploy: bool, explain: bool, as_json: bool) -> None:
    try:
        planned = plan_deployment(deployment, to_deploy=to_deploy)
    except SizingError as error:
        if not as_json:
            raise
        print_json(error.to_document(deployment.name, deployment.instance_type))
        raise typer.Exit(1) from None
    if as_json:
        print_json(planned.to_document())
    else:
        _print_plan(planned, explain=explain)


def _print_plan(planned: EndpointPlan, *, explain: bool) -> None:
    show(views.plan_table(planned))
    if bounds := views.bounds_table(planned):
        show(bounds)
    for note in views.plan_notes(planned):
        print(note)
    if explain:
        for component in planned.components:
            show(views.reasons_table(component))
