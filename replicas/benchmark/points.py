"""The load of a measurement, from the parameters of the load generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.benchmark.settings import Settings
from replicas.load import Load


def load_of(point: Mapping[str, Any]) -> Load:
    """Return the load of a measurement."""
    settings = Settings(**point["settings"])
    return settings.load(
        users=point["users"], requests_per_second=point.get("requests_per_second"), burst=point.get("burst")
    )
