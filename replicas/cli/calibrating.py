"""`replicas calibrate`: fits an engine profile to the results of a benchmark, or stores measured start-up times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.sizing_flags import sizing_flags
from replicas.planning.sizing_options import SizingOptions, describe

if TYPE_CHECKING:
    from replicas.planning.plans import EndpointPlan


@app.command()
@sizing_flags()
def calibrate(
    sizing: SizingOptions,
    result: Annotated[
        Path,
        typer.Argument(
            help="result.json of a benchmark, or its folder; the JSON output of an engine's `bench serve`, AIPerf or "
            "guidellm; or the file of `replicas status --probe --record`."
        ),
    ],
    deployment: Annotated[
        str | None, typer.Option(help="Deployment that another load generator measured, instead of --model.")
    ] = None,
    component: Annotated[str | None, typer.Option(help="Component to use if there are several.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the profile. Default: profiles/DEPLOYMENT.json.")] = None,
    as_json: Json = False,
) -> None:
    """Fit an engine profile to one run, and print the remaining errors. Pass the profile to `forecast --profile`.

    The fit changes one constant, and a second constant if that reduces the error much further. It uses only complete
    measurements without failures. With three measurements or more, some are held back for validation: if the fit makes
    their errors worse, no profile is written and the exit code is 1. For results of another load generator, name the
    measured model or deployment with --model or --deployment. A forecast with the profile is called calibrated only for
    the model, engine and hardware of the run.

    Measured starts are added to profiles/starts.json, which `forecast --cold-start` reads.
    """
    from replicas.benchmark import calibrate_run
    from replicas.cli.tables.benchmark import calibration_lines, calibration_table
    from replicas.start.records import is_records_file

    if is_records_file(result):
        _keep_starts(result, deployment, sizing, component, out, as_json=as_json)
        return
    described = describe(deployment, sizing) if deployment is not None or not sizing.is_empty else None
    done = calibrate_run(result, described=described, component=component, out=out, tell=tell)
    if as_json:
        print_json(done.to_document())
    else:
        show(calibration_table(done))
        say(*calibration_lines(done))
    if done.path is None:
        raise typer.Exit(1)


def _keep_starts(
    result: Path,
    deployment: str | None,
    sizing: SizingOptions,
    component: str | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    from replicas.forecast.kept_starts import keep_starts

    def plan_of(name: str) -> EndpointPlan:
        return describe(deployment if deployment is not None or not sizing.is_empty else name, sizing).plan()

    kept = keep_starts(result, plan_of=plan_of, component=component, out=out)
    if as_json:
        print_json(kept.to_document())
        return
    for record in kept.records:
        where = "AWS" if record.is_of_aws else "a simulated AWS, so no forecast uses it"
        say(
            f"{record.model} by {record.engine} on {record.instance_type}: {record.component_seconds:.0f} s, measured "
            f"{record.measured} on {where}"
        )
    say(f"stored in {kept.path}, which `replicas forecast NAME --cold-start` reads")
