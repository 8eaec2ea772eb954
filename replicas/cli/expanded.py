"""Replaces one parameter of a command, an object with several options, by one flag per option."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

Command = Callable[..., None]


def expanded(
    command: Command, name: str, flags: Sequence[inspect.Parameter], build: Callable[[Mapping[str, Any]], object]
) -> Command:
    """Return the command with flags in place of the parameter `name`.

    Args:
        command: a command of Typer.
        name: the parameter that is replaced.
        flags: the parameters that replace it; their default is None.
        build: function that builds the value of the replaced parameter from the given flags.

    """

    @wraps(command)
    def with_flags(**arguments: Any) -> None:
        values = {flag.name: arguments.pop(flag.name) for flag in flags}
        given = {key: value for key, value in values.items() if value is not None}
        command(**arguments, **{name: build(given)})

    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters += flags if parameter.name == name else [parameter]
    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    with_flags.__signature__ = signature.replace(parameters=keyword_only)  # type: ignore[attr-defined]
    with_flags.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword_only}
    del with_flags.__wrapped__  # otherwise `inspect.signature` reads the original function
    return with_flags
