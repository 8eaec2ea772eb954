"""Attributes of resource types that `Fn::GetAtt` returns, from the CloudFormation resource schemas.

`scripts/refresh_data.py` generates the data file, which contains every type, from the schemas in cfn-lint.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def attributes_of(resource_type: str) -> tuple[str, ...] | None:
    """Return the attributes of a type, some as patterns; None for a type without a schema, such as a module."""
    attributes = _types().get(resource_type)
    return tuple(attributes) if attributes is not None else None


def has_attribute(resource_type: str, attribute: str) -> bool:
    """Return whether a type has an attribute; True for a type without a schema."""
    known = attributes_of(resource_type)
    return known is None or attribute in known or any(re.fullmatch(pattern, attribute) for pattern in known)


def near_types(resource_type: str) -> list[str]:
    """Return the types of the same service with similar names, the most similar first."""
    service = resource_type.rpartition("::")[0] + "::"
    return difflib.get_close_matches(resource_type, [name for name in _types() if name.startswith(service)])


@cache
def _types() -> Mapping[str, list[str]]:
    content = json.loads((Path(__file__).parent / "data" / "attributes.json").read_bytes())
    types: Mapping[str, list[str]] = content["types"]
    return types
