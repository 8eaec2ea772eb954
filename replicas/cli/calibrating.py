"""`replicas calibrate`: fits an engine profile to the results of a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, show, tell


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
    from replicas.benchmark import calibrate_run
    from replicas.cli.tables.benchmark import calibration_lines, calibration_table

    done = calibrate_run(result, out=out, tell=tell)
    if as_json:
        print_json(done.to_document())
    else:
        show(calibration_table(done))
        print(*calibration_lines(done), sep="\n")
