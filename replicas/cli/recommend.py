"""`replicas recommend`: finds the cheapest instance type, quantization, engine and layout for a load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.load_flags import load_flags
from replicas.cli.progress import phases
from replicas.cli.sizing_flags import sizing_flags
from replicas.load.options import LoadOptions
from replicas.planning.sizing_options import SizingOptions


@app.command()
@sizing_flags(
    only=(
        *("config", "quant_config", "instance", "fallback_instance_types"),
        *("engine", "quantization", "max_total_tokens"),
    ),
    several=True,
)
@load_flags()
def recommend(
    model: Annotated[str, typer.Argument(help="A model of the table (replicas models).")],
    sizing: SizingOptions,
    load_options: LoadOptions,
    latency_p90: Annotated[
        float | None,
        typer.Option(
            help="Maximum 90th percentile of the latency, seconds. Default: 60, SageMaker's limit for an answer."
        ),
    ] = None,
    ttft_p90: Annotated[
        float | None, typer.Option(help="Maximum 90th percentile of the time to the first token, seconds.")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="FIGURE_P=S,...",
            help="Latency limits, for example ttft_p90=0.5,tpot_p50=0.03,latency_p99=20 (latency, ttft, tpot; p50, p90,"
            " p99; seconds).",
        ),
    ] = None,
    max_usd_per_hour: Annotated[
        float | None, typer.Option(help="Maximum price of all instances together, USD per hour.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Consider only instance types of this region, at its prices.")
    ] = None,
    max_instances: Annotated[int, typer.Option(help="Maximum number of instances of an endpoint.")] = 10,
    token_secret: Annotated[
        str | None, typer.Option(help="For gated weights: name of the Secrets Manager secret with the token.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    top: Annotated[int, typer.Option(min=1, help="Number of layouts to print, with full forecasts.")] = 10,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the Pareto frontier of price and latency as PNG (extra `benchmark`).")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write the ranking and the frontier to this HTML page.")] = None,
    as_json: Json = False,
) -> None:
    """Recommend a layout: every instance type, quantization and split of a model that fits, forecast under the load.

    The layouts are ranked by USD per million output tokens at the load, each with the fewest instances that meet the
    objective. Needs no AWS account.
    """
    from replicas.cli.tables.recommend import load_and_objective, recommendation_lines, recommendation_table
    from replicas.recommend import recommend as find_layouts
    from replicas.recommend.plot import check, draw
    from replicas.recommend.requested import requested

    requirements = requested(
        replace(sizing, model=model),
        load_options,
        objective=objective,
        latency_p90_seconds=latency_p90,
        ttft_p90_seconds=ttft_p90,
        max_usd_per_hour=max_usd_per_hour,
        region=region,
        max_instances=max_instances,
        token_secret=token_secret,
        seed=seed,
        tell=tell,
    )
    if plot is not None:
        check(plot)
    with phases() as progress:
        recommendation = find_layouts(requirements, top=top, progress=progress)
    if plot is not None:
        draw(f"{model}: {load_and_objective(recommendation)}", recommendation.spots, requirements.objective, plot)
        tell(f"plot of the frontier: {plot}")
    if page is not None:
        from replicas.recommend.page import write_recommendation

        write_recommendation(recommendation, load_and_objective(recommendation), page, top=top)
        tell(f"page: {page}")
    if as_json:
        print_json(recommendation.to_document())
    else:
        say(f"{model}: {load_and_objective(recommendation)}")
        if recommendation.ranked:
            show(recommendation_table(recommendation, top))
        say(*recommendation_lines(recommendation, top))
    if recommendation.best is None:
        raise typer.Exit(1)
