"""Warnings about declared traffic that the copies of a plan are not forecast to carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from replicas.errors import ForecastError
from replicas.forecast.forecasting import forecast
from replicas.forecast.loads import Point
from replicas.forecast.overload import RESPONSE_SECONDS
from replicas.forecast.requested_loads import declared_load
from replicas.load import Load
from replicas.load.arrivals import duration_for, least_seconds
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.planning.service import exceeds_limits
from replicas.units import rate_text

_PARTS = (1024, 256, 64, 16, 4, 1)
"""Divisors of a load, in the order in which its parts are tried."""
_DURATION_SECONDS = 90
_FEWEST_REQUESTS = 10
"""Requests of a low rate that are simulated, however long they take to arrive."""
_MOST_UNANSWERED, _ALWAYS_RUNNING = 0.1, 10
"""Share and number of the requests that may still run at the end of the simulated time."""


def with_traffic_warnings(plan: EndpointPlan) -> EndpointPlan:
    """Return a plan whose warnings include those about its declared traffic."""
    return replace(plan, warnings=(*plan.warnings, *traffic_warnings(plan)))


def traffic_warnings(plan: EndpointPlan) -> list[str]:
    """Return the declared loads that a component would not carry even with its most copies, with what would help."""
    several = len(plan.components) > 1
    return [
        f"{component.name}: {warning}" if several else warning
        for component in plan.components
        for warning in _warnings_of(plan, component)
    ]


def _warnings_of(plan: EndpointPlan, component: ComponentPlan) -> Iterator[str]:
    load = declared_load(component)
    if load is None or exceeds_limits(component):
        return
    most = replace(component, copies=max(component.copies, component.most_copies))
    try:
        fault = _first_fault(plan, most, load)
    except ForecastError as unknown:
        yield f"whether the declared traffic is carried is not judged: {unknown}"
        return
    if fault:
        copies = f"{most.copies} {'copy' if most.copies == 1 else 'copies'}"
        yield (
            f"the declared traffic is more than {copies} are forecast to carry: {fault}: more copies, or instances "
            "with faster accelerators (`replicas recommend` compares them)"
        )


def _first_fault(plan: EndpointPlan, component: ComponentPlan, load: Load) -> str | None:
    """Return why a load is not carried, found at the smallest part of it: a large load takes long to simulate."""
    for part in _PARTS:
        if load.users is not None:
            smaller = replace(load, users=max(1, load.users // part))
            name = f"{smaller.users:,} users"
        else:
            smaller = replace(load, requests_per_second=(load.requests_per_second or 0) / part)
            name = f"{rate_text(smaller.requests_per_second or 0.0)} requests a second"
        if part > 1 and least_seconds(smaller) > _DURATION_SECONDS:
            continue  # the larger parts tell as much
        seconds = duration_for(smaller, _DURATION_SECONDS, _FEWEST_REQUESTS)
        (point,) = forecast(plan, component, [smaller], duration_seconds=seconds).points
        if fault := _fault(point, seconds):
            return f"with {name} {fault}"
    return None


def _fault(point: Point, seconds: float) -> str | None:
    """Return the reason why a load is not carried; None if it is."""
    offered = point.requests_per_second_offered
    if point.refused:
        return f"{point.refused} of {point.requests} are refused"
    unanswered = point.requests - point.requests_per_second_window * seconds
    if offered and unanswered > _MOST_UNANSWERED * point.requests + _ALWAYS_RUNNING:
        return f"{rate_text(point.requests_per_second_window)} a second are answered"
    if point.latency_p90_seconds and point.latency_p90_seconds > RESPONSE_SECONDS:
        return (
            f"one in ten takes more than {point.latency_p90_seconds:.0f} s, and SageMaker ends it after "
            f"{RESPONSE_SECONDS} s"
        )
    return None
