"""Which changes of a property replace a resource, by the CloudFormation resource schemas.

The data file is distilled from the schemas that cfn-lint ships (`scripts/refresh_data.py`); it holds every type.
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

Paths = frozenset[tuple[str, ...]]
"""Paths of property names; `*` stands for each item of a list."""


class Recreation(StrEnum):
    """Whether a changed property takes a new physical resource; the words are those of DescribeChangeSet."""

    ALWAYS = "Always"
    CONDITIONALLY = "Conditionally"
    NEVER = "Never"


@dataclass(frozen=True)
class ReplacementRules:
    """What the schema of a type says about replacement."""

    create_only: Paths
    conditional_create_only: Paths
    identifiers: Paths
    """The properties of the primary identifier."""

    def lasts(self, attribute: str) -> bool:
        """Whether an attribute stays as long as the resource: no update in place can change it."""
        return (attribute,) in self.create_only | self.identifiers


def rules_of(resource_type: str) -> ReplacementRules | None:
    """The rules of a type; None for one without a schema, such as a custom resource."""
    entry = _types().get(resource_type)
    if entry is None:
        return None
    keys = ("create_only", "conditional_create_only", "identifiers")
    return ReplacementRules(*(frozenset(tuple(path.split("/")) for path in entry.get(key, ())) for key in keys))


def create_only(resource_type: str) -> set[str]:
    """The top-level properties of which a change replaces a resource of a type."""
    rules = rules_of(resource_type)
    return {path[0] for path in rules.create_only} if rules else set()


def recreation(resource_type: str, name: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> Recreation:
    """Whether the change of a top-level property replaces a resource; conditionally for a type without a schema."""
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


def _at(value: Value, path: list[str]) -> Value:
    """The value under a path; a value that is not known stands for all that lies in it."""
    if not path or isinstance(value, Reference | Unknown):
        return value
    name, *rest = path
    if name == "*":
        return [_at(item, rest) for item in value] if isinstance(value, list) else None
    return _at(value.get(name), rest) if isinstance(value, Mapping) else None


@cache
def _types() -> dict[str, Any]:
    content = json.loads((Path(__file__).parent / "data" / "replacement.json").read_bytes())
    types: dict[str, Any] = content["types"]
    return types
