"""CloudFormation's resource schemas, from the data files of cfn-lint.

`providers/<region>.json` maps each resource type of a region to its file; a missing type does not exist in that
region. The files are read directly, because importing cfn-lint takes seconds.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def _folder() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("cfn-lint, whose data files hold CloudFormation's schemas, is not installed: install it")
    return Path(spec.submodule_search_locations[0]) / "data" / "schemas"


@cache
def _types(region: str) -> dict[str, str]:
    file = _folder() / "providers" / f"{region}.json"
    types: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return types


class Schema:
    """The schema of one resource type."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.read_only = self._paths("readOnlyProperties")
        self.identifiers = self._paths("primaryIdentifier")
        tagging = content.get("tagging") or {}
        self.tag_property: str | None = (
            tagging.get("tagProperty", "/properties/Tags").removeprefix("/properties/")
            if tagging.get("taggable")
            else None
        )

    def _paths(self, key: str) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(path.removeprefix("/properties/").split("/")) for path in self.content.get(key, []))

    @property
    def properties(self) -> dict[str, Any]:
        """The schema of each property, by name."""
        properties: dict[str, Any] = self.content.get("properties", {})
        return properties

    def takes_tags_as_map(self) -> bool:
        """Return whether tags are one JSON object (as for an SSM parameter) instead of a list of Key and Value
        pairs.
        """
        return bool(self.tag_property) and self.properties.get(str(self.tag_property), {}).get("type") == "object"


@cache
def schema_of(resource_type: str, region: str) -> Schema:
    """Return the schema of a resource type in a region; KeyError if the type does not exist there."""
    name = _types(region)[resource_type]
    return Schema(json.loads((_folder() / "resources" / f"{name}.json").read_text()))


def exists(resource_type: str, region: str) -> bool:
    """Return whether a resource type exists in a region."""
    return resource_type in _types(region)
