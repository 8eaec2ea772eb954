"""Types of the JSON documents of `replicas preflight` and `replicas doctor`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.preflight.checks import State


class CheckDocument(TypedDict):
    """The result of one check. `replicas doctor` prints a list of them."""

    schema: Literal["replicas.preflight-check/1"]
    what: str
    state: State
    said: str
    fix: str
    """How to correct a fault; empty without a fault."""


class PreflightDocument(TypedDict):
    """The results of the checks of a template before it is deployed."""

    schema: Literal["replicas.preflight/1"]
    name: str
    region: str
    template: str
    is_ready: bool
    checks: list[CheckDocument]
