"""CloudFormation resource schemas: the values of a property, and whether changing it replaces the resource.

`scripts/refresh_data.py` extracts the data files from the schemas that cfn-lint ships.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from replicas.endpoint.values import Reference, Unknown, Value

Schema = Mapping[str, Any]

Paths = frozenset[tuple[str, ...]]
"""Paths of property names; `*` stands for each item of a list."""


_DATA = Path(__file__).parent / "data"


class Recreation(StrEnum):
    """Whether a changed property requires a new physical resource, in the terms of DescribeChangeSet."""

    ALWAYS = "Always"
    CONDITIONALLY = "Conditionally"
    NEVER = "Never"


@dataclass(frozen=True)
class ReplacementRules:
    """Replacement rules in the schema of a resource type."""

    create_only: Paths
    conditional_create_only: Paths
    identifiers: Paths
    """Properties of the primary identifier."""

    def lasts(self, attribute: str) -> bool:
        """True if no update in place can change an attribute."""
        return (attribute,) in self.create_only | self.identifiers


def rules_of(resource_type: str) -> ReplacementRules | None:
    """Return the rules of a type; None for a type without a schema, such as a custom resource."""
    entry = _types().get(resource_type)
    if entry is None:
        return None
    keys = ("create_only", "conditional_create_only", "identifiers")
    return ReplacementRules(*(frozenset(tuple(path.split("/")) for path in entry.get(key, ())) for key in keys))


def create_only(resource_type: str) -> set[str]:
    """Return the top-level properties whose change replaces a resource of a type."""
    rules = rules_of(resource_type)
    return {path[0] for path in rules.create_only} if rules else set()


def recreation(resource_type: str, name: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> Recreation:
    """Return whether a change of a top-level property replaces a resource; CONDITIONALLY for a type without a
    schema.
    """
    rules = rules_of(resource_type)
    if rules is None:
        return Recreation.CONDITIONALLY
    for answer, paths in (
        (Recreation.ALWAYS, rules.create_only),
        (Recreation.CONDITIONALLY, rules.conditional_create_only),
    ):
        for first, *rest in paths:
            if first == name and _at(before.get(name), rest) != _at(after.get(name), rest):
                return answer
    return Recreation.NEVER


@cache
def property_schemas() -> Mapping[str, Schema]:
    """Return the schemas of the types that this package reads property by property."""
    content = json.loads((_DATA / "properties.json").read_bytes())
    schemas: Mapping[str, Schema] = content["types"]
    return schemas


def resolved(schema: Schema, part: Any) -> Schema:
    """Return a subschema with its references resolved; empty if it is not a schema."""
    while isinstance(part, Mapping) and "$ref" in part:
        name = str(part["$ref"]).rpartition("/")[2]
        part = schema.get("definitions", {}).get(name, {})
    return part if isinstance(part, Mapping) else {}


def _at(value: Value, path: list[str]) -> Value:
    """Return the value at a path. If a value on the path is unknown, return that value."""
    if not path or isinstance(value, Reference | Unknown):
        return value
    name, *rest = path
    if name == "*":
        return [_at(item, rest) for item in value] if isinstance(value, list) else None
    return _at(value.get(name), rest) if isinstance(value, Mapping) else None


@cache
def _types() -> dict[str, Any]:
    content = json.loads((_DATA / "replacement.json").read_bytes())
    types: dict[str, Any] = content["types"]
    return types
