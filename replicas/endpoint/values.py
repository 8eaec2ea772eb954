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
"""The largest Long of the service models; an Integer is smaller."""

Value = Any
"""Plain data, `Reference` or `Unknown`, nested in lists and mappings."""

ANYTHING = "${?}"
"""Placeholder in a text for an unknown segment without a name."""


@dataclass(frozen=True)
class Reference:
    """A `Ref` (no attribute) or `Fn::GetAtt` of a resource in the template, or a segment split out of its value."""

    logical_id: str
    attribute: str | None = None
    segments: tuple[tuple[str, int | None], ...] = field(default=(), kw_only=True)
    """Delimiter and index of each `Fn::Split` and `Fn::Select` applied to the value, outermost last."""


@dataclass(frozen=True)
class Unknown:
    """A value that cannot be determined from the template."""

    why: str
    parameters: tuple[str, ...] = ()
    """Template parameters (including `AWS::Region`) that determine the value."""
    text: str = ANYTHING
    """The value as text, with `${...}` for each unknown segment."""
    references: tuple[Reference, ...] = ()
    """References to resources on which the value depends."""


@dataclass(frozen=True)
class NotANumber(Unknown):
    """A value that CloudFormation refuses where a property needs a number."""

    name: str = ""
    """The property."""
    given: str = ""
    """The value, as it is written."""


def at(value: Value, *path: str) -> Value:
    """Return the value under nested keys: None if it is absent, `Unknown` if a value on the path is unknown."""
    for key in path:
        if value is None or isinstance(value, Unknown):
            return value
        value = value.get(key) if isinstance(value, Mapping) else Unknown(f"{key} is not inside an object")
    return value


def unknown_from(values: Iterable[Value], text: str = ANYTHING) -> Unknown:
    """Return the unknown value that results from combining values; at least one of `values` must be unknown."""
    not_known = [value for value in values if isinstance(value, Unknown | Reference)]
    unknown = [value for value in not_known if isinstance(value, Unknown)]
    references = [
        reference
        for value in not_known
        for reference in ([value] if isinstance(value, Reference) else value.references)
    ]
    return Unknown(
        unknown[0].why if unknown else "it is known only at deployment",
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
    """Return a value as a list: CloudFormation and IAM accept a single item in place of a list. Absent: empty."""
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
        return NotANumber("it is not a whole number", name=path[-1], given=text_of(given))
    if isinstance(given, float) or (isinstance(given, str) and "." in given):
        return _undocumented(given, "a whole number")
    return number


def number_of(value: Value, name: str = "") -> Fraction | Unknown | None:
    """Return a number, also if it is written as a string (CloudFormation accepts both); None if it is absent.

    A text in digits, with a sign and a fraction at most, is a number. Python reads more (`1_0`, digits of other
    scripts), which CloudFormation refuses: the result is `NotANumber`. No source says whether CloudFormation reads an
    exponent, a plus sign or spaces, so those are `Unknown`. `name` is the property, for messages.
    """
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, Reference):
        return Unknown("it is known only at deployment", text=text_of(value), references=(value,))
    if isinstance(value, int) and abs(value) > _LARGEST:
        return NotANumber("it is larger than any number that AWS accepts", name=name, given="a number of many digits")
    text = text_of(value) if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not _NUMBER.fullmatch(text):
        return NotANumber("it is not a number", name=name, given=text_of(value))
    if isinstance(value, str) and not _DIGITS.fullmatch(text):
        return _undocumented(value, "a number")
    number = Fraction(text)
    if abs(number) > _LARGEST:
        return NotANumber("it is larger than any number that AWS accepts", name=name, given=text_of(value))
    return number


def _undocumented(value: Value, kind: str) -> Unknown:
    return Unknown(f"no source says whether CloudFormation reads {text_of(value)!r} as {kind}")
