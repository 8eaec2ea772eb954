"""Chooses the loads for the page's forecasts of a component, and computes these forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, forecast
from replicas.forecast.requested_loads import declared_load, loads_of
from replicas.load.arrivals import duration_for
from replicas.load.options import LoadOptions
from replicas.planning.plans import ComponentPlan, EndpointPlan

WHOLE_SECONDS = 90.0
"""Simulated duration of `replicas forecast`, which a page with few deployments uses too."""
_USERS_PER_COPY = (1, 4, 8, 16, 32)
_PARTS_OF_USERS = (0.25, 0.5, 1, 2, 4)
_PARTS_OF_RATE = (0.25, 0.5, 1, 1.5, 2)
_PROBE_SECONDS = 2.0
_LEAST_SECONDS = 6.0


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Forecasts of a component from light to heavy load."""

    component: str
    loads: tuple[Load, ...]
    declared: Load | None
    """The declared traffic, which is one of `loads`; None if no traffic is declared."""
    duration_seconds: float
    forecast: Forecast | None
    problem: str | None = None
    """Why there is no forecast; None if there is one."""

    @property
    def by_rate(self) -> bool:
        """True if the loads are arrival rates; False if they are users in a closed loop."""
        return self.loads[0].users is None

    @property
    def unit(self) -> str:
        """Unit of the numbers of the loads."""
        return "arrivals a second" if self.by_rate else "users"

    @property
    def request(self) -> str:
        """Description of the request that all loads send."""
        load = self.loads[0]
        answer = f", {load.output_tokens:,} out" if load.output_tokens else ""
        return f"{load.input_tokens:,} tokens in{answer}"


def loads_around(component: ComponentPlan) -> list[Load]:
    """Return loads around the declared traffic of a component, or from 1 to 32 users a copy without declared traffic.

    Without declared traffic, the requests are those of `replicas forecast`, shortened to the component's limits.
    """
    declared = declared_load(component)
    if declared is None:
        copies = max(1, component.copies)
        (first,) = loads_of(component, LoadOptions(users="1"))
        longest = min(component.max_input_tokens, component.max_total_tokens - first.output_tokens)
        request = replace(first, input_tokens=max(1, min(first.input_tokens, longest)))
        return [replace(request, users=copies * users) for users in _USERS_PER_COPY]
    if declared.users is not None:
        counts = sorted({max(1, round(declared.users * part)) for part in _PARTS_OF_USERS})
        return [replace(declared, users=count) for count in counts]
    rate = declared.requests_per_second or 0.0
    return [replace(declared, requests_per_second=rate * part) for part in _PARTS_OF_RATE]


def duration_of(plan: EndpointPlan, component: ComponentPlan, load: Load, requests: int) -> float:
    """Return the seconds in which an idle copy answers `requests` requests one after the other, but at least 6 and at
    most 90.

    Raises:
        ForecastError: the request does not fit the component, or its speed is not known.

    """
    alone = replace(load, users=1, requests_per_second=None)
    (point,) = forecast(plan, component, [alone], duration_seconds=_PROBE_SECONDS).points
    return float(round(min(WHOLE_SECONDS, max(_LEAST_SECONDS, requests * (point.latency_p50_seconds or 0.0)))))


def curve(
    plan: EndpointPlan, component: ComponentPlan, loads: Sequence[Load] | None = None, *, requests: int | None = None
) -> Curve:
    """Return the forecasts of a component under the given loads, by default under loads around its declared traffic.

    A forecast simulates 90 seconds or, with `requests`, the time in which an idle copy answers this number of requests
    one after the other.
    """
    chosen = tuple(loads_around(component) if loads is None else loads)
    result, problem, seconds = None, None, WHOLE_SECONDS
    try:
        if requests is not None:
            seconds = duration_of(plan, component, chosen[0], requests)
        seconds = duration_for(min(chosen, key=lambda load: load.offered or inf), seconds)
        result = forecast(plan, component, chosen, duration_seconds=seconds)
    except ForecastError as unknown:
        problem = str(unknown)
    return Curve(
        component=component.name,
        loads=chosen,
        declared=declared_load(component),
        duration_seconds=seconds,
        forecast=result,
        problem=problem,
    )
