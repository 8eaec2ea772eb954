"""`replicas recommend`: which instances, quantization, engine and layout carry a load for the least money."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, show, tell
from replicas.engines import DEFAULT_ENGINE, engine_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from replicas.recommend import Ranked, Recommendation
    from replicas.recommend.options import Option
    from replicas.recommend.ranking import Told


@app.command()
def recommend(
    model: Annotated[str, typer.Argument(help="A model of the table (replicas models).")],
    input_tokens: Annotated[int, typer.Option(help="Length of a prompt.")],
    output_tokens: Annotated[int, typer.Option(help="Length of an answer.")],
    users: Annotated[int | None, typer.Option(help="Users in a closed loop. This or --rate.")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests that arrive a second (Poisson).")] = None,
    latency_p90: Annotated[
        float | None,
        typer.Option(help="Seconds that nine of ten answers take at most. Default: 60, when SageMaker ends them."),
    ] = None,
    ttft_p90: Annotated[
        float | None, typer.Option(help="Seconds to the first token that nine of ten take at most.")
    ] = None,
    max_usd_per_hour: Annotated[float | None, typer.Option(help="Of all instances together.")] = None,
    region: Annotated[str | None, typer.Option(help="Only what this region has, at its prices.")] = None,
    instance: Annotated[
        list[str] | None, typer.Option(help="Only this instance type; may be repeated. Default: every type.")
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(engine_names())}, or one with a version; may be repeated. Default: {DEFAULT_ENGINE}."
        ),
    ] = None,
    quantization: Annotated[
        list[str] | None, typer.Option(help="Only this one (none, awq, fp8, ...); may be repeated. Default: all.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The config.json of a model that the table does not have.")
    ] = None,
    max_instances: Annotated[int, typer.Option(help="Instances of an endpoint at most.")] = 10,
    max_total_tokens: Annotated[int | None, typer.Option(help="Longest request. Default: as in `plan`.")] = None,
    token_secret: Annotated[
        str | None, typer.Option(help="For gated weights: name of the Secrets Manager secret with the token.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds of each full forecast.")] = 90,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    top: Annotated[int, typer.Option(min=1, help="Layouts to show, with full forecasts.")] = 10,
    plot: Annotated[
        Path | None, typer.Option(help="Write the frontier of price and latency to this PNG (extra `benchmark`).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Recommend a layout: every instance type, quantization and split of a model that fits, forecast under the load.

    Ranked by USD per million output tokens at the load, on as few instances as hold the objective. Needs no account.
    """
    from replicas.forecast import Load
    from replicas.recommend import Objective, Wish
    from replicas.recommend import recommend as recommended
    from replicas.recommend.plot import check, draw

    if (users is None) == (rate is None):
        raise typer.BadParameter(
            "which load? --users N (a closed loop) or --rate R (arrivals a second), one of the two"
        )
    wish = Wish(
        model=model,
        config=config,
        load=Load(users=users, requests_per_second=rate, input_tokens=input_tokens, output_tokens=output_tokens),
        objective=Objective(
            **({} if latency_p90 is None else {"latency_p90_seconds": latency_p90}),
            ttft_p90_seconds=ttft_p90,
            max_usd_per_hour=max_usd_per_hour,
        ),
        engines=tuple(engine or (DEFAULT_ENGINE,)),
        quantizations=tuple(quantization or ()),
        instance_types=tuple(instance or ()),
        region=region,
        max_instances=max_instances,
        max_total_tokens=max_total_tokens,
        token_secret=token_secret,
        duration_seconds=duration,
        seed=seed,
    )
    if plot is not None:
        check(plot)
    found = recommended(wish, top=top, told=watching())
    if plot is not None:
        draw(f"{model}: {asked(found)}", found.spots, wish.objective, plot)
        tell(f"the frontier: {plot}")
    if as_json:
        print_json(found.to_document())
    else:
        _present(found, top)
    if found.best is None:
        raise typer.Exit(1)


def watching() -> Told:
    """Progress on stderr: a line that counts in a terminal, a line a phase elsewhere."""
    last = ""

    def told(what: str, done: int, total: int) -> None:
        nonlocal last
        if sys.stderr.isatty():
            print(f"\r\033[K{what}: {done} of {total}", end="", file=sys.stderr, flush=True)
            if what == "done":
                print("\r\033[K", end="", file=sys.stderr, flush=True)
        elif what not in (last, "done"):
            tell(f"{what} ...")
        last = what

    return told


