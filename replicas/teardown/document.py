"""Types of the JSON documents of a teardown."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.aws.billing import Bill
from replicas.aws.document import AppRegionDocument, UnansweredDocument


class ResourceDocument(TypedDict):
    """One resource of a deployment."""

    kind: str
    name: str
    why: str
    """Reason why the resource belongs to the deployment."""


class LeftDocument(ResourceDocument):
    """A resource that was not deleted."""

    why_left: str


class InventoryDocument(TypedDict):
    """The resources that a teardown would delete: `replicas teardown --dry-run --json`."""

    schema: Literal["replicas.inventory/1"]
    things: list[ResourceDocument]
    """Resources, in the order of their deletion."""
    left_alone: list[str]
    """Sentences about related resources that are not deleted, with the reason."""


class TeardownDocument(TypedDict):
    """The deleted resources, the resources that were not deleted, and the instances that are still billed."""

    schema: Literal["replicas.teardown/1"]
    deleted: list[ResourceDocument]
    left: list[LeftDocument]
    left_alone: list[str]
    bills: list[Bill]
    unanswered: list[UnansweredDocument]
    regions: list[str]
    """Regions that were searched for billed instances."""
    known: list[AppRegionDocument]
