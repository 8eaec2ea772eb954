"""The command `replicas` itself, and how all its parts print."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()  # without it a command that is loaded alone would be all of `replicas`
def replicas() -> None:
    """Open LLMs on SageMaker, many copies on one instance, proven to fit before anything is paid for."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str | None, typer.Argument(help="A deployment: the name of its stack.")]
EndpointName = Annotated[str | None, typer.Option("--endpoint", help="Any endpoint, in place of NAME.")]
ComponentName = Annotated[
    str | None, typer.Option("--component", help="Which component, where there are several: its name or its label.")
]
Region = Annotated[str | None, typer.Option(help="AWS region. Default: as the AWS CLI finds it.")]


def tell(line: str) -> None:
    """A line for people who watch, on stderr."""
    print(line, file=sys.stderr, flush=True)


def show(content: RenderableType) -> None:
    """Tables and text for people, on stdout."""
    from rich.console import Console

    # A file or a pipe has no width of its own: there a table is wide enough not to break words.
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(highlight=False, width=None if known else 200).print(content)


def print_json(document: object) -> None:
    """A document for programs, on stdout."""
    print(json.dumps(document, indent=2))
