"""Routing data that the control plane gives to the data plane: the copies that can answer a request."""

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
    """S3 prefix of the model's weights; None if they are not in S3."""


@dataclass(frozen=True)
class Destination:
    """The copies that can answer a request, and the routing strategy that chooses one of them."""

    routing_strategy: str
    copies: tuple[ServingCopy, ...]
    prefix_length: int = 0
    """Number of characters at the beginning of a prompt that prefix-aware routing compares."""
    concurrency_threshold: int | None = None
    """Number of requests in flight at which prefix-aware routing avoids a copy; None: no limit."""