# ---- for people

_COLUMNS = (
    *("copies", "split", "weights", "USD/M", "USD/h", "req/s", "p50 s", "p90 s", "TTFT p50", "TTFT p90"),
    *("time goes to", "confidence"),
)
_COMMON = "order-of-magnitude"
"""The confidence of most layouts: said once, below the table."""
_LEFT = ("instances", "engine", "weights", "time goes to", "confidence")


def _present(found: Recommendation, top: int) -> None:
    print(f"{found.wish.model}: {asked(found)}")
    if found.ranked:
        show(_table([each.option for each in found.ranked[:top]], several_engines=len(found.wish.engines) > 1))
        print(*_notes(found, top), sep="\n")
    else:
        print("\nNothing holds the objective.")
    if found.missed:
        print("\n" + "\n".join(_misses(found.missed, 3 if found.ranked else top)))
    if found.unfit:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in found.reasons.items())
        print(f"\nDo not fit, by instance type and quantization: {reasons}")
    lines = found.lines()
    if lines:
        print(f"\nFor deployments.py:\n\n{lines}")


def asked(found: Recommendation) -> str:
    """The load and the objective in one line."""
    wish = found.wish
    load, objective = wish.load, wish.objective
    who = f"{load.users:,} users" if load.users is not None else f"{load.requests_per_second:g} requests/s"
    parts = [
        f"{who}, {load.input_tokens:,} tokens in, {load.output_tokens:,} out",
        f"p90 within {objective.latency_p90_seconds:g} s",
    ]
    if objective.ttft_p90_seconds is not None:
        parts.append(f"first token within {objective.ttft_p90_seconds:g} s")
    if objective.max_usd_per_hour is not None:
        parts.append(f"at most {objective.max_usd_per_hour:g} USD an hour")
    return ", ".join(parts)


def _table(options: Iterable[Option], *, several_engines: bool) -> Table:
    from rich.table import Table

    from replicas.cli.tables.options import usd

    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in ("instances", *(("engine",) if several_engines else ()), *_COLUMNS):
        table.add_column(column, justify="left" if column in _LEFT else "right", no_wrap=True)
    for option in options:
        told, limit = option.told, option.limit
        if told is None or limit is None:
            continue
        point = told.points[0]
        seconds = (point.latency_p50_seconds, point.latency_p90_seconds, point.ttft_p50_seconds, point.ttft_p90_seconds)
        table.add_row(
            f"{option.instances} x {option.candidate.instance.name}",
            *((str(option.candidate.part.engine),) if several_engines else ()),
            str(option.copies),
            str(option.candidate.part.accelerators),
            option.candidate.weights.label,
            usd(option.usd_per_million_output_tokens, option.candidate.plan.price),
            usd(option.usd_per_hour, option.candidate.plan.price),
            f"{point.requests_per_second_window:.2f}",
            *("-" if each is None else f"{each:.2f}" for each in seconds),
            f"{limit[0].removesuffix(' bandwidth')} {limit[1]:.0%}",
            "" if told.confidence == _COMMON else told.confidence,
        )
    return table


def _notes(found: Recommendation, top: int) -> Iterable[str]:
    best = found.ranked[0].option.told
    yield f"confidence: {_COMMON}, where nothing else is said"
    yield ""
    yield from found.why()
    if best and best.confidence == "calibrated":
        yield f"Its forecast rests on {best.basis}."
    more = len(found.ranked) - top
    if more > 0:
        yield f"{more} dearer layouts hold the objective too (--top, --json)."
    dearer = found.ranked[0].dearer
    if dearer:
        names = ", ".join(twin.candidate.instance.name for twin in dearer)
        yield f"The same accelerators with a larger host, at a higher price: {names}."
    shown = [each.option.candidate.plan.price for each in found.ranked[:top]]
    if any(price and price.is_estimate for price in shown):
        yield "~: an estimated price."
    unpriced = {each.option.candidate.instance.name for each in found.ranked if each.option.usd_per_hour is None}
    if unpriced:
        yield f"No price is known of {', '.join(sorted(unpriced))}: ranked last."


def _misses(missed: tuple[Ranked, ...], most: int) -> Iterable[str]:
    from replicas.recommend.recommendation import described

    yield f"{len(missed)} layouts miss the objective; the nearest:"
    for each in missed[:most]:
        yield f"  - {described(each.option)}: {'; '.join(short.sentence for short in each.option.shortfalls)}"
