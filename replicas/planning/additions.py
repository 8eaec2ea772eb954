"""What a finished plan holds beyond what it was made for: another range of copies, another adapter.

A construct can add both to a planned component. The rules that proved the plan prove them, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from replicas.planning.judgement import PLAN_RULES, judged, problems_of
from replicas.planning.plans import ComponentPlan, EndpointPlan, ScalingPlan

_RANGE_RULES = tuple(rule for rule in PLAN_RULES if rule.id != "copies-outside-range")
"""Rules for a range that is added. Copies that start outside of it are moved into it by Application Auto Scaling."""


def range_problems(
    plan: EndpointPlan,
    component: str,
    *,
    floor: int,
    ceiling: int,
    added: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> list[str]:
    """Return why the copies of a component cannot scale between these bounds; empty if they can.

    `added` has the bounds that other components were given after the plan. What starts the first copy after zero is not
    judged: it may be added later.
    """
    ranges = {**added, component: (floor, ceiling)}
    components = tuple(
        replace(other, scaling=_scaled(*ranges[other.name])) if other.name in ranges else other
        for other in plan.components
    )
    changed = replace(plan, components=components)
    return problems_of(changed, judged(changed, _RANGE_RULES))


def _scaled(floor: int, ceiling: int) -> ScalingPlan:
    return ScalingPlan(
        floor=floor,
        ceiling=ceiling,
        on_concurrent_requests=True,
        target=1,
        scale_out_cooldown_seconds=0,
        scale_in_cooldown_seconds=0,
        wakes=True,
        schedules=(),
    )


def adapter_problems(plan: EndpointPlan, component: str, adapter: str, *, rank: int | None) -> list[str]:
    """Return why the engine of a component cannot serve another adapter; empty if it can.

    Args:
        plan: plan of the endpoint.
        component: name of the component.
        adapter: name of the adapter.
        rank: `r` of its `adapter_config.json`; None if it is not known.

    """
    planned = _component(plan, component)
    unknown = "<r of its adapter_config.json>"
    example = f"Adapter(name={adapter!r}, rank={unknown if rank is None else rank}, ...)"
    change = f"{example} in adapters= of Component(name={component!r}) of the Deployment"
    largest = largest_rank(planned)
    if largest is None:
        return [f"its plan has no adapters, so {planned.engine} refuses every one: {change}"]
    given = f"{planned.engine} was given {largest} as the largest"
    if rank is None:
        return [f"rank= is missing, and {given}: rank={unknown}"]
    if not 1 <= rank <= largest:
        return [f"rank={rank}: {given}: {change}"]
    return []


def adapter_warnings(plan: EndpointPlan, component: str, *, adapters: int) -> Iterator[str]:
    """Yield what is slower with this number of adapters than with those of the plan."""
    slots = len(_component(plan, component).adapters)
    if adapters > slots:
        yield (
            f"{component} has {adapters} adapters and slots for {slots}: requests for an adapter wait until the batch "
            "of other adapters is answered, and each adapter in adapters= of its Component has a slot"
        )


def largest_rank(component: ComponentPlan) -> int | None:
    """Return the rank that the engine reserves for each adapter; None if it was not told to serve adapters."""
    ranks = [adapter.rank for adapter in component.adapters]
    return component.engine.adapter_slot_rank(max(ranks)) if ranks else None


def _component(plan: EndpointPlan, name: str) -> ComponentPlan:
    return next(component for component in plan.components if component.name == name)
