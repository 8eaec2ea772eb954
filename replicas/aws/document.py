"""Types of the JSON document of `replicas bills`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.aws.billing import Bill


class UnansweredDocument(TypedDict):
    """A region that could not be queried, with the reason."""

    region: str
    why: str


class AppRegionDocument(TypedDict):
    """A region named by stacks of this app."""

    region: str
    stacks: list[str]


class BillsDocument(TypedDict):
    """The billed instances of all endpoints, by region."""

    schema: Literal["replicas.bills/1"]
    bills: list[Bill]
    unanswered: list[UnansweredDocument]
    regions: list[str]
    """Regions that were queried."""
    known: list[AppRegionDocument]
