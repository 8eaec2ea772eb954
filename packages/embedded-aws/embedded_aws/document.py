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
    """Environment variables that point AWS clients to the embedded AWS."""


class StoppedDocument(TypedDict):
    """An embedded AWS that was stopped."""

    schema: Literal["embedded-aws.stopped/1"]
    stopped: int
    """Port of the stopped embedded AWS."""
    state: str | None
    """File that holds the saved state; null if it was started without --state."""


class RunningDocument(TypedDict):
    """An embedded AWS that runs. `status` prints a list of them."""

    schema: Literal["embedded-aws.running/1"]
    port: int
    pid: int
    url: str


class FaultDocument(TypedDict):
    """An injected fault. `fault` prints a list of them."""

    schema: Literal["embedded-aws.fault/1"]
    kind: FaultKind
    on: str
    times: int | None
    """Remaining number of occurrences; null: until the fault is cleared."""
    seconds: float
