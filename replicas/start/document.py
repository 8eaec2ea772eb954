"""Shapes of the JSON documents of starts: their phases and spans, and the records of measured ones."""

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
    """Null if no start like this one was measured: only the range is known."""
    low_seconds: float
    high_seconds: float
    basis: str


class SpanDocument(TypedDict):
    """Seconds of several phases together."""

    seconds: int | None
    """Null if a part was not measured."""
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
    """Day on which the component was created, YYYY-MM-DD."""
    origin: Origin
    """`aws`, or `embedded-aws` for an AWS that is simulated: such a record says nothing about AWS."""
    endpoint_seconds: float | None
    """From the request for the endpoint until it was in service: its instances were launched; null if not seen."""
    component_seconds: float
    """From the request for the component until all its copies served."""
    phase_seconds: dict[PhaseName, float]
    """Phases that the containers' logs state."""


class StartRecordsDocument(TypedDict):
    """Measured starts: `replicas status --probe --record` writes them, and `replicas calibrate` keeps them."""

    schema: Literal["replicas.starts/1"]
    records: list[StartRecordDocument]
