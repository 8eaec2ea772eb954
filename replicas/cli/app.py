"""The Typer app of `replicas`, the options that commands share, and output to stdout and stderr."""

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


@app.callback()  # without a callback, Typer runs a single command without its name
def replicas() -> None:
    """Open LLMs on SageMaker, many copies on one instance, proven to fit before anything is paid for."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str | None, typer.Argument(help="A deployment: the name of its stack.")]
EndpointName = Annotated[str | None, typer.Option("--endpoint", help="Name of any endpoint, in place of NAME.")]
ComponentName = Annotated[
    str | None, typer.Option("--component", help="Component to use if there are several: its name or its label.")
]
Region = Annotated[
    str | None, typer.Option(help="AWS region. Default: that of the deployment, else as the CDK CLI finds it.")
]


def tell(line: str) -> None:
    """Print a line of progress or a warning to stderr."""
    print(line, file=sys.stderr, flush=True)


def show(content: RenderableType) -> None:
    """Print a table or text to stdout."""
    from rich.console import Console

    # A file or a pipe has no width: use 200 columns, so that tables do not break words.
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(highlight=False, width=None if has_width else 200).print(content, crop=False)


def print_json(document: object) -> None:
    """Print a JSON document to stdout."""
    print(json.dumps(document, indent=2))
