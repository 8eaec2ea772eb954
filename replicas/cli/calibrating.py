"""`replicas calibrate`: fits an engine profile to the results of a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell
from replicas.cli.sizing_flags import sizing_flags
from replicas.planning.sizing_options import SizingOptions, describe


@app.command()
@sizing_flags()
def calibrate(
    sizing: SizingOptions,
    result: Annotated[
        Path,
        typer.Argument(
            help="result.json of a benchmark, or its folder; or the JSON of an engine's `bench serve`, of AIPerf or of "
            "guidellm."
        ),
    ],
    deployment: Annotated[
        str | None, typer.Option(help="Deployment that another load generator measured; replaces --model.")
    ] = None,
    component: Annotated[str | None, typer.Option(help="Component to use if there are several.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the profile. Default: profiles/DEPLOYMENT.json.")] = None,
    as_json: Json = False,
) -> None:
    """Fit an engine profile to one run, and print the remaining errors. `--profile` forecasts with the profile.

    Fits one constant, and a second one if that reduces the error much further. Only complete points without failures
    are used. With three points or more, some are held back for validation: if the fit makes them worse, no profile is
    written and the exit code is 1. --model or --deployment names what another load generator measured. A forecast with
    the profile is called calibrated only for the model, engine and hardware of the run.
    """
    from replicas.benchmark import calibrate_run
    from replicas.cli.tables.benchmark import calibration_lines, calibration_table

    described = describe(deployment, sizing) if deployment is not None or not sizing.is_empty else None
    done = calibrate_run(result, described=described, component=component, out=out, tell=tell)
    if as_json:
        print_json(done.to_document())
    else:
        show(calibration_table(done))
        say(*calibration_lines(done))
    if done.path is None:
        raise typer.Exit(1)
