"""Shapes of the JSON documents of `replicas preflight` and `replicas doctor`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.preflight.checks import State


class CheckDocument(TypedDict):
    """One check. `replicas doctor` prints a list of them."""

    schema: Literal["replicas.preflight-check/1"]
    what: str
    state: State
    said: str
    fix: str
    """What to do about a fault; empty where nothing is to be done."""


class PreflightDocument(TypedDict):
    """The checks of a template before a deploy."""

    schema: Literal["replicas.preflight/1"]
    name: str
    region: str
    template: str
    is_ready: bool
    checks: list[CheckDocument]
