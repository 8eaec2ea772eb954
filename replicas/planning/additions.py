"""Checks additions to a finished plan: another range of copies for autoscaling, or another adapter.

A construct can add both to a planned component. The rules that checked the plan check the additions too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from replicas.planning.judgement import PLAN_RULES, problems_of, rule_results
from replicas.planning.plans import ComponentPlan, EndpointPlan, ScalingPlan

_RANGE_RULES = tuple(rule for rule in PLAN_RULES if rule.id != "copies-outside-range")
"""Rules for an added range of copies. The initial number of copies may lie outside the range: Application Auto Scaling
moves it into the range."""


def range_problems(
    plan: EndpointPlan,
    component: str,
    *,
    floor: int,
    ceiling: int,
    added: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> list[str]:
    """Return the reasons why the copies of a component cannot scale between floor and ceiling; empty if they can.

    `added` has the ranges that were added to other components after planning. The alarm that starts the first copy
    after zero is not checked, because it may be added later.
    """
    ranges = {**added, component: (floor, ceiling)}
    components = tuple(
        replace(other, scaling=_scaled(*ranges[other.name])) if other.name in ranges else other
        for other in plan.components
    )
    changed = replace(plan, components=components)
    return problems_of(changed, rule_results(changed, _RANGE_RULES))


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
    """Return the reasons why the engine of a component cannot serve another adapter; empty if it can.

    Args:
        plan: plan of the endpoint.
        component: name of the component.
        adapter: name of the adapter.
        rank: `r` of its `adapter_config.json`; None if it is not known.

    """
    planned = _component(plan, component)
    unknown = "<r of its adapter_config.json>"
    example = f"Adapter(name={adapter!r}, rank={unknown if rank is None else rank}, ...)"
    change = f"add {example} to adapters= of Component(name={component!r}) in the Deployment"
    largest = largest_rank(planned)
    if largest is None:
        return [f"the plan has no adapters, so {planned.engine} refuses every adapter: {change}"]
    limit = f"{planned.engine} accepts adapters up to rank {largest}"
    if rank is None:
        return [f"rank= is missing, and {limit}: set rank={unknown}"]
    if not 1 <= rank <= largest:
        return [f"rank={rank}: {limit}: {change}"]
    return []


def adapter_warnings(plan: EndpointPlan, component: str, *, adapters: int) -> Iterator[str]:
    """Yield a warning if the component has more adapters than its plan has slots for."""
    slots = len(_component(plan, component).adapters)
    if adapters > slots:
        yield (
            f"{component} has {adapters} adapters but slots for only {slots}: requests for an adapter without a slot "
            "wait until another adapter frees its slot; each adapter in adapters= of the Component gets a slot"
        )


def largest_rank(component: ComponentPlan) -> int | None:
    """Return the rank that the engine reserves for each adapter; None if the plan has no adapters."""
    ranks = [adapter.rank for adapter in component.adapters]
    return component.engine.adapter_slot_rank(max(ranks)) if ranks else None


def _component(plan: EndpointPlan, name: str) -> ComponentPlan:
    return next(component for component in plan.components if component.name == name)
