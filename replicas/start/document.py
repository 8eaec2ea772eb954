"""Types of the JSON documents about starts: phases, spans, and records of measured starts."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.start.phases import PhaseName
from replicas.start.records import Origin


class PhaseDocument(TypedDict):
    """One phase of a start."""

    phase: PhaseName
    what: str
    seconds: float | None
    """Expected seconds; null if no comparable start was measured. Only the range is known in this case."""
    low_seconds: float
    high_seconds: float
    basis: str


class SpanDocument(TypedDict):
    """Seconds of several phases together."""

    seconds: int | None
    """Expected seconds; null if one of the phases was not measured."""
    low_seconds: int
    high_seconds: int


class StartRecordDocument(TypedDict):
    """A start that was measured."""

    deployment: str
    component: str
    model: str
    engine: str
    instance_type: str
    accelerators: int
    """Accelerators of a copy."""
    copies: int
    """Copies that the component was created with."""
    weights: Literal["hub", "s3"]
    region: str
    measured: str
    """Date on which the component was created, YYYY-MM-DD."""
    origin: Origin
    """`aws` if AWS was measured; `embedded-aws` if a simulation was measured, which says nothing about AWS."""
    endpoint_seconds: float | None
    """Time from the request for the endpoint, through the launch of its instances, until it was in service; null if
    not observed."""
    component_seconds: float
    """Time from the request for the component until all its copies served."""
    phase_seconds: dict[PhaseName, float]
    """Seconds of the phases that the containers' logs report."""


class StartRecordsDocument(TypedDict):
    """Measured starts: `replicas status --probe --record` writes them, and `replicas calibrate` stores them."""

    schema: Literal["replicas.starts/1"]
    records: list[StartRecordDocument]
