"""Forecast of an endpoint with instance pools: that of the slowest type, because SageMaker may take any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from replicas.errors import ForecastError
from replicas.forecast.forecasting import forecast
from replicas.forecast.loads import Forecast, Point
from replicas.load import Load
from replicas.planning.document import plan_warnings
from replicas.planning.plans import ComponentPlan, EndpointPlan


def forecast_pool(plan: EndpointPlan, component: ComponentPlan, loads: Sequence[Load], **options: Any) -> Forecast:
    """Return the forecast of a component on the slowest type of the endpoint's instance pools.

    SageMaker takes the first type that has capacity, so that a type cannot be relied on. The slowest type refuses most
    requests or, if none does, has the largest sum of p90 latencies over the loads. The price of tokens is the highest
    of all types, or None if a type has no price. Without pools, this is `forecast`.

    Args:
        plan: the plan.
        component: one of its components.
        loads: the loads.
        options: further arguments of `forecast`.

    Raises:
        ForecastError: as for `forecast`, for the first type of the pool with a fault.

    """
    if not plan.fallbacks:
        return forecast(plan, component, loads, **options)
    forecasts = [forecast(plan, component, loads, **options)]
    for member in plan.fallbacks:
        (there,) = (each for each in member.components if each.name == component.name)
        try:
            forecasts.append(forecast(member, replace(there, copies=component.copies), loads, **options))
        except ForecastError as refused:
            raise ForecastError(f"on {member.instance.name}, a fallback instance type: {refused}") from None
    slowest = max(forecasts, key=_slowness)
    by_load = list(zip(*(each.points for each in forecasts), strict=True))
    return replace(
        slowest,
        pool=tuple(each.instance_type for each in forecasts),
        points=tuple(
            replace(point, usd_per_million_output_tokens=_dearest(points))
            for point, points in zip(slowest.points, by_load, strict=True)
        ),
        warnings=tuple(
            dict.fromkeys((*plan_warnings(plan), *slowest.warnings, *_slower_at_some_loads(loads, slowest, forecasts)))
        ),
    )


def _dearest(points: Sequence[Point]) -> float | None:
    prices = [point.usd_per_million_output_tokens for point in points]
    return None if None in prices else max(price for price in prices if price is not None)


def _slower_at_some_loads(loads: Sequence[Load], slowest: Forecast, forecasts: Sequence[Forecast]) -> Iterator[str]:
    """Yield a warning for each load at which another type of the pool is slower than the type that is the slowest over
    all loads.
    """
    for other in forecasts:
        for load, point, there in zip(loads, slowest.points, other.points, strict=True):
            if (there.refused, _p90(there)) > (point.refused, _p90(point)):
                figure = (
                    f"{there.refused:,} requests are refused" if there.refused else f"latency p90 {_p90(there):.2f} s"
                )
                yield f"{load.description}: {other.instance_type} of the pool is slower at this load: {figure}"


def _slowness(forecast: Forecast) -> tuple[int, float]:
    refused = sum(point.refused for point in forecast.points)
    return refused, sum(_p90(point) for point in forecast.points)


def _p90(point: Point) -> float:
    return inf if point.latency_p90_seconds is None else point.latency_p90_seconds
