"""`replicas check`: checks CloudFormation templates and Terraform plans."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, app, print_json, say
from replicas.cli.output import say_raw
from replicas.cli.progress import working
from replicas.errors import UsageError
from replicas.escaping import json_text

if TYPE_CHECKING:
    from replicas.rules.files import CheckedFile


class Format(StrEnum):
    """Formats of a report."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@app.command()
def check(
    templates: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Templates (JSON, YAML), Terraform plans (JSON), or folders: cdk.out."),
    ],
    region: Annotated[
        str | None,
        typer.Option(help="Region of the templates. Default in a CDK output folder: the region of each stack."),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a template parameter.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LOGICAL_ID=MODEL",
            help="Model that a container serves. LOGICAL_ID names its SageMaker model or component; MODEL is a "
            "model of the table, or the path of a config.json.",
        ),
    ] = None,
    practice: Annotated[
        bool,
        typer.Option(
            "--practice", help="Check good practice too: encryption, isolation, rights, images, alarms, tags."
        ),
    ] = False,
    allow_unjudged: Annotated[
        bool, typer.Option("--allow-unjudged", help="Exit with code 0 even if something could not be judged.")
    ] = False,
    given_format: Annotated[
        Format | None,
        typer.Option("--format", help="text, json, sarif (code scanning), github (annotations). Default: text."),
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the report to this file, as SARIF.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check templates and Terraform plans for missing capacity, missing roles, duplicate names and more.

    A Terraform plan is the output of `terraform show -json FILE`.

    Exit code 1 on a problem, 3 if something could not be judged.
    """
    from replicas.rules.files import check_files

    if as_json and given_format not in (None, Format.JSON):
        raise UsageError(f"--json and --format {given_format} contradict each other: give only one of the two")
    parameters = pairs("--parameter", "NAME=VALUE", parameter or [])
    models = pairs("--model", "LOGICAL_ID=MODEL", model or [])
    with working("checking templates"):
        files = check_files(templates, region=region, parameters=parameters, models=models, practice=practice)
    if sarif is not None:
        from replicas.rules.sarif import sarif_log

        sarif.write_text(f"{json_text(sarif_log(files, practice=practice))}\n")
    _print(
        files,
        Format.JSON if as_json else given_format or Format.TEXT,
        practice=practice,
        is_single=_is_one_file(templates),
    )
    if any(file.report.problems for file in files):
        raise typer.Exit(1)
    if not allow_unjudged and any(file.report.unjudged for file in files):
        raise typer.Exit(3)


def pairs(option: str, form: str, given: list[str]) -> dict[str, str]:
    """Parse the values of a repeatable NAME=VALUE option into a dictionary."""
    pairs: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{option} {pair!r}: write {form}")
        if pairs.setdefault(name, value) != value:
            raise typer.BadParameter(f"{option} {name} has two values, {pairs[name]!r} and {value!r}: give only one")
    return pairs


def _is_one_file(templates: list[Path]) -> bool:
    """Return whether the JSON document is a single report. A folder or several files give a list of reports."""
    return len(templates) == 1 and not templates[0].is_dir()


def _print(files: list[CheckedFile], given_format: Format, *, practice: bool, is_single: bool) -> None:
    from replicas.cli.tables.check import files_lines, github_lines, report_lines
    from replicas.rules.sarif import sarif_log

    match given_format:
        case Format.JSON if is_single:
            print_json(files[0].report.to_document())
        case Format.JSON:
            print_json({"schema": "replicas.checks/1", "templates": [file.to_document() for file in files]})
        case Format.SARIF:
            print_json(sarif_log(files, practice=practice))
        case Format.GITHUB:
            say_raw("\n".join(github_lines(files)) + "\n")
        case Format.TEXT:
            say(*(report_lines(files[0].report) if is_single else files_lines(files)))
