"""`replicas calibrate`: fits an engine profile to the results of a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, say, show, tell


@app.command()
def calibrate(
    result: Annotated[Path, typer.Argument(help="result.json of a benchmark, or its folder.")],
    out: Annotated[Path | None, typer.Option(help="File for the profile. Default: profiles/DEPLOYMENT.json.")] = None,
    as_json: Json = False,
) -> None:
    """Fit an engine profile to one run, and print the remaining errors. `--profile` forecasts with the profile.

    One constant is fitted, and a second one if that explains much more. Only complete points without failures are
    used. A forecast with the profile is called calibrated only for the model, engine and hardware of the run.
    """
    from replicas.benchmark import calibrate_run
    from replicas.cli.tables.benchmark import calibration_lines, calibration_table

    done = calibrate_run(result, out=out, tell=tell)
    if as_json:
        print_json(done.to_document())
    else:
        show(calibration_table(done))
        say(*calibration_lines(done))
