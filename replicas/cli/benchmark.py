"""`replicas benchmark`: how many requests a deployment answers, and how fast."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, show, tell

if TYPE_CHECKING:
    from replicas.operations.benchmark.result import Result
    from replicas.operations.benchmark.settings import Settings
    from replicas.operations.benchmark.sweep import Distribution


@app.command()
def benchmark(
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
    resume: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Go on with an earlier sweep.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that make the load. 0: one, without Locust's master.")
    ] = 0,
    expect_workers: Annotated[int, typer.Option(min=0, help="Wait for so many workers on other machines.")] = 0,
    bind: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where workers come to.")] = "127.0.0.1:5557",
    as_json: Json = False,
) -> None:
    """Measure throughput, latency and cost under a closed loop of users; a table, plots and one page."""
    from replicas.cli.users import user_counts
    from replicas.operations.aws import Aws
    from replicas.operations.benchmark.result import Result, check_resumable, load, save
    from replicas.operations.benchmark.settings import Settings
    from replicas.operations.benchmark.subject import find_subject, plan_of, versions
    from replicas.operations.benchmark.sweep import Interrupted, sweep, warm_up
    from replicas.operations.deployed import find_deployed

    _need_locust()
    counts = user_counts(users)
    distribution = _distribution(workers, expect_workers, bind)
    if resume and out:
        raise typer.BadParameter("--resume goes on in its own folder: without --out")
    settings = Settings(
        duration_seconds=duration,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        fixed_prompt=fixed_prompt,
        stream=stream,
        ramp_seconds=ramp,
        warmup_requests=warmup,
        seed=seed,
    )
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    subject = find_subject(aws, deployed, deployed.component(component))
    if resume:
        result = load(resume)
        check_resumable(result, subject, settings)
    else:
        result = Result(subject=subject, settings=settings, versions=versions(), plan=plan_of(deployed.name))
    if warmup:
        tell(f"warming up: {warmup} requests")
        warm_up(aws, subject, settings)
    folder = resume or out or Path("benchmarks", deployed.name, datetime.now().strftime("%Y-%m-%dT%H-%M-%S"))
    folder.mkdir(parents=True, exist_ok=True)
    save(result, folder)
    interrupted = False
    with _Board(settings, len(counts), quiet=as_json) as board:
        try:
            result = sweep(result, counts, folder, progress=board.update, distribution=distribution)
        except Interrupted as stopped:
            result, interrupted = stopped.result, True
    _present(result, folder, as_json=as_json)
    if interrupted:
        tell(f"interrupted: what was measured is kept; --resume {folder} goes on")
        raise typer.Exit(130)


class _Board:
    """The progress of a sweep, a line a point, on stderr."""

    def __init__(self, settings: Settings, points: int, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._duration = settings.duration_seconds
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=quiet)
        self._tasks: dict[int, object] = {}
        self._points = points

    def __enter__(self) -> _Board:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, users: int, now: object) -> None:
        """Show how far a point is."""
        from rich.progress import TaskID

        from replicas.operations.benchmark.sweep import Progress

        assert isinstance(now, Progress)  # noqa: S101 (what a sweep tells)
        if users not in self._tasks:
            self._tasks[users] = self._progress.add_task(f"{users} users", total=self._duration, state="")
        task = self._tasks[users]
        assert isinstance(task, int)  # noqa: S101
        rate = now.requests / now.elapsed if now.elapsed else 0.0
        drain = ", waiting for the last answers" if now.elapsed > self._duration else ""
        errors = f", {now.errors} errors" if now.errors else ""
        state = f"{now.users} asking, {now.requests} answered, {rate:.1f} req/s{errors}{drain}"
        self._progress.update(TaskID(task), completed=min(now.elapsed, self._duration), state=state)


def _present(result: Result, folder: Path, *, as_json: bool) -> None:
    from replicas.operations.benchmark.report import COLUMNS, article_points, row, write_report

    page = write_report(result, folder) if result.points else None
    if as_json:
        print_json({**result.document(), "folder": str(folder)})
        return
    from rich.table import Table

    article = article_points(result)
    shown = [index for index, (title, _) in enumerate(COLUMNS) if article or not title.startswith("article")]
    table = Table(box=None, pad_edge=False)
    for index in shown:
        table.add_column(COLUMNS[index][0], justify="right")
    for point in result.points:
        cells = row(point, article.get(point.users))
        table.add_row(*(cells[index] for index in shown))
    show(table)
    for point in result.points:
        for kind, count in point.errors.items():
            print(f"{point.users} users: {count} requests: {kind}")
    if page:
        print(f"page with plots: {page}")


def _distribution(workers: int, expected: int, bind: str) -> Distribution | None:
    from replicas.operations.benchmark.sweep import Distribution

    if workers and expected:
        raise typer.BadParameter("--workers starts them here, --expect-workers waits for others: one of the two")
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter(f"--bind {bind!r}: HOST:PORT, for example 10.0.0.5:5557")
    if not (workers or expected):
        return None
    if expected:
        tell(f"waiting for {expected} workers: python -m replicas.operations.benchmark.load --worker {host}:{port}")
    return Distribution(workers or expected, host, int(port), starts_workers=bool(workers))


def _need_locust() -> None:
    from importlib.util import find_spec

    from replicas.operations.errors import OperationError

    missing = [package for package in ("locust", "matplotlib") if find_spec(package) is None]
    if missing:
        raise OperationError(f"{' and '.join(missing)} missing: pip install 'replicas[benchmark]'")
