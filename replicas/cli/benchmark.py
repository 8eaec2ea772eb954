"""`replicas benchmark`: measures throughput, latency and cost of a deployment under load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.benchmark.settings import DEFAULT_USERS, Settings
from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, say, show, tell
from replicas.cli.parsing import ProfileFile
from replicas.cli.progress import points
from replicas.cli.region import region_of
from replicas.errors import UsageError

if TYPE_CHECKING:
    from replicas.benchmark.sweep import Distribution


@app.command()
def benchmark(
    context: typer.Context,
    name: Name = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    users: Annotated[
        str, typer.Option(metavar="N,...", help="Numbers of users, one point for each; `article`: the article's nine.")
    ] = ",".join(map(str, DEFAULT_USERS)),
    duration: Annotated[
        float, typer.Option(min=1, help="Duration of each point, seconds.")
    ] = Settings.duration_seconds,
    input_tokens: Annotated[int, typer.Option(min=1, help="Length of a prompt, about.")] = Settings.input_tokens,
    output_tokens: Annotated[int, typer.Option(min=1, help="Length of an answer.")] = Settings.output_tokens,
    fixed_prompt: Annotated[
        bool,
        typer.Option(
            "--fixed-prompt", help="Send the same prompt each time, as in the article; a prefix cache then reuses it."
        ),
    ] = Settings.fixed_prompt,
    stream: Annotated[
        bool,
        typer.Option("--stream/--no-stream", help="Stream the answers, which measures the time to the first token."),
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
        Path | None, typer.Option(metavar="FOLDER", help="Continue an earlier sweep with its users and settings.")
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
    """Measure throughput, latency and cost under a closed loop of users, and compare them with the forecast."""
    from replicas.benchmark import run
    from replicas.cli.parsing import profile_of, users_of
    from replicas.cli.tables.benchmark import benchmark_lines, benchmark_table

    values = {
        "duration_seconds": ("duration", duration),
        "input_tokens": ("input_tokens", input_tokens),
        "output_tokens": ("output_tokens", output_tokens),
        "fixed_prompt": ("fixed_prompt", fixed_prompt),
        "stream": ("stream", stream),
        "ramp_seconds": ("ramp", ramp),
        "warmup_requests": ("warmup", warmup),
        "seed": ("seed", seed),
    }
    distribution = _distribution(workers, expect_workers, bind)
    with points(quiet=as_json) as progress:
        done = run(
            name,
            endpoint=endpoint,
            component=component,
            region=region_of(region, name),
            users=users_of(users) if _is_given(context, "users") else None,
            settings={field: value for field, (option, value) in values.items() if _is_given(context, option)},
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
        say(*benchmark_lines(done))
    if done.failure:
        raise done.failure
    if done.interrupted:
        tell(f"interrupted: what was measured is kept; --resume {done.folder} goes on")
        raise typer.Exit(130)


def _is_given(context: typer.Context, option: str) -> bool:
    """True if the option is on the command line, False if it has its default value."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _distribution(workers: int, expected: int, bind: str) -> Distribution | None:
    from replicas.benchmark.sweep import Distribution

    if workers and expected:
        raise UsageError("--workers starts them here, --expect-workers waits for others: one of the two")
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--bind {bind!r}: HOST:PORT, for example 10.0.0.5:5557")
    if not (workers or expected):
        return None
    if expected:
        tell(f"waiting for {expected} workers: python -m replicas.benchmark.load --worker {host}:{port}")
    return Distribution(workers or expected, host, int(port), starts_workers=bool(workers))
