"""Values that are known, or unknown with the reason. An unknown value never becomes a default on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Value = Any
"""Plain data, `Reference` or `Unknown`, nested in lists and mappings."""

ANYTHING = "${?}"
"""Stands in a text for a part that is not known and has no name."""


@dataclass(frozen=True)
class Reference:
    """A `Ref` (no attribute) or `Fn::GetAtt` of a resource in the template, or a part split out of one."""

    logical_id: str
    attribute: str | None = None


@dataclass(frozen=True)
class Unknown:
    """A value that the template does not tell."""

    why: str
    parameters: tuple[str, ...] = ()
    """Parameters (`AWS::Region` among them) whose values would tell."""
    text: str = ANYTHING
    """The value as a text, with `${...}` for each part that is not known."""
    references: tuple[Reference, ...] = ()
    """References to resources on which the value depends."""


def at(value: Value, *path: str) -> Value:
    """What lies under nested keys: None where it is absent, `Unknown` where something on the way is."""
    for key in path:
        if value is None or isinstance(value, Unknown):
            return value
        value = value.get(key) if isinstance(value, Mapping) else Unknown(f"{key} has no object around it")
    return value


def unknown_from(values: Iterable[Value], text: str = ANYTHING) -> Unknown:
    """The unknown value that follows from values of which at least one is not known."""
    not_known = [value for value in values if isinstance(value, Unknown | Reference)]
    unknown = [value for value in not_known if isinstance(value, Unknown)]
    references = [
        reference
        for value in not_known
        for reference in ([value] if isinstance(value, Reference) else value.references)
    ]
    return Unknown(
        unknown[0].why if unknown else "it is known at the deployment",
        tuple(dict.fromkeys(name for value in unknown for name in value.parameters)),
        text,
        tuple(dict.fromkeys(references)),
    )


def open_values(value: Value) -> Iterator[Reference | Unknown]:
    """The references and unknown values in nested lists and mappings."""
    if isinstance(value, Reference | Unknown):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from open_values(inner)


def text_of(value: Value) -> str:
    """A value as CloudFormation writes it into a text, with `${...}` for what is not known."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown):
        return value.text
    if isinstance(value, Reference):
        return f"${{{value.logical_id}.{value.attribute}}}" if value.attribute else f"${{{value.logical_id}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ANYTHING


def list_of(value: Value) -> list[Value]:
    """CloudFormation and IAM take one thing wherever they take a list."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def number_of(value: Value) -> Fraction | Unknown | None:
    """A number, also one written as a text (CloudFormation takes both); None where it is absent."""
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return Fraction(number).limit_denominator(10_000)
    return Unknown("it is not a number")
