"""Cost of a plan: USD an hour at its floor, start and ceiling, and USD a month that its options add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from replicas.catalogue.prices import Service, service_price
from replicas.deployment.options import Alarms
from replicas.endpoint.packing import Resources, fewest_instances
from replicas.planning.option_faults import VPC_ENDPOINTS
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.sizing import claims
from replicas.units import HOURS_PER_MONTH

BoundName = Literal["floor", "start", "ceiling"]
BOUNDS: tuple[BoundName, ...] = ("floor", "start", "ceiling")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Copies, instances and price of an endpoint at its minimum (floor), start or maximum (ceiling)."""

    copies: Mapping[str, int]
    """Copies of each component, by its name."""
    instances: int
    usd_per_hour: float | None
    """On-demand price; None if no source states it."""

    @property
    def usd_per_month(self) -> float | None:
        """Price of 730 hours, USD; None if no source states the price."""
        return None if self.usd_per_hour is None else self.usd_per_hour * HOURS_PER_MONTH

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of these numbers, which the plan and the cost statement contain."""
        return {**asdict(self), "usd_per_month": self.usd_per_month}


@dataclass(frozen=True, kw_only=True)
class Addition:
    """Cost that an option adds to the price of the instances."""

    option: str
    what: str
    usd_per_month: float | None
    """Added cost in USD per month; None if no source states the price."""
    estimate: bool = False
    """True if the billed quantity or its price is uncertain."""
    counted: bool = True
    """False for a resource that may exist already or be shared with other deployments: sums do not include it."""


def cost_bounds(plan: EndpointPlan) -> dict[BoundName, Bound]:
    """Return copies, instances and price at the floor, at the start and at the ceiling of a plan.

    The floor includes schedules that lower it. The instances at the floor are the fewest that hold its copies: managed
    instance scaling can go down to that number. The ceiling has all instances of the plan, because a rolling update may
    need them.
    """
    price = plan.price.usd if plan.price else None
    floor = {component.name: _fewest(component) for component in plan.components}
    counts: dict[BoundName, tuple[dict[str, int], int]] = {
        "floor": (floor, _floor_instances(plan, floor)),
        "start": ({component.name: component.copies for component in plan.components}, plan.instances),
        "ceiling": ({component.name: component.most_copies for component in plan.components}, plan.max_instances),
    }
    return {
        name: Bound(copies=copies, instances=number, usd_per_hour=None if price is None else price * number)
        for name, (copies, number) in counts.items()
    }


def at_bound(plan: EndpointPlan, bound: Bound) -> EndpointPlan:
    """Return the plan with the copies and instances of its floor, start or ceiling, for a forecast.

    It has no placement.
    """
    components = tuple(replace(component, copies=bound.copies[component.name]) for component in plan.components)
    return replace(plan, instances=bound.instances, components=components, placement=())


def scales(plan: EndpointPlan) -> bool:
    """True if the number of copies or of instances can change."""
    return plan.instance_scaling is not None or any(component.scaling for component in plan.components)


def additions(plan: EndpointPlan) -> tuple[Addition, ...]:
    """Return the cost a month of each option in use, in the plan's price region; 0 if an option costs nothing."""
    return tuple(_additions(plan))


def added_usd_per_month(additions: tuple[Addition, ...]) -> float:
    """Return the sum of the additions with a known price. Additions that are not `counted` are left out."""
    return sum(addition.usd_per_month or 0.0 for addition in additions if addition.counted)


def alarm_count(thresholds: Alarms, *, scales_to_zero: bool) -> int:
    """Return the number of alarms that the constructs create for one component."""
    no_capacity = thresholds.no_capacity is not None and not scales_to_zero
    return 2 + no_capacity + (thresholds.latency_p90_seconds is not None)


def _fewest(component: ComponentPlan) -> int:
    scheduled = [schedule.min_copies for schedule in component.scaling.schedules] if component.scaling else []
    return min([component.fewest_copies, *scheduled])


def _floor_instances(plan: EndpointPlan, floor: Mapping[str, int]) -> int:
    if plan.instance_scaling is None:
        return plan.instances
    needs = [
        Resources.of(component.accelerators, component.cpus, component.memory_mib) for component in plan.components
    ]
    copies = tuple(floor[component.name] for component in plan.components)
    needed = fewest_instances(needs, copies, claims.host(plan.instance))
    return max(plan.min_instances, needed if isinstance(needed, int) else plan.instances)


def _additions(plan: EndpointPlan) -> Iterator[Addition]:
    region = plan.price_region
    for component in plan.components:
        yield from _component_additions(plan, component, f" of {component.name}" if len(plan.components) > 1 else "")
    monitoring, security = plan.monitoring, plan.security
    if plan.instance_scaling:
        yield _nothing("instance_scaling", "instances are billed by the hour, between floor and ceiling")
    if plan.fallbacks:
        yield _nothing("fallback_instance_types", "instances of a fallback type are billed at the price of that type")
    if plan.capacity_reservation:
        yield _unknown("capacity_reservation", "a reservation is billed by its own contract, used or not")
    if monitoring.dashboard:
        yield _priced("monitoring.dashboard", "1 dashboard", 1, "dashboard_month", region)
    if monitoring.topic:
        yield _nothing("monitoring.topic", "messages are billed by number")
    if monitoring.log_retention_days:
        yield _nothing("monitoring.log_retention_days", "logs are billed by size, and these logs expire")
    if monitoring.enhanced_metrics_seconds:
        yield _unknown(
            "monitoring.enhanced_metrics_seconds", "AWS documents neither the price nor the number of these metrics"
        )
    if security.vpc:
        subnets = len(security.vpc.subnets)
        number = len(VPC_ENDPOINTS) * subnets
        what = f"{number} interface endpoints, needed if the subnets have neither these endpoints nor internet access"
        hours = number * HOURS_PER_MONTH
        yield replace(_priced("security.vpc", what, hours, "interface_endpoint_hour", region), counted=False)
    if plan.data_capture:
        yield _unknown("data_capture", "objects in S3 are billed by number and size, which depend on the requests")
    if security.kms_key:
        yield _nothing("security.kms_key", "the key is billed separately, whether or not this endpoint uses it")


def _component_additions(plan: EndpointPlan, component: ComponentPlan, of: str) -> Iterator[Addition]:
    region, scaling = plan.price_region, component.scaling
    rolls_back = component.rollout is not None and component.rollout.roll_back
    if plan.monitoring.alarms or rolls_back:
        thresholds = plan.monitoring.alarms or Alarms()
        number = alarm_count(thresholds, scales_to_zero=component.fewest_copies == 0)
        option = "monitoring.alarms" if plan.monitoring.alarms else "rollout.roll_back"
        yield _priced(option, f"{number} alarms{of}", number, "alarm_month", region)
    if component.rollout:
        yield _nothing(
            "rollout", f"new copies{of} run on instances that are already included in the price at the ceiling"
        )
    if scaling:
        # Application Auto Scaling creates one alarm for scaling out and one for scaling in, billed like other alarms.
        # Whether both are high-resolution alarms was not observed, so the higher price is counted.
        service: Service = "high_resolution_alarm_month" if scaling.on_concurrent_requests else "alarm_month"
        what = f"2 alarms for target tracking{of}"
        yield replace(_priced("scaling", what, 2, service, region), estimate=scaling.on_concurrent_requests)
        if scaling.wakes:
            yield _priced("scaling.to_zero", f"1 alarm that starts the first copy{of}", 1, "alarm_month", region)
        if scaling.schedules:
            yield _nothing("scaling.schedules", f"scheduled actions{of} are free")
    if component.adapters:
        yield _nothing("adapters", f"adapters{of} run in the copies of their base model")


def _priced(option: str, what: str, number: float, service: Service, region: str) -> Addition:
    price = service_price(service, region)
    return Addition(
        option=option,
        what=what,
        usd_per_month=None if price is None else round(price.usd * number, 4),
        estimate=price is not None and price.is_estimate,
    )


def _nothing(option: str, why: str) -> Addition:
    return Addition(option=option, what=why, usd_per_month=0.0)


def _unknown(option: str, why: str) -> Addition:
    return Addition(option=option, what=why, usd_per_month=None)
