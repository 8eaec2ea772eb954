"""Documents against their published JSON Schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.conftest import ROOT


def validated(document: Any) -> Any:
    """The document, after it was held against the schema that it names; a list holds one document in each entry."""
    for entry in document if isinstance(document, list) else [document]:
        _validator(entry["schema"]).validate(entry)
    return document


def schema_path(name: str) -> Path:
    """File of the schema of a document."""
    return ROOT / "docs" / "schemas" / f"{name.replace('/', '.')}.json"


@cache
def _validator(name: str) -> Draft202012Validator:
    """Validator of a published schema in which a key that the schema does not describe is an error, too."""
    return Draft202012Validator(_closed(json.loads(schema_path(name).read_text())))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
