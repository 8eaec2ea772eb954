"""The Typer app of `replicas`, and the options that commands share."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from replicas.cli.commands import LazyGroup
from replicas.cli.completing import deployment_names
from replicas.cli.output import print_json, say, show, tell
from replicas.installation import __version__

_NARROW = 52
"""Terminal width in columns below which the width of the help is set explicitly."""

__all__ = ["ComponentName", "EndpointName", "Json", "Name", "Region", "app", "print_json", "say", "show", "tell"]


def _width_of_help() -> int | None:
    """Return the help width for a narrow terminal, where Typer's minimum of 50 columns breaks words; else None."""
    columns = shutil.get_terminal_size().columns
    return max(columns - 2, 20) if columns < _NARROW else None


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": _width_of_help()},
)


def _print_version(show: bool) -> None:
    if show:
        say(f"replicas {__version__}")
        raise typer.Exit


@app.callback()  # without a callback, Typer runs a single command without its name
def replicas(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Deploy many copies of open LLMs on SageMaker instances, proven to fit before you pay for anything."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[
    str | None, typer.Argument(help="A deployment: the name of its stack.", autocompletion=deployment_names)
]
EndpointName = Annotated[str | None, typer.Option("--endpoint", help="Name of any endpoint, instead of NAME.")]
ComponentName = Annotated[
    str | None, typer.Option("--component", help="Component to use if there are several: its name or its label.")
]
Region = Annotated[
    str | None,
    typer.Option(help="AWS region. Default: the region of the deployment, else the region that the CDK CLI would use."),
]
