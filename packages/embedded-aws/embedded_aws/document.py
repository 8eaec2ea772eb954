"""Shapes of the JSON documents of the command `embedded-aws`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from embedded_aws.faults import FaultKind


class StartedDocument(TypedDict):
    """An embedded AWS that was started."""

    schema: Literal["embedded-aws.started/1"]
    port: int
    pid: int
    environment: dict[str, str]
    """Variables that point clients of AWS to it."""


class StoppedDocument(TypedDict):
    """An embedded AWS that was stopped."""

    schema: Literal["embedded-aws.stopped/1"]
    stopped: int
    """Its port."""
    state: str | None
    """File that holds its state; null where it was not kept."""


class RunningDocument(TypedDict):
    """An embedded AWS that runs. `status` prints a list of them."""

    schema: Literal["embedded-aws.running/1"]
    port: int
    pid: int
    url: str


class FaultDocument(TypedDict):
    """A fault that is to come. `fault` prints a list of them."""

    schema: Literal["embedded-aws.fault/1"]
    kind: FaultKind
    on: str
    times: int | None
    """How often; null: until it is cleared."""
    seconds: float
