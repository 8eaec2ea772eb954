"""Rule about numbers that are written in a form that CloudFormation refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import NotANumber
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case


@rule(
    "number-refused",
    checks="A property that takes a number has another value.",
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
    """A property that takes a number must have one, written in digits."""
    found = dict.fromkeys(_not_numbers(topology, Subject(kind="resource", name="Template")))
    for subject, value in found:
        numbers = {"property": value.name, "given": value.given, "reason": value.why}
        yield Case(subject=subject, numbers=numbers)


def _not_numbers(value: Any, subject: Subject) -> Iterator[tuple[Subject, NotANumber]]:
    """Yield the refused values in a part of the endpoint model, with the resource that has them."""
    if isinstance(value, NotANumber):
        yield subject, value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _not_numbers(inner, subject)
    elif isinstance(value, Mapping):
        yield from _not_numbers(tuple(value.values()), subject)
    elif is_dataclass(value) and not isinstance(value, type):
        own = getattr(value, "subject", None)
        for each in fields(value):
            yield from _not_numbers(getattr(value, each.name), own if isinstance(own, Subject) else subject)
