"""Prints the options of a plan as lines of text: scaling, rolling updates and added cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from replicas.catalogue.prices import Price
from replicas.planning.costs import Addition, added_usd_per_month, additions, cost_bounds
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.units import counted

Json = dict[str, Any]


def reason_values(component: ComponentPlan) -> Json:
    """Return the option values of a component, with the same keys as `ComponentPlan.reasons`."""
    values: Json = {}
    if component.scaling:
        values |= {"max_copies": component.scaling.ceiling, "target": component.scaling.target}
    if component.rollout:
        values |= {
            "rollout_batch": component.rollout.batch_copies,
            "rollout_timeout_seconds": component.rollout.timeout_seconds,
        }
    return values


def bounds_rows(plan: EndpointPlan) -> list[list[str]]:
    """Return rows of copies, instances and USD per hour, at the floor, start and ceiling of the scaling."""
    bounds = cost_bounds(plan).values()
    return [
        *(
            [f"copies of {component.name}", *(str(bound.copies[component.name]) for bound in bounds)]
            for component in plan.components
        ),
        [f"instances, {plan.instance.name}", *(str(bound.instances) for bound in bounds)],
        ["USD an hour", *(usd(bound.usd_per_hour, plan.price) for bound in bounds)],
    ]


def option_notes(plan: EndpointPlan) -> list[str]:
    """Return the lines about scaling, rolling updates, cost on fallback instance types, and cost of the options."""
    added = additions(plan)
    return [
        *(line for component in plan.components for line in _component_notes(plan, component)),
        *(
            f"on the fallback type {other.instance.name}: "
            f"{' / '.join(usd(bound.usd_per_hour, other.price) for bound in cost_bounds(other).values())} USD an hour "
            "(floor / start / ceiling)"
            for other in plan.fallbacks
        ),
        *(additions_lines(added, plan.price_region) if added else []),
    ]


def additions_lines(added: Iterable[Addition], region: str) -> Iterator[str]:
    """Yield the lines about the cost of the options: first known amounts, then unknown amounts, then free options."""
    added = tuple(added)
    priced = [addition for addition in added if addition.usd_per_month and addition.counted]
    if priced:
        mark = "~" if any(addition.estimate for addition in priced) else ""
        yield f"options add {mark}{added_usd_per_month(added):.2f} USD a month ({region}):"
    else:
        yield f"options add no known monthly cost ({region}):"
    yield from (f"  {_amount(addition)} {addition.what}" for addition in priced)
    for addition in added:
        if addition.usd_per_month is None:
            yield f"  unknown: {addition.option}: {addition.what}"
        elif not addition.counted:
            yield f"  not counted: {_amount(addition)} {addition.what}"
    free = list(dict.fromkeys(addition.option for addition in added if addition.usd_per_month == 0))
    if free:
        yield f"  nothing: {', '.join(free)}"


def usd(amount: float | None, price: Price | None = None) -> str:
    """Format an amount: a tilde marks an estimate, a dash an unknown price."""
    if amount is None:
        return "-"
    return f"{'~' if price and price.is_estimate else ''}{amount:.2f}"


def price_note(plan: EndpointPlan) -> str:
    """Return a line with the price of the endpoint with its initial copies, and the kind of this price."""
    price = plan.price
    if price is None:
        return f"price of {plan.instance.name} in {plan.price_region}: unknown"
    return f"{usd(plan.usd_per_hour, price)} USD an hour ({plan.price_region}, {price.kind})"


def _amount(addition: Addition) -> str:
    return f"{'~' if addition.estimate else ''}{addition.usd_per_month:.2f}"


def _component_notes(plan: EndpointPlan, component: ComponentPlan) -> Iterator[str]:
    scaling, rollout = component.scaling, component.rollout
    if scaling:
        unit = "requests in flight" if scaling.on_concurrent_requests else "requests a minute"
        reason = component.reasons["target"]
        yield f"{component.name} scales to {scaling.target:g} {unit} per copy ({reason})"
        if scaling.floor == 0:
            wakes = (
                ""
                if not scaling.wakes
                else f": the first request fails and starts a copy, which serves {_after(plan, component, 'wake')}"
            )
            yield f"  no copy while there are no requests{wakes}"
        for schedule in scaling.schedules:
            most = schedule.max_copies or scaling.ceiling
            yield f"  {schedule.name}: {schedule.min_copies} to {most} copies from {schedule.at}, {schedule.timezone}"
    if rollout:
        needed = counted(rollout.batch_copies * component.accelerators, "free accelerator")
        back = "alarms roll the update back" if rollout.roll_back else "no alarm rolls the update back"
        yield (
            f"an update of {component.name} replaces {counted(rollout.batch_copies, 'copy', 'copies')} at a time, "
            f"which needs {needed}: available on {counted(plan.max_instances, 'instance')}"
        )
        yield f"  wait {rollout.wait_seconds} s after each batch, time limit {rollout.timeout_seconds:,} s, {back}"
        yield f"  an update of all copies is expected to end {_after(plan, component, 'roll')}"


def _after(plan: EndpointPlan, component: ComponentPlan, name: str) -> str:
    """Return a delay of the cold start forecast in words, for example `after 300 to 600 s` (docs/cold-start.md)."""
    from replicas.forecast.cold_start import cold_start

    delay = cold_start(plan, component).delay(name)
    assert delay  # noqa: S101 (the component scales or rolls)
    return f"after {delay.span.low:,.0f} to {delay.span.high:,.0f} s"
