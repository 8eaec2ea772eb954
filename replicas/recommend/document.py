"""Types of the JSON documents of a recommendation and of a fleet."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.catalogue.prices import Kind
from replicas.forecast.loads import Confidence, Forecast
from replicas.load.document import LoadDocument
from replicas.recommend.candidates import Unfit
from replicas.recommend.frontier import Spot
from replicas.recommend.objective import ObjectiveDocument


class LimitDocument(TypedDict):
    """The resource that takes most of the engines' time, and its share of the duration."""

    what: str
    share: float


class OptionDocument(TypedDict):
    """A layout with its number of instances."""

    instance_type: str
    fallback_instance_types: list[str]
    """Further types of the pool. `copies` is then the number of copies that fit each type, and `usd_per_hour` the price
    of the dearest type."""
    worst_instance_type: str | None
    """Type of the pool to which `forecast` and `misses` apply: it misses the objective most or comes closest to missing
    it. Null without a pool, or if the price misses the objective."""
    instances: int
    model: str
    quantization: str
    engine: str
    tensor_parallel: int
    copies: int
    """Copies on all instances."""
    kv_cache_tokens: int
    usd_per_hour: float | None
    price: Kind | None
    usd_per_million_output_tokens: float | None
    forecast: Forecast | None
    warnings: list[str]
    """Warnings of the layout's plan."""
    full_forecast: bool
    """False if a quick forecast was enough to rank the layout."""
    limited_by: LimitDocument | None
    misses: list[str]
    """A message for each limit of the objective that the layout misses."""


class TwinDocument(TypedDict):
    """A dearer instance type with the same accelerators, on which the same copies run."""

    instance_type: str
    usd_per_hour: float | None


class RankedDocument(OptionDocument):
    """A layout of the ranking."""

    dearer: list[TwinDocument]


class CountsDocument(TypedDict):
    """Numbers of layouts. `layouts` is the sum of the other fields."""

    layouts: int
    hold_priced: int
    hold_unpriced: int
    missed: int
    dearer_hosts: int
    """Number of layouts that differ from a listed layout only in a dearer instance type."""


class RecommendationDocument(TypedDict):
    """All layouts of a model for a load, ranked."""

    schema: Literal["replicas.recommendation/1"]
    model: str
    load: LoadDocument
    objective: ObjectiveDocument
    fallback_instance_types: list[str]
    """Fallback instance types of every layout; empty without pools."""
    region: str | None
    routing: str
    duration_seconds: float
    layouts: int
    counts: CountsDocument
    simulated: int
    ranked: list[RankedDocument]
    """Layouts that meet the objective, cheapest per million output tokens first."""
    missed: list[RankedDocument]
    """Layouts that miss the objective, nearest first."""
    unfit: list[Unfit]
    frontier: list[Spot]
    why: list[str]
    lines: str | None
    """Python lines to paste into deployments.py."""


class ServedDocument(TypedDict):
    """One model of a fleet."""

    name: str
    model: str
    quantization: str
    engine: str
    instance_type: str
    tensor_parallel: int
    copies: int
    requests_per_second: float
    latency_p50_seconds: float | None
    latency_p90_seconds: float | None
    ttft_p50_seconds: float | None
    ttft_p90_seconds: float | None
    confidence: Confidence


class AloneDocument(ServedDocument):
    """One model on instances of its own."""

    instances: int
    usd_per_hour: float


class FleetEndpointDocument(TypedDict):
    """One endpoint of a fleet."""

    name: str
    instance_type: str
    instances: int
    usd_per_hour: float | None
    accelerators_used: int
    accelerators_available: int
    placement: list[list[int]]
    models: list[ServedDocument]
    warnings: list[str]
    """Warnings of the endpoint's plan."""


class FleetDocument(TypedDict):
    """The cheapest endpoints for several models."""

    schema: Literal["replicas.fleet/1"]
    usd_per_hour: float
    usd_per_hour_alone: float
    """Total price with one endpoint per model."""
    proven_cheapest: bool
    least_usd_per_hour: float
    """Lower bound of the total price of any packing."""
    endpoints: list[FleetEndpointDocument]
    alone: list[AloneDocument]
    unpriced: list[str]
    """Instance types that were left out because their price is not known."""
    lines: str
