"""What of a plan scales, rolls and adds to the bill, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from replicas.catalogue.prices import Price
from replicas.planning.costs import Addition, added_usd_per_month, additions, cost_bounds
from replicas.planning.plans import ComponentPlan, EndpointPlan

Json = dict[str, Any]


def reason_values(component: ComponentPlan) -> Json:
    """The values of the options, by the keys under which the plan gives their reasons."""
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
    """Copies by component, instances and USD an hour, a row each: at the floor, at the start, at the ceiling."""
    bounds = cost_bounds(plan).values()
    return [
        *([f"copies of {part.name}", *(str(each.copies[part.name]) for each in bounds)] for part in plan.components),
        [f"instances, {plan.instance.name}", *(str(each.instances) for each in bounds)],
        ["USD an hour", *(usd(each.usd_per_hour, plan.price) for each in bounds)],
    ]


def option_notes(plan: EndpointPlan) -> list[str]:
    """What scales on what, what a roll needs, what other types would cost, and what the options add."""
    found = additions(plan)
    return [
        *(line for part in plan.components for line in _component_notes(plan, part)),
        *(
            f"on {other.instance.name} instead: "
            f"{' / '.join(usd(each.usd_per_hour, other.price) for each in cost_bounds(other).values())} USD an hour"
            for other in plan.fallbacks
        ),
        *(additions_lines(found, plan.price_region) if found else []),
    ]


def additions_lines(found: Iterable[Addition], region: str) -> Iterator[str]:
    """The options by what they add: an amount, something that no source prices, nothing."""
    found = tuple(found)
    priced = [each for each in found if each.usd_per_month and each.counted]
    if priced:
        mark = "~" if any(each.estimate for each in priced) else ""
        yield f"options add {mark}{added_usd_per_month(found):.2f} USD a month ({region}):"
    else:
        yield f"options add nothing that is known by the month ({region}):"
    yield from (f"  {_amount(each)} {each.what}" for each in priced)
    for each in found:
        if each.usd_per_month is None:
            yield f"  unknown: {each.option}: {each.what}"
        elif not each.counted:
            yield f"  not counted: {_amount(each)} {each.what}"
    free = list(dict.fromkeys(each.option for each in found if each.usd_per_month == 0))
    if free:
        yield f"  nothing: {', '.join(free)}"


def usd(amount: float | None, price: Price | None = None) -> str:
    """An amount as tables show it: a tilde before an estimate, a dash where no source gives the price."""
    if amount is None:
        return "-"
    return f"{'~' if price and price.is_estimate else ''}{amount:.2f}"


def price_note(plan: EndpointPlan) -> str:
    """The price of the whole endpoint at its start, and how sure it is."""
    price = plan.price
    if price is None:
        return f"price of {plan.instance.name} in {plan.price_region}: unknown"
    return f"{usd(plan.usd_per_hour, price)} USD an hour ({plan.price_region}, {price.kind})"


def _amount(addition: Addition) -> str:
    return f"{'~' if addition.estimate else ''}{addition.usd_per_month:.2f}"


def _component_notes(plan: EndpointPlan, part: ComponentPlan) -> Iterator[str]:
    scaling, rollout = part.scaling, part.rollout
    if scaling:
        unit = "requests in flight" if scaling.on_concurrent_requests else "requests a minute"
        reason = part.reasons["target"]
        yield f"{part.name} scales to {scaling.target:g} {unit} on a copy ({reason})"
        if scaling.floor == 0:
            yield "  no copy while nobody asks" + (": a request fails and wakes it" if scaling.wakes else "")
        for schedule in scaling.schedules:
            most = schedule.max_copies or scaling.ceiling
            yield f"  {schedule.name}: {schedule.min_copies} to {most} copies from {schedule.at}, {schedule.timezone}"
    if rollout:
        needed = _count(rollout.batch_copies * part.accelerators, "free accelerator", "free accelerators")
        back = "alarms take it back" if rollout.roll_back else "nothing takes it back"
        yield (
            f"{part.name} rolls {_count(rollout.batch_copies, 'copy', 'copies')} at a time, which needs {needed} "
            f"beside those that serve: there on {_count(plan.max_instances, 'instance', 'instances')}"
        )
        yield f"  each batch is watched {rollout.wait_seconds} s, all end within {rollout.timeout_seconds:,} s, {back}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
