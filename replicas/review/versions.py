"""Plans as revisions printed them, read by the version of their schema. Pure: no process, no file.

Version 0 is a plan without a `schema`: what the code printed before documents had one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from replicas.errors import ReviewError

Json = Mapping[str, Any]

BOUNDS: Final = ("floor", "start", "ceiling")
NOT_PRINTED: Final = object()
"""Value of a key that code of version 0 may not have printed: it is unknown, which is no change."""

_NAME, _LATEST = "replicas.plan", 1
_MAYBE_OF_A_COMPONENT = (
    "engine",
    "quantization",
    "accelerators",
    "kv_cache_tokens",
    "cpus",
    "memory_mib",
    "max_total_tokens",
)


def read_plan(document: Json) -> Json:
    """A plan that fits, with the keys of version 1.

    Raises:
        ReviewError: the document is of a later version.

    """
    return _with_keys_of_version_1(document) if version_of(document) == 0 else document


def version_of(document: Json) -> int:
    """Number of a plan's schema; 0 for a document without one.

    Raises:
        ReviewError: the document is not a plan, or of a version that this code cannot read.

    """
    schema = document.get("schema", f"{_NAME}/0")
    name, _, number = str(schema).partition("/")
    if name != _NAME or not number.isdigit() or int(number) > _LATEST:
        raise ReviewError(f"a plan is written as {schema}; this version reads {_NAME}/0 to {_NAME}/{_LATEST}")
    return int(number)


def _with_keys_of_version_1(document: Json) -> Json:
    """Code of version 0 had no scaling, options and prices at first: its start is then its floor and its ceiling."""
    components = [
        {
            "name": document["name"],
            **dict.fromkeys(_MAYBE_OF_A_COMPONENT, NOT_PRINTED),
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
