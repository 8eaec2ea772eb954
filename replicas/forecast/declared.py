"""Warnings about declared traffic that the copies of a plan do not carry, or whose objective they miss, by forecast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from replicas.errors import ForecastError
from replicas.forecast.forecasting import forecast
from replicas.forecast.loads import Point
from replicas.forecast.overload import RESPONSE_SECONDS
from replicas.forecast.requested_loads import declared_load
from replicas.forecast.sampling import Sample, sampled, speed_of, whole
from replicas.load import Load
from replicas.load.objectives import Bounds
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.planning.service import exceeds_limits
from replicas.speed.throughput import MOST_OF_CAPACITY, CopySpeed
from replicas.units import rate_text

_PARTS = (1024, 256, 64, 16, 4, 1)
"""Divisors of a load beyond the capacity, in the order in which its parts are tried."""
_MORE_COPIES = (2, 4, 8)
"""Multiples of the copies that are tried for an objective that they miss."""
_BY_FAR, _NEAR = 2.0, 1.2
"""Margins of a sample: that of users leaves open whether an objective is kept up to the first, and a change that helps
keeps it with the second."""
_MOST_UNANSWERED, _ALWAYS_RUNNING = 0.1, 10
"""Share and number of the requests that may still run at the end of the simulated time."""


def with_traffic_warnings(plan: EndpointPlan) -> EndpointPlan:
    """Return a plan whose warnings include those about its declared traffic."""
    return replace(plan, warnings=(*plan.warnings, *traffic_warnings(plan)))


def traffic_warnings(plan: EndpointPlan) -> list[str]:
    """Return the declared loads that a component would not carry even with its most copies, and the objectives that it
    would miss with them, each with what would help. Each instance type of a pool may have to serve all of it.
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
        fault, point, sample = judged.first_fault(copies)
        if fault:
            yield (
                f"the declared traffic is more than {_copies(copies)} are forecast to carry: {fault}: more copies, or "
                "instances with faster accelerators (`replicas recommend` compares them)"
            )
        elif objective := Bounds.declared(component.traffic):
            missed, some = judged.missed(objective, copies, point, sample)
            if missed:
                yield (
                    f"{_copies(copies)} are forecast to miss the objective of the declared traffic{some}: "
                    f"{'; '.join(missed)}: {judged.help(objective, copies)}"
                )
    except ForecastError as unknown:
        yield f"whether the declared traffic is carried is not judged: {unknown}"


class _Judged:
    """A component under its declared load."""

    def __init__(self, plan: EndpointPlan, component: ComponentPlan, load: Load) -> None:
        self._plan = plan
        self._component = component
        self._load = load
        self._speed = _speed(plan, component, load)

    def first_fault(self, copies: int) -> tuple[str | None, Point, Sample]:
        """Return why the load is not carried, and the forecast of a sample of it.

        A load beyond the capacity takes long to simulate: its fault is found at the smallest part that has one.
        """
        for part in _PARTS if self._is_beyond(copies) else (1,):
            smaller = self._load.part(1 / part)
            sample = sampled(self._speed, copies, smaller)
            point = self._forecast(sample)
            if fault := _fault(point, sample.duration_seconds, copies / sample.copies):
                return f"with {_size(smaller)} {fault}", point, sample
        return None, point, sample

    def missed(self, objective: Bounds, copies: int, point: Point, sample: Sample) -> tuple[Sequence[str], str]:
        """Return the bounds that the load misses, in sentences, and of what their figures are; none if it keeps them.

        The percentiles of users depend on all copies: if a sample is near a bound, all of the load is simulated.
        """
        if sample.copies == copies or self._load.users is None or _missed(objective, point, 1 / _BY_FAR):
            some = f" in a sample of {sample.copies} of them" if sample.copies < copies else ""
            return _missed(objective, point), some
        if not _missed(objective, point, _BY_FAR):
            return [], ""
        return _missed(objective, self._forecast(whole(copies, self._load))), ""

    def help(self, objective: Bounds, copies: int) -> str:
        """Return the change that keeps an objective, by forecast."""
        alone = replace(self._load, users=1, requests_per_second=None)
        if _missed(objective, self._forecast(sampled(self._speed, 1, alone))):
            return (
                "a request that is alone misses it too, so that more copies do not help: a higher tensor_parallel=, an "
                "instance type with faster accelerators, or shorter requests"
            )
        for times in _MORE_COPIES:
            sample = sampled(self._speed, copies * times, self._load)
            margin = _NEAR if sample.copies < copies * times else 1.0
            if not _missed(objective, self._forecast(sample), margin):
                return f"copies={copies * times}, on as many instances as they need, are forecast to keep it"
        return (
            f"{_MORE_COPIES[-1]} times the copies miss it too: a higher tensor_parallel=, or an instance type with "
            "faster accelerators"
        )

    def _is_beyond(self, copies: int) -> bool:
        """True if the load may be beyond what the copies carry, by the bound in closed form."""
        number, most = self._speed.most
        if self._load.users is not None:
            return self._load.users > copies * number
        return (self._load.requests_per_second or 0.0) > MOST_OF_CAPACITY * copies * most

    def _forecast(self, sample: Sample) -> Point:
        component = replace(self._component, copies=sample.copies)
        return forecast(self._plan, component, [sample.load], duration_seconds=sample.duration_seconds).points[0]


def _speed(plan: EndpointPlan, component: ComponentPlan, load: Load) -> CopySpeed:
    try:
        return speed_of(plan, component, load)
    except LookupError as unknown:
        raise ForecastError(f"no forecast of {plan.name}, {component.name}: {unknown.args[0]}") from None


def _missed(objective: Bounds, point: Point, margin: float = 1.0) -> Sequence[str]:
    """Return the bounds that a forecast misses if its times are multiplied by a margin, in sentences."""
    times = {bound.name: getattr(point, f"{bound.name}_seconds") for bound in objective.bounds}
    with_margin = {name: None if seconds is None else margin * seconds for name, seconds in times.items()}
    return list(objective.misses(with_margin, point.refused))


def _size(load: Load) -> str:
    if load.users is not None:
        return f"{load.users:,} {'user' if load.users == 1 else 'users'}"
    return f"{rate_text(load.requests_per_second or 0.0)} requests a second"


def _copies(copies: int) -> str:
    return f"{copies} {'copy' if copies == 1 else 'copies'}"


def _fault(point: Point, seconds: float, times: float) -> str | None:
    """Return the reason why a load is not carried, of which a part was simulated; None if it is."""
    offered = point.requests_per_second_offered
    if point.refused:
        return f"{point.refused / point.requests:.1%} of the requests are refused"
    unanswered = point.requests - point.requests_per_second_window * seconds
    if offered and unanswered > _MOST_UNANSWERED * point.requests + _ALWAYS_RUNNING:
        return f"{rate_text(times * point.requests_per_second_window)} a second are answered"
    if point.latency_p90_seconds and point.latency_p90_seconds > RESPONSE_SECONDS:
        return (
            f"one in ten takes more than {point.latency_p90_seconds:.0f} s, and SageMaker ends it after "
            f"{RESPONSE_SECONDS} s"
        )
    return None
