"""Command-line flags for the fields of `LoadOptions`, for commands with a parameter `load_options`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import Field, fields
from typing import Annotated, Any, get_type_hints

import typer

from replicas.cli.expanded import Command, expanded
from replicas.load.options import LoadOptions

_PARAMETER = "load_options"


def load_flags(*, without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Replace the parameter `load_options: LoadOptions` of a command by one flag for each of its fields.

    Args:
        without: names of the fields that get no flag.

    """
    flags = [_flag(declared) for declared in fields(LoadOptions) if declared.name not in without]

    def decorate(command: Command) -> Command:
        return expanded(command, _PARAMETER, flags, lambda given: LoadOptions(**given))

    return decorate


def _flag(declared: Field[Any]) -> inspect.Parameter:
    kind = get_type_hints(LoadOptions)[declared.name]
    option = typer.Option(f"--{declared.name.replace('_', '-')}", **declared.metadata)
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )
