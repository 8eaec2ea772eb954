"""What a plan costs: at its floor, start and ceiling by the hour, and what its options add a month."""

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
    """Copies, instances and price of an endpoint at one end of its scaling, or at its start."""

    copies: Mapping[str, int]
    """Copies of each component, by its name."""
    instances: int
    usd_per_hour: float | None
    """On-demand price; None where no source gives it."""

    @property
    def usd_per_month(self) -> float | None:
        """Price of 730 hours at this bound."""
        return None if self.usd_per_hour is None else self.usd_per_hour * HOURS_PER_MONTH

    def to_document(self) -> dict[str, Any]:
        """JSON document, a part of the plan's and of the cost statement's."""
        return {**asdict(self), "usd_per_month": self.usd_per_month}


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What an option in use adds to the price of the instances."""

    option: str
    what: str
    usd_per_month: float | None
    """None where no source gives it."""
    estimate: bool = False
    """True where the billed number or its price is not certain."""
    counted: bool = True
    """False for a resource that other deployments may share or that may exist already: no sum contains it."""


def cost_bounds(plan: EndpointPlan) -> dict[BoundName, Bound]:
    """Copies, instances and price at the floor, at the start and at the ceiling of a plan.

    The floor takes schedules into account that lower it. Its instances are the fewest that hold its copies: managed
    instance scaling can go down to that number. The ceiling has every instance of the plan: a roll may need them.
    """
    price = plan.price.usd if plan.price else None
    floor = {part.name: _fewest(part) for part in plan.components}
    counts: dict[BoundName, tuple[dict[str, int], int]] = {
        "floor": (floor, _floor_instances(plan, floor)),
        "start": ({part.name: part.copies for part in plan.components}, plan.instances),
        "ceiling": ({part.name: part.most_copies for part in plan.components}, plan.max_instances),
    }
    return {
        name: Bound(copies=copies, instances=number, usd_per_hour=None if price is None else price * number)
        for name, (copies, number) in counts.items()
    }


def at_bound(plan: EndpointPlan, bound: Bound) -> EndpointPlan:
    """The plan with the copies and instances of a bound, for a forecast. It has no placement."""
    components = tuple(replace(part, copies=bound.copies[part.name]) for part in plan.components)
    return replace(plan, instances=bound.instances, components=components, placement=())


def scales(plan: EndpointPlan) -> bool:
    """True where the number of copies or of instances can change."""
    return plan.instance_scaling is not None or any(part.scaling for part in plan.components)


def additions(plan: EndpointPlan) -> tuple[Addition, ...]:
    """What each option that is in use adds a month, in the plan's price region; 0 where it adds nothing."""
    return tuple(_additions(plan))


def added_usd_per_month(additions: tuple[Addition, ...]) -> float:
    """Sum of the additions whose price is known and that are counted."""
    return sum(each.usd_per_month or 0.0 for each in additions if each.counted)


def alarm_count(thresholds: Alarms, *, scales_to_zero: bool) -> int:
    """Alarms that the constructs make for one component."""
    no_capacity = thresholds.no_capacity is not None and not scales_to_zero
    return 2 + no_capacity + (thresholds.latency_p90_seconds is not None)


def _fewest(part: ComponentPlan) -> int:
    scheduled = [schedule.min_copies for schedule in part.scaling.schedules] if part.scaling else []
    return min([part.fewest_copies, *scheduled])


def _floor_instances(plan: EndpointPlan, floor: Mapping[str, int]) -> int:
    if plan.instance_scaling is None:
        return plan.instances
    needs = [Resources.of(part.accelerators, part.cpus, part.memory_mib) for part in plan.components]
    copies = tuple(floor[part.name] for part in plan.components)
    held = fewest_instances(needs, copies, claims.host(plan.instance))
    return max(plan.min_instances, held if isinstance(held, int) else plan.instances)


def _additions(plan: EndpointPlan) -> Iterator[Addition]:
    region = plan.price_region
    for part in plan.components:
        yield from _component_additions(plan, part, f" of {part.name}" if len(plan.components) > 1 else "")
    monitoring, security = plan.monitoring, plan.security
    if plan.instance_scaling:
        yield _nothing("instance_scaling", "instances bill by the hour, between floor and ceiling")
    if plan.fallbacks:
        yield _nothing("fallback_instance_types", "the type that is taken bills at its own price")
    if plan.capacity_reservation:
        yield _unknown("capacity_reservation", "a reservation bills by its own contract, used or not")
    if monitoring.dashboard:
        yield _priced("monitoring.dashboard", "1 dashboard", 1, "dashboard_month", region)
    if monitoring.topic:
        yield _nothing("monitoring.topic", "messages bill by their number")
    if monitoring.log_retention_days:
        yield _nothing("monitoring.log_retention_days", "logs bill by their size, and here they expire")
    if monitoring.enhanced_metrics_seconds:
        yield _unknown(
            "monitoring.enhanced_metrics_seconds", "whether these metrics bill, and how many there are, is in no source"
        )
    if security.vpc:
        subnets = len(security.vpc.subnets)
        number = len(VPC_ENDPOINTS) * subnets
        what = f"{number} interface endpoints, where the subnets have neither them nor a way to the internet"
        hours = number * HOURS_PER_MONTH
        yield replace(_priced("security.vpc", what, hours, "interface_endpoint_hour", region), counted=False)
    if security.kms_key:
        yield _nothing("security.kms_key", "the key is billed by itself, whatever uses it")


def _component_additions(plan: EndpointPlan, part: ComponentPlan, of: str) -> Iterator[Addition]:
    region, scaling = plan.price_region, part.scaling
    rolls_back = part.rollout is not None and part.rollout.roll_back
    if plan.monitoring.alarms or rolls_back:
        thresholds = plan.monitoring.alarms or Alarms()
        number = alarm_count(thresholds, scales_to_zero=part.fewest_copies == 0)
        option = "monitoring.alarms" if plan.monitoring.alarms else "rollout.roll_back"
        yield _priced(option, f"{number} alarms{of}", number, "alarm_month", region)
    if part.rollout:
        yield _nothing("rollout", f"copies{of} start in room that is proven, on instances up to the ceiling")
    if scaling:
        # Application Auto Scaling makes one alarm for more copies and one for fewer; they bill as any other. Whether
        # both watch the metric of high resolution at that resolution was not seen: the dearer of the two is counted.
        service: Service = "high_resolution_alarm_month" if scaling.on_concurrent_requests else "alarm_month"
        what = f"2 alarms that follow the target{of}"
        yield replace(_priced("scaling", what, 2, service, region), estimate=scaling.on_concurrent_requests)
        if scaling.wakes:
            yield _priced("scaling.to_zero", f"1 alarm that wakes a copy{of}", 1, "alarm_month", region)
        if scaling.schedules:
            yield _nothing("scaling.schedules", f"scheduled actions{of} bill nothing themselves")
    if part.adapters:
        yield _nothing("adapters", f"adapters{of} share the copies of their base")


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
