"""Where a request can go: what the data plane is told about an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ServingCopy:
    """A running copy of an inference component."""

    id: str
    endpoint_name: str
    component_name: str
    variant_name: str
    instance_id: str
    image: str
    environment: Mapping[str, str]
    instance_type: str
    accelerators: int
    weights: str | None = None
    """Where in S3 they lie, where they do."""


@dataclass(frozen=True)
class Destination:
    """The copies that may answer, and how one of them is chosen."""

    routing_strategy: str
    copies: tuple[ServingCopy, ...]
    prefix_length: int = 0
    """Characters of a prompt that prefix-aware routing goes by."""
    concurrency_threshold: int | None = None
    """Requests in flight on a copy from which on it goes by the fewest; None: never."""
