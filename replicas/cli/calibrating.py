"""`replicas calibrate`: an engine profile from what a benchmark measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, show, tell

if TYPE_CHECKING:
    from replicas.benchmark.result import Result
    from replicas.forecast.calibration import Calibration, Measured, Residual


@app.command()
def calibrate(
    result: Annotated[Path, typer.Argument(help="result.json of a benchmark, or its folder.")],
    out: Annotated[Path | None, typer.Option(help="Where the profile goes. Default: profiles/DEPLOYMENT.json.")] = None,
    as_json: Json = False,
) -> None:
    """Fit an engine profile to one run, and print what it leaves unexplained. `--profile` then forecasts with it.

    One constant is fitted, a second where it helps much; whole points without failures count. The forecast with the
    profile is called calibrated only for what the run was.
    """
    import json

    from replicas.benchmark.beside import load_of, planned, routing_of
    from replicas.benchmark.result import read
    from replicas.forecast.calibration import calibrate as fit

    path = result / "result.json" if result.is_dir() else result
    measured = read(path, "`replicas benchmark` writes one")
    endpoint, component = planned(measured.subject)
    found = fit(
        endpoint,
        component,
        _points(measured),
        load=load_of(measured),
        duration_seconds=measured.settings.duration_seconds,
        routing=routing_of(measured.subject),
        described=_described(measured),
        tell=tell,
    )
    target = out or Path("profiles", f"{measured.subject.deployment}.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found.profile.to_document(), indent=2) + "\n")
    if as_json:
        print_json(found.to_document(target))
    else:
        _present(found, target)


def _points(result: Result) -> list[Measured]:
    from replicas.forecast.calibration import Measured

    return [
        Measured(
            users=point.users,
            requests_per_second_window=point.requests_per_second_window,
            latency_p50_seconds=point.latency_seconds.p50,
            ttft_p50_seconds=point.ttft_seconds.p50 if point.ttft_seconds else None,
        )
        for point in result.points
        if not point.interrupted and not point.errors and point.latency_seconds and point.requests_in_window
    ]


def _described(result: Result) -> str:
    subject, settings = result.subject, result.settings
    return (
        f"the run of {result.started} on {subject.endpoint}: {subject.copies} x {subject.model} on "
        f"{subject.instance_type}, {settings.input_tokens} tokens in, {settings.output_tokens} out"
    )


_UNITS = {
    "requests_per_second_window": "req/s in the window",
    "latency_p50_seconds": "p50 s",
    "ttft_p50_seconds": "TTFT p50 s",
}


def _present(found: Calibration, target: Path) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("users", "", "measured", "forecast", "off by", "before"):
        table.add_column(title, justify="left" if not title else "right")
    for before, after in zip(found.before, found.after, strict=True):
        table.add_row(*_row(before, after))
    show(table)
    for name, (was, now) in found.fitted.items():
        print(f"{name}: {was:.4g} before, {now:.4g} now")
    assert found.profile.fitted is not None  # noqa: S101 (it was fitted just now)
    print(f"worst residual of rates and median latencies: {found.profile.fitted.worst_residual:.0%}")
    print(f"profile: {target}")


def _row(before: Residual, after: Residual) -> list[str]:
    return [
        f"{after.users:,}",
        _UNITS[after.what],
        f"{after.measured:.3g}",
        f"{after.forecast:.3g}",
        f"{after.error:+.0%}",
        f"{before.error:+.0%}",
    ]
