"""Shapes of the JSON documents of a teardown."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.aws.billing import Bill
from replicas.aws.document import UnansweredDocument


class ThingDocument(TypedDict):
    """One resource."""

    kind: str
    name: str
    why: str
    """How it belongs to the deployment."""


class LeftDocument(ThingDocument):
    """A resource that is still there."""

    why_left: str


class InventoryDocument(TypedDict):
    """What a teardown would delete: `replicas teardown --dry-run --json`."""

    schema: Literal["replicas.inventory/1"]
    things: list[ThingDocument]
    """In the order of their deletion."""
    left_alone: list[str]
    """What stays although it is near, and why, in sentences."""


class TeardownDocument(TypedDict):
    """What a teardown deleted, and what is still billed."""

    schema: Literal["replicas.teardown/1"]
    deleted: list[ThingDocument]
    left: list[LeftDocument]
    left_alone: list[str]
    bills: list[Bill]
    unanswered: list[UnansweredDocument]
