"""Types of the JSON documents of `replicas cost`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.catalogue.prices import Price
from replicas.cost.statement import ComponentCost
from replicas.planning.costs import Addition, BoundName
from replicas.planning.document import BoundDocument


class CostDocument(TypedDict):
    """Cost statement of one deployment."""

    schema: Literal["replicas.cost/1"]
    deployment: str
    instance_type: str
    region: str
    """Region of the price."""
    price: Price | None
    """Price of one instance for an hour; null if no source gives it."""
    hours_per_month: int
    bounds: dict[BoundName, BoundDocument]
    scales: bool
    adds: list[Addition]
    adds_usd_per_month: float
    components: list[ComponentCost]


class RefusedDocument(TypedDict):
    """A deployment that cannot be planned."""

    message: str
    problems: list[str]


class CostsDocument(TypedDict):
    """Cost statements of all deployments."""

    schema: Literal["replicas.costs/1"]
    deployments: list[CostDocument]
    usd_per_hour: dict[BoundName, float]
    """Sums of the known prices."""
    unpriced: list[str]
    """Deployments without a known price; the sums do not include them."""
    refused: list[RefusedDocument]
