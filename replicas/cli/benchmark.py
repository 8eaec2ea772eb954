"""`replicas benchmark`: measures throughput, latency and cost of a deployment under load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from replicas.benchmark.settings import Settings
from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, say, show, tell
from replicas.cli.load_flags import load_flags
from replicas.cli.parsing import ProfileFile
from replicas.cli.progress import points
from replicas.cli.region import region_of
from replicas.errors import UsageError
from replicas.load import Load
from replicas.load.objectives import Bounds
from replicas.load.options import LoadOptions

if TYPE_CHECKING:
    from replicas.benchmark.sweep import Distribution


@app.command()
@load_flags()
def benchmark(
    context: typer.Context,
    load_options: LoadOptions,
    name: Name = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="FIGURE_P=S,...",
            help="Latency limits, for example ttft_p90=0.5,latency_p90=15 (latency, ttft, tpot; p50, p90, p99; "
            "seconds). Prints the goodput. Exit code 1 if a load exceeds a limit.",
        ),
    ] = None,
    hold: Annotated[
        str | None,
        typer.Option(
            metavar="FIGURE_P=S,...",
            help="Search for the highest load within these limits, in at most 8 measurements. The search "
            "starts at --users, --rate or --burst, by default at the load that the forecast suggests.",
        ),
    ] = None,
    fixed_prompt: Annotated[
        bool,
        typer.Option(
            "--fixed-prompt",
            help="Send the same prompt in every request, as the article did. A prefix cache reuses it.",
        ),
    ] = Settings.fixed_prompt,
    stream: Annotated[
        bool,
        typer.Option("--stream/--no-stream", help="Stream the answers, to measure the time to the first token."),
    ] = Settings.stream,
    ramp: Annotated[
        float, typer.Option(min=0, help="Seconds over which the users start. 0: all at once.")
    ] = Settings.ramp_seconds,
    warmup: Annotated[
        int, typer.Option(min=0, help="Requests to send before the measurement begins.")
    ] = Settings.warmup_requests,
    seed: Annotated[int, typer.Option(help="Seed of the prompts.")] = Settings.seed,
    out: Annotated[Path | None, typer.Option(help="Folder for the results. Default: benchmarks/NAME/<time>.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Continue an earlier run with its users and settings.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that generate the load. 0: one process, without Locust's master.")
    ] = 0,
    expect_workers: Annotated[int, typer.Option(min=0, help="Number of workers on other machines to wait for.")] = 0,
    bind: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Address on which workers connect.")
    ] = "127.0.0.1:5557",
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Measure throughput, latency and cost under one or more loads, and compare the results with the forecast.

    Default load: 100 and 500 users in a closed loop, prompts of 1000 tokens, answers of 50 tokens, for 90 s.
    """
    from replicas.benchmark import run
    from replicas.benchmark.result import name_of_point
    from replicas.cli.parsing import profile_of
    from replicas.cli.tables.benchmark import benchmark_lines, benchmark_table, comparison_table

    values = {
        "fixed_prompt": ("fixed_prompt", fixed_prompt),
        "stream": ("stream", stream),
        "ramp_seconds": ("ramp", ramp),
        "warmup_requests": ("warmup", warmup),
        "seed": ("seed", seed),
    }
    if hold is not None and objective is not None:
        raise UsageError(
            "--hold searches for the highest load, --objective checks the given loads: give only one of the two"
        )
    text = hold if hold is not None else objective
    bounds = None if text is None else Bounds.parse(text, option="--hold" if hold is not None else "--objective")
    loads = load_options.loads(Load(input_tokens=1), tell) if load_options.names_a_load else []
    settings = {
        **{field: value for field, (option, value) in values.items() if _is_given(context, option)},
        **load_options.lengths,
        **({} if load_options.duration is None else {"duration_seconds": load_options.duration}),
        **_of_trace(load_options, loads),
    }
    distribution = _distribution(workers, expect_workers, bind)
    with points(quiet=as_json) as progress:
        done = run(
            name,
            endpoint=endpoint,
            component=component,
            region=region_of(region, name),
            users=[load.users for load in loads if load.users is not None] or None,
            rates=[load.requests_per_second for load in loads if load.requests_per_second is not None] or None,
            bursts=[load.burst for load in loads if load.burst is not None] or None,
            objective=bounds,
            searches=hold is not None,
            settings=settings,
            out=out,
            resume=resume,
            distribution=distribution,
            profile=profile_of(profile),
            progress=progress,
            tell=tell,
        )
    if as_json:
        print_json(done.to_document())
    elif done.result.points:
        show(benchmark_table(done.result))
        if compared := comparison_table(done.result):
            show(compared)
        say(*benchmark_lines(done))
    if done.failure:
        raise done.failure
    if done.interrupted:
        tell(f"interrupted: the finished measurements are kept; continue with --resume {done.folder}")
        raise typer.Exit(130)
    missing = [name_of_point(point) for point in done.result.points if point.misses]
    if hold is None and bounds is not None and missing:
        tell(f"the objective {bounds} is missed by {', '.join(missing)}")
        raise typer.Exit(1)
    if hold is not None and (done.result.highest or {}).get("holds") is None:
        raise typer.Exit(1)


def _of_trace(load_options: LoadOptions, loads: list[Load]) -> dict[str, Any]:
    """Return the settings of a trace: its file and, without --duration, its duration.

    The result is empty if the load is not a trace.
    """
    if load_options.trace is None:
        return {}
    seconds = loads[0].trace.seconds if loads[0].trace else 0.0
    return {
        "trace": str(load_options.trace),
        **({} if load_options.duration is not None else {"duration_seconds": seconds}),
    }


def _is_given(context: typer.Context, option: str) -> bool:
    """True if the option is on the command line, False if it has its default value."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _distribution(workers: int, expected: int, bind: str) -> Distribution | None:
    from replicas.benchmark.sweep import Distribution

    if workers and expected:
        raise UsageError(
            "--workers starts workers on this computer, --expect-workers waits for others: give only one of the two"
        )
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--bind {bind!r}: write HOST:PORT, for example 10.0.0.5:5557")
    if not (workers or expected):
        return None
    if expected:
        tell(f"waiting for {expected} workers: python -m replicas.benchmark.load --worker {host}:{port}")
    return Distribution(workers or expected, host, int(port), starts_workers=bool(workers))
