"""Warnings about declared traffic that exceeds the forecast capacity of a plan, or whose objective the plan misses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from replicas.errors import ForecastError
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.forecast.forecasting import forecast, subject_of
from replicas.forecast.loads import Point
from replicas.forecast.overload import RESPONSE_SECONDS
from replicas.forecast.requested_loads import declared_load
from replicas.forecast.sampling import Sample, sampled, speed_of, whole
from replicas.load import Load
from replicas.load.objectives import Bounds
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.planning.service import exceeds_limits
from replicas.speed.throughput import MOST_OF_CAPACITY, carried
from replicas.units import counted, rate_text

_PARTS = (1024, 256, 64, 16, 4, 1)
"""Divisors of a load that is above the capacity. The load is divided by them in this order, so the smallest part is
tried first."""
_MORE_COPIES = (2, 4, 8)
"""Factors by which the number of copies is multiplied, in trials, if the copies miss an objective."""
_BY_FAR, _NEAR = 2.0, 1.2
"""Safety factors for the times of a sample. A sample of users decides about a limit of the objective only if its times
are below or above the limit by the factor `_BY_FAR`; otherwise all users are simulated. More copies are proposed only
if the times of their sample are below the limits by the factor `_NEAR`."""
_SAFE = 4.0
"""Factor by which the mean latency of the closed form must be below the limit of a response, so that p90 is below it
too."""
_MOST_UNANSWERED, _ALWAYS_RUNNING = 0.1, 10
"""Requests that may still run at the end of the simulated time: a share of all requests, plus a constant."""


def with_traffic_warnings(plan: EndpointPlan) -> EndpointPlan:
    """Return the plan with added warnings about its declared traffic."""
    return replace(plan, warnings=(*plan.warnings, *traffic_warnings(plan)))


def traffic_warnings(plan: EndpointPlan) -> list[str]:
    """Return a warning for each component that, with its maximum number of copies, cannot serve its declared traffic or
    misses its objective.

    Each warning names a change that helps. Each instance type of a pool must be able to serve all of the traffic alone.
    """
    several = len(plan.components) > 1
    return [
        f"{on}{component.name}: {warning}" if several else f"{on}{warning}"
        for on, member in (("", plan), *((f"on {member.instance.name}: ", member) for member in plan.fallbacks))
        for component in member.components
        for warning in _warnings_of(member, component)
    ]


def _warnings_of(plan: EndpointPlan, component: ComponentPlan) -> Iterator[str]:
    load = declared_load(component)
    if load is None or exceeds_limits(component):
        return
    copies = max(component.copies, component.most_copies)
    try:
        judged = _Judged(plan, component, load)
        shown = counted(copies, "copy", "copies")
        fault, point, sample = judged.first_fault(copies)
        if fault:
            yield (
                f"the declared traffic exceeds the forecast capacity of {shown}: {fault}: add copies, or use "
                "instances with faster accelerators (`replicas recommend` compares them)"
            )
        elif objective := Bounds.declared(component.traffic):
            missed, some = judged.missed(objective, copies, point, sample)
            if missed:
                yield (
                    f"{shown} are forecast to miss the objective of the declared traffic{some}: "
                    f"{'; '.join(missed)}: {judged.help(objective, copies)}"
                )
    except ForecastError as unknown:
        yield f"whether the copies can serve the declared traffic is not judged: {unknown}"


class _Judged:
    """Forecasts of a component under its declared load, as far as a warning needs them."""

    def __init__(self, plan: EndpointPlan, component: ComponentPlan, load: Load) -> None:
        self._plan = plan
        self._component = component
        self._load = load
        engine = _engine(plan, component)
        self._speed = speed_of(engine, component, load)
        self._most_requests = engine.limits.concurrent_requests

    def first_fault(self, copies: int) -> tuple[str | None, Point, Sample]:
        """Return the reason why copies cannot serve the load (None if they can), and the last forecast with its sample.

        A load above the capacity takes long to simulate, so small parts of the load are tried first.
        """
        for part in _PARTS if self._is_beyond(copies) else (1,):
            smaller = self._load.part(1 / part)
            if part > 1 and self._is_carried(smaller, copies):
                continue
            sample = sampled(self._speed, copies, smaller)
            point = self._forecast(sample)
            if fault := _fault(point, sample.duration_seconds, copies / sample.copies):
                return f"with {'1 user' if smaller.users == 1 else smaller.description} {fault}", point, sample
        return None, point, sample

    def missed(self, objective: Bounds, copies: int, point: Point, sample: Sample) -> tuple[Sequence[str], str]:
        """Return a message for each limit that is exceeded, and a note if the times come from a sample of the copies.

        If the load is a number of users, its percentiles depend on all copies. The whole load is then simulated if the
        times of the sample are near a limit.
        """
        if sample.copies == copies or self._load.users is None or _missed(objective, point, 1 / _BY_FAR):
            some = f" in a sample of {sample.copies} of them" if sample.copies < copies else ""
            return _missed(objective, point), some
        if not _missed(objective, point, _BY_FAR):
            return [], ""
        return _missed(objective, self._forecast(whole(copies, self._load))), ""

    def help(self, objective: Bounds, copies: int) -> str:
        """Return advice for meeting the objective, which was tried with further forecasts."""
        alone = replace(self._load, users=1, requests_per_second=None)
        if _missed(objective, self._forecast(sampled(self._speed, 1, alone))):
            return (
                "even a single request misses it, so more copies do not help: raise tensor_parallel=, use an instance "
                "type with faster accelerators, or shorten requests"
            )
        for times in _MORE_COPIES:
            sample = sampled(self._speed, copies * times, self._load)
            margin = _NEAR if sample.copies < copies * times else 1.0
            if not _missed(objective, self._forecast(sample), margin):
                return f"set copies={copies * times} with enough instances: the forecast then meets the objective"
        return (
            f"even {_MORE_COPIES[-1]} times the copies miss it: raise tensor_parallel=, or use an instance type with "
            "faster accelerators"
        )

    def _is_beyond(self, copies: int) -> bool:
        """True if the load may exceed the capacity of the copies, which is estimated in closed form."""
        number, most = self._speed.most
        if self._load.users is not None:
            return self._load.users > copies * number
        return (self._load.requests_per_second or 0.0) > MOST_OF_CAPACITY * copies * most

    def _is_carried(self, load: Load, copies: int) -> bool:
        """True if the closed form shows that copies serve a load of users: no user is refused, and
        latencies are far below the limit of a response.
        """
        if load.users is None or (self._most_requests is not None and load.users > self._most_requests):
            return False
        mean = carried(self._speed, copies, users=load.users, requests_per_second=None).seconds
        return mean < RESPONSE_SECONDS / _SAFE

    def _forecast(self, sample: Sample) -> Point:
        component = replace(self._component, copies=sample.copies)
        return forecast(self._plan, component, [sample.load], duration_seconds=sample.duration_seconds).points[0]


def _engine(plan: EndpointPlan, component: ComponentPlan) -> CopyEngine:
    try:
        return copy_engine(component, plan.instance)
    except LookupError as unknown:
        raise ForecastError(f"no forecast of {subject_of(plan, component)}: {unknown.args[0]}") from None


def _missed(objective: Bounds, point: Point, margin: float = 1.0) -> Sequence[str]:
    """Return a message for each limit that the times of a forecast exceed when they are multiplied by `margin`."""
    times = {bound.name: getattr(point, f"{bound.name}_seconds") for bound in objective.bounds}
    with_margin = {name: None if seconds is None else margin * seconds for name, seconds in times.items()}
    return list(objective.misses(with_margin, point.refused))


def _fault(point: Point, seconds: float, times: float) -> str | None:
    """Return the reason why copies cannot serve a load; None if they can. If the forecast is of a sample, `times` is
    the factor from the sample to the whole load.
    """
    offered = point.requests_per_second_offered
    if point.refused:
        return f"{point.refused / point.requests:.1%} of the requests are refused"
    unanswered = point.requests - point.requests_per_second_window * seconds
    if offered and unanswered > _MOST_UNANSWERED * point.requests + _ALWAYS_RUNNING:
        return f"only {rate_text(times * point.requests_per_second_window)} a second are answered"
    if point.latency_p90_seconds and point.latency_p90_seconds > RESPONSE_SECONDS:
        return (
            f"one request in ten takes more than {point.latency_p90_seconds:.0f} s, but SageMaker ends a request after "
            f"{RESPONSE_SECONDS} s"
        )
    return None
