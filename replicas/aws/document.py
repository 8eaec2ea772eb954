"""Shapes of the JSON documents about everything in an account."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.aws.billing import Bill


class UnansweredDocument(TypedDict):
    """A region that did not answer."""

    region: str
    why: str


class BillsDocument(TypedDict):
    """Endpoints with instances, region by region."""

    schema: Literal["replicas.bills/1"]
    bills: list[Bill]
    unanswered: list[UnansweredDocument]
