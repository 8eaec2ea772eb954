"""Command-line flags for the fields of `SizingOptions`, for commands with a parameter `sizing`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, fields, replace
from typing import Annotated, Any, get_type_hints

import typer

from replicas.cli.app import tell
from replicas.cli.expanded import Command, expanded
from replicas.errors import HubError, UsageError
from replicas.planning.sizing_options import SizingOptions, flag_of

FromHub = Annotated[
    bool, typer.Option("--from-hub", help="Fetch the config.json of --model from the Hub (needs the network).")
]
_PARAMETER = "sizing"
_TUPLE = tuple[str, ...]


def with_config_of_hub(options: SizingOptions) -> SizingOptions:
    """Fetch the config.json of the model from the Hub and add it to the options.

    The computed sizes are compared with the sizes that the Hub states, unless the options declare sizes. If the model
    cannot be sized, the options are returned without a comparison, and the plan refuses the model.

    Raises:
        UsageError: no model is given, or a config.json is given as well.
        HubError: the Hub cannot be reached or does not have the file, or a computed size differs from the stated size.

    """
    from replicas.catalogue.published import fetch

    if options.model is None or options.config is not None:
        raise UsageError("--from-hub fetches the config.json of --model: give --model ID, and remove --config")
    published = fetch(options.model)
    if options.weights_gib is None and options.kv_bytes_per_token is None:
        try:
            published.read()
        except HubError:
            raise
        except ValueError:  # the plan reports why the model cannot be sized
            pass
    if not published.states_a_size:
        tell(
            f"{published.snapshot.repository}: the computed size of the weights is not verified, because the "
            "Hub states no size"
        )
    return replace(options, config=published.config)


def sizing_flags(*, only: Collection[str] = (), several: bool = False) -> Callable[[Command], Command]:
    """Replace the parameter `sizing: SizingOptions` of a command by one flag for each of its fields.

    Args:
        only: names of the fields that get a flag; empty for all.
        several: whether the flags for instance types, engines and quantizations may be repeated.

    """
    kinds = get_type_hints(SizingOptions)
    declared = [field for field in fields(SizingOptions) if not only or field.name in only]
    flags = [_flag(field, kinds[field.name], several) for field in declared]

    def build(given: Mapping[str, Any]) -> SizingOptions:
        return SizingOptions(**{name: _value(kinds[name], value) for name, value in given.items()})

    def decorate(command: Command) -> Command:
        return expanded(command, _PARAMETER, flags, build)

    return decorate


def _flag(declared: Field[Any], kind: Any, several: bool) -> inspect.Parameter:
    flag = flag_of(declared)
    is_repeated = several and bool(flag.help_of_several)
    if kind == _TUPLE:
        kind = list[str] | None if is_repeated else str | None
    option = typer.Option(
        f"--{declared.name.replace('_', '-')}",
        min=flag.least,
        max=flag.most,
        help=flag.help_of_several if is_repeated else flag.help,
    )
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _value(kind: Any, value: Any) -> Any:
    """Convert the value of a flag to the type of its field: a tuple if the field contains several values.

    Several values may be separated by commas or, if the flag may be repeated, given one by one.
    """
    if kind != _TUPLE:
        return value
    texts = (value,) if isinstance(value, str) else value
    return tuple(part.strip() for text in texts for part in text.split(","))
