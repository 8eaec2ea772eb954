"""Finds the containers that models and components declare."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology


def containers_of(topology: Topology) -> Iterator[tuple[Subject, Container]]:
    """Yield the containers of every model, then of every component with its own container."""
    for model in topology.models:
        for container in model.containers:
            yield model.subject, container
    for component in topology.components:
        for specification in component.specifications:
            if specification.own_container is not None:
                yield component.subject, specification.own_container
