"""Values of a template: known values, and unknown values with the reason. No default replaces an unknown value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

_DIGITS = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?\s*")
_LARGEST = 2**63 - 1
"""Largest value of the type Long in AWS service models. The largest value of the type Integer is smaller than this
value."""

Value = Any
"""Plain data, `Reference` or `Unknown`, nested in lists and mappings."""

ANYTHING = "${?}"
"""Placeholder in a text for an unknown segment without a name."""


@dataclass(frozen=True)
class Reference:
    """A `Ref` (without attribute) or `Fn::GetAtt` of a resource in the template, or a segment of its value."""

    logical_id: str
    attribute: str | None = None
    segments: tuple[tuple[str, int | None], ...] = field(default=(), kw_only=True)
    """Delimiter and index of each `Fn::Split` and `Fn::Select` applied to the value, outermost last."""


@dataclass(frozen=True)
class Unknown:
    """A value that cannot be determined from the template."""

    why: str
    parameters: tuple[str, ...] = ()
    """Template parameters (including `AWS::Region`) on which the value depends."""
    text: str = ANYTHING
    """The value as text, with `${...}` for each unknown segment."""
    references: tuple[Reference, ...] = ()
    """References to resources on which the value depends."""


@dataclass(frozen=True)
class NotANumber(Unknown):
    """A value that CloudFormation refuses as a number."""

    name: str = ""
    """Name of the property."""
    given: str = ""
    """The value as written in the template."""


def at(value: Value, *path: str) -> Value:
    """Return the value under nested keys: None if it is absent, `Unknown` if a value on the path is unknown."""
    for key in path:
        if value is None or isinstance(value, Unknown):
            return value
        value = value.get(key) if isinstance(value, Mapping) else Unknown(f"{key} is not inside an object")
    return value


def unknown_from(values: Iterable[Value], text: str = ANYTHING) -> Unknown:
    """Combine values into one unknown value. At least one of `values` must be unknown."""
    not_known = [value for value in values if isinstance(value, Unknown | Reference)]
    unknown = [value for value in not_known if isinstance(value, Unknown)]
    references = [
        reference
        for value in not_known
        for reference in ([value] if isinstance(value, Reference) else value.references)
    ]
    return Unknown(
        unknown[0].why if unknown else "the value is known only at deployment",
        tuple(dict.fromkeys(name for value in unknown for name in value.parameters)),
        text,
        tuple(dict.fromkeys(references)),
    )


def open_values(value: Value) -> Iterator[Reference | Unknown]:
    """Yield the references and unknown values in nested lists and mappings."""
    if isinstance(value, Reference | Unknown):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from open_values(inner)


def text_of(value: Value) -> str:
    """Return a value as CloudFormation inserts it into a string, with `${...}` for unknown values."""
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
    """Return a value as a list: a single item becomes a list of one item, an absent value an empty list."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def number_at(value: Value, *path: str) -> Fraction | Unknown | None:
    """Return the number under nested keys, for a property of the type Number."""
    return number_of(at(value, *path), path[-1])


def whole_at(value: Value, *path: str) -> Fraction | Unknown | None:
    """Return the number under nested keys, for a property of the type Integer."""
    number = number_at(value, *path)
    if not isinstance(number, Fraction):
        return number
    given = at(value, *path)
    if number.denominator != 1:
        return NotANumber("the value is not a whole number", name=path[-1], given=text_of(given))
    if isinstance(given, float) or (isinstance(given, str) and "." in given):
        return _undocumented(given, "a whole number")
    return number


def number_of(value: Value, name: str = "") -> Fraction | Unknown | None:
    """Return a number or a number in a string (CloudFormation accepts both); None if the value is absent.

    A string of digits with an optional minus sign and fraction is a number. Other notations that Python accepts (`1_0`,
    digits of other scripts) are `NotANumber`, because CloudFormation refuses them. An exponent, a plus sign and spaces
    are `Unknown`, because no source documents whether CloudFormation accepts them. `name` is the property, for
    messages.
    """
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, Reference):
        return Unknown("the value is known only at deployment", text=text_of(value), references=(value,))
    if isinstance(value, int) and abs(value) > _LARGEST:
        return NotANumber("the value is larger than any number that AWS accepts", name=name, given="a very long number")
    text = text_of(value) if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not _NUMBER.fullmatch(text):
        return NotANumber("the value is not a number", name=name, given=text_of(value))
    if isinstance(value, str) and not _DIGITS.fullmatch(text):
        return _undocumented(value, "a number")
    number = Fraction(text)
    if abs(number) > _LARGEST:
        return NotANumber("the value is larger than any number that AWS accepts", name=name, given=text_of(value))
    return number


def _undocumented(value: Value, kind: str) -> Unknown:
    return Unknown(f"no source documents whether CloudFormation accepts {text_of(value)!r} as {kind}")
