"""Reads printed plans of all schema versions. Starts no process and reads no file.

Version 0 is a plan without the key `schema`, which early code did not print.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from replicas.errors import ReviewError

Json = Mapping[str, Any]

BOUNDS: Final = ("floor", "start", "ceiling")
NOT_PRINTED: Final = object()
"""Value of a key that a plan of version 0 lacks. The value is unknown, so it does not count as a change."""

_NAME, _LATEST = "replicas.plan", 1
_OPTIONAL_COMPONENT_KEYS = (
    "engine",
    "image",
    "quantization",
    "accelerators",
    "kv_cache_tokens",
    "cpus",
    "memory_mib",
    "max_total_tokens",
)


def read_plan(document: Json) -> Json:
    """Convert a plan that fits to the keys of version 1.

    Raises:
        ReviewError: the document is of a later version.

    """
    if version_of(document) == 0:
        return _with_keys_of_version_1(document)
    # Early documents of version 1 have no image.
    return {**document, "components": [{"image": NOT_PRINTED, **component} for component in document["components"]]}


def version_of(document: Json) -> int:
    """Return the version of a plan's schema; 0 for a document without a `schema`.

    Raises:
        ReviewError: the document is not a plan, or has a version that this code cannot read.

    """
    schema = document.get("schema", f"{_NAME}/0")
    name, _, number = str(schema).partition("/")
    if name != _NAME or not number.isdecimal() or int(number) > _LATEST:
        raise ReviewError(f"a plan is written as {schema}; this version reads {_NAME}/0 to {_NAME}/{_LATEST}")
    return int(number)


def _with_keys_of_version_1(document: Json) -> Json:
    """Add the keys that a plan of version 0 may lack. Without scaling, floor and ceiling are the initial copies."""
    components = [
        {
            "name": document["name"],
            **dict.fromkeys(_OPTIONAL_COMPONENT_KEYS, NOT_PRINTED),
            **dict.fromkeys(("scaling", "rollout", "traffic")),
            **component,
        }
        for component in document["components"]
    ]
    start = {
        "copies": {component["name"]: component["copies"] for component in components},
        "instances": document["instances"],
        "usd_per_hour": document["usd_per_hour"],
    }
    return {
        "bounds": dict.fromkeys(BOUNDS, start),
        "adds": [],
        "price": None,
        **document,
        "components": components,
    }
