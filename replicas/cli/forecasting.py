"""`replicas forecast`: what a deployment will carry, before anything is deployed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, show
from replicas.cli.profile import ProfileFile
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

if TYPE_CHECKING:
    from replicas.forecast import Forecast, Load, Point
    from replicas.forecast.simulation import Routing
    from replicas.planning.plans import ComponentPlan, EndpointPlan


@app.command()
def forecast(
    name: Annotated[str | None, typer.Argument(help="A deployment of deployments.py.")] = None,
    model: Annotated[str | None, typer.Option(help="A model of the table instead (replicas models).")] = None,
    config: Annotated[Path | None, typer.Option(help="The model of a Hugging Face config.json instead.")] = None,
    from_hub: FromHub = False,
    component: Annotated[str | None, typer.Option(help="Which component, where there are several.")] = None,
    users: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            help="Users in a closed loop, a point each; `article` for the article's nine. "
            "Default: the declared traffic, or else those nine.",
        ),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="R,...", help="Requests that arrive a second (Poisson) instead, a point each.")
    ] = None,
    input_tokens: Annotated[
        int | None, typer.Option(help="Length of a prompt. Default: the declared traffic's, or else 1000.")
    ] = None,
    output_tokens: Annotated[
        int | None, typer.Option(help="Length of an answer. Default: the declared traffic's, or else 50.")
    ] = None,
    shared_tokens: Annotated[
        int, typer.Option(help="Tokens that all prompts begin with alike: what a prefix cache can find again.")
    ] = 0,
    duration: Annotated[float, typer.Option(help="Seconds of each point.")] = 90,
    routing: Annotated[
        str, typer.Option(metavar="RANDOM|LEAST_OUTSTANDING_REQUESTS", help="How requests find a copy.")
    ] = "RANDOM",
    instance: Annotated[str | None, typer.Option(help="Instance type, for example ml.p4de.24xlarge.")] = None,
    instances: Instances = None,
    engine: Engine = None,
    quantization: Quantization = None,
    copies: Copies = None,
    tensor_parallel: TensorParallel = None,
    max_input_tokens: MaxInputTokens = None,
    max_total_tokens: MaxTotalTokens = None,
    gpu_memory_share: GpuMemoryShare = None,
    profile: ProfileFile = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Forecast throughput, latency and cost of a deployment, and what saturates first. Needs no account.

    Options change the named deployment for this one look, or describe one with --model or --config. Requests are
    spread at random by default, as in the run that the constants rest on; an endpoint made here routes by
    LEAST_OUTSTANDING_REQUESTS, whose gain is shown with --routing.
    """
    from replicas.cli.profile import profile_of_file
    from replicas.cli.wishes import given, wished
    from replicas.forecast import forecast as forecast_component
    from replicas.planning.planner import plan

    if users is not None and rate is not None:
        raise typer.BadParameter("--users is a closed loop, --rate are arrivals: one of the two")
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
        raise typer.BadParameter("give NAME, --model or --config")
    planned = plan(deployment, to_deploy=name is not None)
    chosen = _chosen(planned, component)
    loads = _loads(chosen, users, rate, given(input_tokens=input_tokens, output_tokens=output_tokens), shared_tokens)
    told = forecast_component(
        planned,
        chosen,
        loads,
        duration_seconds=duration,
        seed=seed,
        routing=_routing(routing),
        profile=profile_of_file(profile),
    )
    if as_json:
        print_json(told.to_document())
    else:
        _present(told, planned)


def _loads(
    component: ComponentPlan, users: str | None, rate: str | None, lengths: dict[str, int], shared: int
) -> list[Load]:
    """What was asked about; what was not is the traffic that the deployment declares, or the article's."""
    from replicas.cli.users import user_counts
    from replicas.cost.statement import declared_load
    from replicas.forecast import Load

    declared = declared_load(component)
    base = declared or Load(users=1, input_tokens=1000, output_tokens=50)
    base = replace(base, shared_tokens=shared, **lengths)
    if rate is not None:
        return [replace(base, users=None, requests_per_second=each) for each in _rates(rate)]
    if users is None and declared is not None:
        return [base]
    counts = user_counts("article" if users is None else users)
    return [replace(base, users=count, requests_per_second=None) for count in counts]


def _rates(text: str) -> list[float]:
    try:
        return sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise typer.BadParameter(f"--rate {text!r}: numbers with commas between (2,5.5,10)") from None


def _routing(text: str) -> Routing:
    from typing import get_args

    from replicas.forecast.simulation import Routing

    known: dict[str, Routing] = {each: each for each in get_args(Routing)}
    if text not in known:
        raise typer.BadParameter(f"--routing {text!r}: {' or '.join(known)}")
    return known[text]


def _chosen(planned: EndpointPlan, wanted: str | None) -> ComponentPlan:
    names = [each.name for each in planned.components]
    if wanted is None and len(names) == 1:
        return planned.components[0]
    if wanted not in names:
        given = (
            f"{planned.name} has no component {wanted!r}" if wanted else f"{planned.name} has {len(names)} components"
        )
        raise typer.BadParameter(f"{given}: --component {' or '.join(names)}")
    return planned.components[names.index(wanted)]


# ---- for people

_COLUMNS = (
    *("users", "requests", "req/s", "req/s window", "p50 s", "p90 s", "p99 s", "TTFT p50 s", "TTFT p90 s"),
    *("tokens/s", "USD / M tokens", "refused"),
)


def _present(told: Forecast, planned: EndpointPlan) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    by_rate = any(point.users is None for point in told.points)
    for title in ("arrivals/s", *_COLUMNS[1:]) if by_rate else _COLUMNS:
        table.add_column(title, justify="right")
    for point in told.points:
        table.add_row(*_row(point))
    component = next(each for each in planned.components if each.name == told.component)
    print(
        f"{told.deployment}: {component.copies} x {component.model.id} by {told.engine} on "
        f"{planned.instances} x {planned.instance.name}, routed {told.routing}"
    )
    show(table)
    print(f"confidence: {told.confidence} ({told.basis})")
    print(f"saturates first: {told.limits.first + ': ' if told.limits.first else ''}{told.limits.why}")


def _row(point: Point) -> list[str]:
    cost = point.usd_per_million_output_tokens
    return [
        f"{point.users:,}" if point.users is not None else f"{point.requests_per_second_offered:g}",
        f"{point.requests:,}",
        f"{point.requests_per_second_elapsed:.2f}",
        f"{point.requests_per_second_window:.2f}",
        *(
            "-" if seconds is None else f"{seconds:.2f}"
            for seconds in (
                point.latency_p50_seconds,
                point.latency_p90_seconds,
                point.latency_p99_seconds,
                point.ttft_p50_seconds,
                point.ttft_p90_seconds,
            )
        ),
        f"{point.output_tokens_per_second:,.0f}",
        f"{cost:.2f}" if cost is not None else "-",
        f"{point.refused:,}",
    ]
