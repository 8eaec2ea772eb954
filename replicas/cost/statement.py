"""Builds the cost statement of a plan: at minimum, start and maximum, with token prices at the forecast of a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from replicas.catalogue.prices import Price
from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, forecast
from replicas.forecast.loads import Point
from replicas.forecast.requested_loads import declared_load
from replicas.load.arrivals import duration_for
from replicas.load.options import DEFAULT_SECONDS
from replicas.planning.costs import (
    Addition,
    Bound,
    BoundName,
    added_usd_per_month,
    additions,
    at_bound,
    cost_bounds,
    scales,
)
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.units import HOURS_PER_MONTH, usd_per_million_tokens

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CostPoint:
    """Cost of one component at the minimum, start or maximum of the scaling.

    The price of the endpoint is shared among its components in proportion to the accelerators that they occupy.
    """

    copies: int
    usd_per_hour: float | None
    """The component's share of the price; None if no source gives the price."""
    usd_per_hour_per_copy: float | None
    """Price of one copy; None if the price is not known or the component has no copies."""
    load: Point | None
    """Forecast of the load with this number of copies; None without a load, and at zero copies."""
    usd_per_million_output_tokens: float | None
    usd_per_million_tokens: float | None
    """Price of a million tokens, prompts and answers together."""


@dataclass(frozen=True, kw_only=True)
class ComponentCost:
    """Cost of one component at floor, start and ceiling, and the load for which its tokens are priced."""

    name: str
    load: Load | None
    points: Mapping[BoundName, CostPoint]
    confidence: str | None
    """Confidence of the forecast; None without a forecast."""
    basis: str | None
    not_forecast: str | None
    """Why the load has no forecast; None if it has one."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Cost statement of one deployment."""

    deployment: str
    instance_type: str
    region: str
    """Region of the price."""
    price: Price | None
    """Price of one instance for an hour; None if no source gives it."""
    bounds: Mapping[BoundName, Bound]
    scales: bool
    additions: tuple[Addition, ...]
    components: tuple[ComponentCost, ...]
    has_schedules: bool

    @property
    def refusal(self) -> str | None:
        """Why a component has no forecast, and therefore no price per token; None if all have one."""
        return next((component.not_forecast for component in self.components if component.not_forecast), None)

    def to_document(self) -> Json:
        """Return the JSON document (`replicas.cost.document.CostDocument`)."""
        return {
            "schema": "replicas.cost/1",
            "deployment": self.deployment,
            "instance_type": self.instance_type,
            "region": self.region,
            "price": asdict(self.price) if self.price else None,
            "hours_per_month": HOURS_PER_MONTH,
            "bounds": {name: bound.to_document() for name, bound in self.bounds.items()},
            "scales": self.scales,
            "adds": [asdict(addition) for addition in self.additions],
            "adds_usd_per_month": added_usd_per_month(self.additions),
            "components": [asdict(component) for component in self.components],
        }


def statement(plan: EndpointPlan, loads: Mapping[str, Load] | None = None) -> Statement:
    """Return the cost statement of a plan. Token prices are computed from a forecast of the load.

    If the load cannot be forecast, no error is raised. The statement then says why tokens have no price.

    Args:
        plan: the plan; the prices are those of its region.
        loads: load of each component. Default: the declared traffic.

    """
    bounds = cost_bounds(plan)
    loads = loads or {}
    return Statement(
        deployment=plan.name,
        instance_type=plan.instance.name,
        region=plan.price_region,
        price=plan.price,
        bounds=bounds,
        scales=scales(plan),
        additions=additions(plan),
        components=tuple(
            _component_cost(plan, component, bounds, loads.get(component.name) or declared_load(component))
            for component in plan.components
        ),
        has_schedules=any(component.scaling and component.scaling.schedules for component in plan.components),
    )


def _component_cost(
    plan: EndpointPlan, component: ComponentPlan, bounds: Mapping[BoundName, Bound], load: Load | None
) -> ComponentCost:
    forecasts: dict[int, Forecast] = {}
    refusal: str | None = None
    points: dict[BoundName, CostPoint] = {}
    for name, bound in bounds.items():
        copies = bound.copies[component.name]
        if load and copies and copies not in forecasts and refusal is None:
            plan_at_bound = at_bound(plan, bound)
            (scaled,) = (scaled for scaled in plan_at_bound.components if scaled.name == component.name)
            try:
                forecasts[copies] = forecast(
                    plan_at_bound, scaled, [load], duration_seconds=duration_for(load, DEFAULT_SECONDS)
                )
            except ForecastError as error:
                refusal = str(error)
        at_load = forecasts.get(copies)
        points[name] = _cost_point(plan, component, bound, at_load.points[0] if at_load else None, load)
    any_forecast = next(iter(forecasts.values()), None)
    return ComponentCost(
        name=component.name,
        load=load,
        points=points,
        confidence=any_forecast.confidence if any_forecast else None,
        basis=any_forecast.basis if any_forecast else None,
        not_forecast=refusal,
    )


def _cost_point(
    plan: EndpointPlan, component: ComponentPlan, bound: Bound, point: Point | None, load: Load | None
) -> CostPoint:
    copies = bound.copies[component.name]
    occupied = sum(bound.copies[other.name] * other.accelerators for other in plan.components)
    usd = None
    if bound.usd_per_hour is not None:
        usd = bound.usd_per_hour * copies * component.accelerators / occupied if occupied else 0.0

    def per_million(tokens: int) -> float | None:
        per_second = point.requests_per_second_window * tokens if point else None
        return usd_per_million_tokens(usd, per_second)

    return CostPoint(
        copies=copies,
        usd_per_hour=usd,
        usd_per_hour_per_copy=usd / copies if usd is not None and copies else None,
        load=point,
        usd_per_million_output_tokens=per_million(load.output_tokens) if load else None,
        usd_per_million_tokens=per_million(load.input_tokens + load.output_tokens) if load else None,
    )
