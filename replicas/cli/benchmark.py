"""`replicas benchmark`: how many requests a deployment answers, and how fast."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, show, tell
from replicas.cli.parsing import ProfileFile
from replicas.cli.progress import points

if TYPE_CHECKING:
    from replicas.benchmark.result import Result
    from replicas.benchmark.sweep import Distribution


@app.command()
def benchmark(
    context: typer.Context,
    name: Name = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    users: Annotated[
        str, typer.Option(metavar="N,...", help="Numbers of users, a point each; `article` for the article's nine.")
    ] = "100,500",
    duration: Annotated[float, typer.Option(min=1, help="Seconds of each point.")] = 90,
    input_tokens: Annotated[int, typer.Option(min=1, help="Length of a prompt, about.")] = 1000,
    output_tokens: Annotated[int, typer.Option(min=1, help="Length of an answer.")] = 50,
    fixed_prompt: Annotated[
        bool, typer.Option("--fixed-prompt", help="One prompt for all, as in the article (a prefix cache answers it).")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Streamed answers tell the time to the first token.")
    ] = True,
    ramp: Annotated[float, typer.Option(min=0, help="Seconds over which the users start. 0: all at once.")] = 0,
    warmup: Annotated[int, typer.Option(min=0, help="Requests before anything is measured.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the prompts.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the results. Default: benchmarks/NAME/<time>.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Go on with an earlier sweep, its users and settings.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that make the load. 0: one, without Locust's master.")
    ] = 0,
    expect_workers: Annotated[int, typer.Option(min=0, help="Wait for so many workers on other machines.")] = 0,
    bind: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where workers come to.")] = "127.0.0.1:5557",
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Measure throughput, latency and cost under a closed loop of users, beside the forecast; a table and a page."""
    _need_locust()
    from replicas.aws.deployed import find_deployed
    from replicas.aws.session import Aws
    from replicas.benchmark.beside import beside
    from replicas.benchmark.result import Result, check_resumable, discard, load, save
    from replicas.benchmark.settings import Settings
    from replicas.benchmark.subject import find_subject, plan_of, versions
    from replicas.benchmark.sweep import Interrupted, sweep, warm_up
    from replicas.cli.parsing import profile_of, users_of
    from replicas.errors import OperationError

    counts = users_of(users)
    forecast_profile = profile_of(profile)
    distribution = _distribution(workers, expect_workers, bind)
    if resume and out:
        raise typer.BadParameter("--resume goes on in its own folder: without --out")
    asked = {
        "duration_seconds": ("duration", duration),
        "input_tokens": ("input_tokens", input_tokens),
        "output_tokens": ("output_tokens", output_tokens),
        "fixed_prompt": ("fixed_prompt", fixed_prompt),
        "stream": ("stream", stream),
        "ramp_seconds": ("ramp", ramp),
        "warmup_requests": ("warmup", warmup),
        "seed": ("seed", seed),
    }
    settings = Settings(**{field: value for field, (_, value) in asked.items()})  # type: ignore[arg-type]
    earlier = load(resume) if resume else None
    if earlier:  # what is not given on the command line is as it was
        given = {field: value for field, (option, value) in asked.items() if _is_given(context, option)}
        settings = replace(earlier.settings, **given)  # type: ignore[arg-type]
        counts = counts if _is_given(context, "users") else list(earlier.users)
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    subject = find_subject(aws, deployed, deployed.component(component))
    if earlier:
        check_resumable(earlier, subject, settings)
        result = replace(earlier, users=tuple(counts))
    else:
        plan = plan_of(deployed.name)
        result = Result(subject=subject, settings=settings, versions=versions(), plan=plan, users=tuple(counts))
    folder = resume or out or Path("benchmarks", deployed.name, datetime.now().strftime("%Y-%m-%dT%H-%M-%S"))
    if not resume and (folder / "result.json").exists():
        raise OperationError(
            f"{folder} holds an earlier result: --resume {folder} goes on with it, or name another --out"
        )
    save(result, folder)  # before anything is paid for: where it cannot be written, it is said now
    if all(map(result.is_measured, counts)):
        tell("every point is measured already: --users names others")
    elif settings.warmup_requests:
        tell(f"warming up: {settings.warmup_requests} requests")
        try:
            warm_up(aws, subject, settings)
        except BaseException:
            if not resume:
                discard(folder)
            raise
    interrupted, failure = False, None
    with points(settings.duration_seconds, quiet=as_json) as progress:
        try:
            result = sweep(result, counts, folder, progress=progress, distribution=distribution)
        except Interrupted as stopped:
            result, interrupted = stopped.result, True
        except OperationError as fault:
            result, failure = load(folder), fault
    result = replace(result, forecast=beside(result, forecast_profile))
    save(result, folder)
    if result.points or as_json:
        _present(result, folder, as_json=as_json)
    if failure:
        raise OperationError(f"{failure}; whole points are kept: --resume {folder} goes on")
    if result.points and not any(point.success_percent for point in result.points):
        raise OperationError(f"not one request was answered: `replicas status {deployed.name}`, `replicas chat`")
    if interrupted:
        tell(f"interrupted: what was measured is kept; --resume {folder} goes on")
        raise typer.Exit(130)


def _is_given(context: typer.Context, option: str) -> bool:
    """True where the command line names the option."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _present(result: Result, folder: Path, *, as_json: bool) -> None:
    from replicas.benchmark.report import columns, rows, write_report

    page = write_report(result, folder) if result.points else None
    if as_json:
        print_json({**result.to_document(), "folder": str(folder)})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title, _ in columns(result):
        table.add_column(title, justify="right")
    for cells in rows(result):
        table.add_row(*cells)
    show(table)
    if result.forecast:
        missing = result.forecast.get("missing")
        print(f"no forecast: {missing}" if missing else f"forecast: {result.forecast['confidence']}")
    for point in result.points:
        for kind, count in point.errors.items():
            print(f"{point.users} users: {count} requests: {kind}")
    if page:
        print(f"page with plots: {page}")


def _distribution(workers: int, expected: int, bind: str) -> Distribution | None:
    from replicas.benchmark.sweep import Distribution

    if workers and expected:
        raise typer.BadParameter("--workers starts them here, --expect-workers waits for others: one of the two")
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter(f"--bind {bind!r}: HOST:PORT, for example 10.0.0.5:5557")
    if not (workers or expected):
        return None
    if expected:
        tell(f"waiting for {expected} workers: python -m replicas.benchmark.load --worker {host}:{port}")
    return Distribution(workers or expected, host, int(port), starts_workers=bool(workers))


def _need_locust() -> None:
    from importlib.util import find_spec

    from replicas.errors import OperationError
    from replicas.installation import missing_module

    for module in ("locust", "matplotlib"):
        if find_spec(module) is None:
            raise OperationError(missing_module(module))
