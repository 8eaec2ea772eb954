"""A plan becomes a statement of its cost: at floor, start and ceiling, with tokens at the forecast of a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from replicas.catalogue.prices import Price
from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, forecast
from replicas.forecast.loads import Point
from replicas.forecast.requested_loads import declared_load
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
    """One component at one bound. Of the endpoint's price it bears the part of the accelerators that it occupies."""

    copies: int
    usd_per_hour: float | None
    """The component's part; None where no source gives the price."""
    usd_per_hour_per_copy: float | None
    """None at zero copies, too."""
    load: Point | None
    """What it answers of the load there; None without a load, or without a copy."""
    usd_per_million_output_tokens: float | None
    usd_per_million_tokens: float | None
    """Prompts and answers together."""


@dataclass(frozen=True, kw_only=True)
class ComponentCost:
    """One component: its cost at each bound, and at which load its tokens are counted."""

    name: str
    load: Load | None
    points: Mapping[BoundName, CostPoint]
    confidence: str | None
    """Of the forecast; None without one."""
    basis: str | None
    not_forecast: str | None
    """Why there is no forecast of the load."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one deployment costs."""

    deployment: str
    instance_type: str
    region: str
    """Whose price it is."""
    price: Price | None
    """Of one instance for an hour; None where no source gives it."""
    bounds: Mapping[BoundName, Bound]
    scales: bool
    additions: tuple[Addition, ...]
    components: tuple[ComponentCost, ...]
    has_schedules: bool

    @property
    def refusal(self) -> str | None:
        """Why the load of a component has no forecast, so that its tokens have no price; None otherwise."""
        return next((component.not_forecast for component in self.components if component.not_forecast), None)

    def to_document(self) -> Json:
        """JSON document (`replicas.cost.document.CostDocument`)."""
        return {
            "schema": "replicas.cost/1",
            "deployment": self.deployment,
            "instance_type": self.instance_type,
            "region": self.region,
            "price": asdict(self.price) if self.price else None,
            "hours_per_month": HOURS_PER_MONTH,
            "bounds": {name: bound.to_document() for name, bound in self.bounds.items()},
            "scales": self.scales,
            "adds": [asdict(each) for each in self.additions],
            "adds_usd_per_month": added_usd_per_month(self.additions),
            "components": [asdict(component) for component in self.components],
        }


def statement(plan: EndpointPlan, loads: Mapping[str, Load] | None = None) -> Statement:
    """What a plan costs. Tokens are counted at the forecast of a load: the given one, or the declared traffic.

    A load that cannot be forecast is no error: the statement says why its tokens have no price.

    Args:
        plan: the plan; its region's prices are taken.
        loads: loads in place of the declared traffic, by component.

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
            _component_cost(plan, part, bounds, loads.get(part.name) or declared_load(part)) for part in plan.components
        ),
        has_schedules=any(part.scaling and part.scaling.schedules for part in plan.components),
    )


def _component_cost(
    plan: EndpointPlan, part: ComponentPlan, bounds: Mapping[BoundName, Bound], load: Load | None
) -> ComponentCost:
    forecasts: dict[int, Forecast] = {}
    refusal: str | None = None
    points: dict[BoundName, CostPoint] = {}
    for name, bound in bounds.items():
        copies = bound.copies[part.name]
        if load and copies and copies not in forecasts and refusal is None:
            there = at_bound(plan, bound)
            (same,) = (each for each in there.components if each.name == part.name)
            try:
                forecasts[copies] = forecast(there, same, [load])
            except ForecastError as error:
                refusal = str(error)
        told = forecasts.get(copies)
        points[name] = _cost_point(plan, part, bound, told.points[0] if told else None, load)
    one = next(iter(forecasts.values()), None)
    return ComponentCost(
        name=part.name,
        load=load,
        points=points,
        confidence=one.confidence if one else None,
        basis=one.basis if one else None,
        not_forecast=refusal,
    )


def _cost_point(
    plan: EndpointPlan, part: ComponentPlan, bound: Bound, answered: Point | None, load: Load | None
) -> CostPoint:
    copies = bound.copies[part.name]
    occupied = sum(bound.copies[each.name] * each.accelerators for each in plan.components)
    usd = None
    if bound.usd_per_hour is not None:
        usd = bound.usd_per_hour * copies * part.accelerators / occupied if occupied else 0.0

    def per_million(tokens: int) -> float | None:
        per_second = answered.requests_per_second_window * tokens if answered else None
        return usd_per_million_tokens(usd, per_second)

    return CostPoint(
        copies=copies,
        usd_per_hour=usd,
        usd_per_hour_per_copy=usd / copies if usd is not None and copies else None,
        load=answered,
        usd_per_million_output_tokens=per_million(load.output_tokens) if load else None,
        usd_per_million_tokens=per_million(load.input_tokens + load.output_tokens) if load else None,
    )
