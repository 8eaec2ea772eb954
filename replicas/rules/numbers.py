"""The rule that numbers must be written in a form that CloudFormation accepts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import NotANumber
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

_NAMES: dict[type, tuple[str, ...]] = {}
"""Names of the fields of each class of the endpoint model that may hold a number, cached."""
_OTHERS = ("str", "bool", "Kind")
"""Annotations of fields that hold no number."""


@rule(
    "number-refused",
    checks="A property that takes a number has a value that is not a number.",
    why="CloudFormation refuses the value before the resource is created",
    source="CloudFormation resource schemas: the types integer and number",
    enforced=enforced_by(
        "CreateStack",
        "quoted",
        "'expected type: Integer, found: String' (aws-cloudformation/cloudformation-coverage-roadmap, issue 2097); "
        "'Encountered non numeric value for property' (cloudtools/troposphere, pull request 64)",
    ),
)
def number_refused(topology: Topology) -> Iterator[Case]:
    """The value of a numeric property must be a number in digits."""
    for subject, value in dict.fromkeys(_not_numbers(topology)):
        numbers = {"property": value.name, "given": value.given, "reason": value.why}
        yield Case(subject=subject, numbers=numbers)


def _not_numbers(topology: Topology) -> Iterator[tuple[Subject, NotANumber]]:
    """Yield the invalid numbers in an endpoint model with their resources. Visit each object once."""
    pending: list[tuple[Any, Subject]] = [(topology, Subject(kind="resource", name="Template"))]
    visited = set[int]()
    while pending:
        value, subject = pending.pop()
        if isinstance(value, NotANumber):
            yield subject, value
        elif isinstance(value, tuple):
            pending += [(inner, subject) for inner in reversed(value)]
        elif (names := _names_of(type(value))) and id(value) not in visited:
            visited.add(id(value))
            own = getattr(value, "subject", subject)
            pending += [(getattr(value, name), own) for name in reversed(names)]


def _names_of(kind: type) -> tuple[str, ...]:
    """Return the fields of a class of the endpoint model that may hold a number; none for other classes."""
    if kind not in _NAMES:
        is_part = is_dataclass(kind) and kind.__module__.startswith("replicas.endpoint.")
        _NAMES[kind] = tuple(each.name for each in fields(kind) if each.type not in _OTHERS) if is_part else ()
    return _NAMES[kind]
