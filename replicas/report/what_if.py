"""Plans and forecasts other layouts of a deployment when the page is written, for the what-if of the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from replicas.catalogue.instances import Instance, instance_types
from replicas.deployment.deployment import Deployment
from replicas.errors import SizingError
from replicas.forecast import Forecast, Load, Point
from replicas.planning.planner import plan
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.report.loads import Curve, curve

Json = dict[str, Any]

_ROOM = 1.2
"""Minimum ratio of a copy's accelerator memory to its weights for which an instance type is planned."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Number of layouts to plan, and length of their forecasts."""

    instance_types: int
    """Number of other instance types."""
    degrees: bool
    """True: plan every power of two as the degree on every instance type. False: plan half and twice the current degree
    on the current type."""
    loads: tuple[int, ...]
    """Loads to forecast, as indexes of the five loads of the deployment."""
    requests: int
    """Simulated duration of a forecast, given as the number of requests that an idle copy answers one after the other
    in this time."""


WIDE = Extent(instance_types=3, degrees=True, loads=(0, 1, 2, 3, 4), requests=15)
"""Layouts and forecasts of a what-if on a page with few deployments."""
NARROW = Extent(instance_types=2, degrees=False, loads=(1, 3), requests=10)
"""Layouts and forecasts of a what-if on a page with many deployments. The page must be written within ten seconds."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A layout of one component, with its plan and forecasts, or the reason why it has no plan."""

    instance_type: str
    instances: int
    degree: int
    copies: int
    plan: EndpointPlan | None
    problem: str | None = None
    curve: Curve | None = None

    def to_data(self, loads: Sequence[Load], index: int) -> Json:
        """Return the data that the page's script reads: the figures of this layout at each load."""
        component = self.plan.components[index] if self.plan else None
        result = self.curve.forecast if self.curve else None
        return {
            "type": self.instance_type,
            "instances": self.instances,
            "degree": self.degree,
            "copies": self.copies,
            "problem": self.problem or (self.curve.problem if self.curve else None),
            "usd": self.plan.usd_per_hour if self.plan else None,
            "cache": component.kv_cache_tokens if component else None,
            "points": _points(result, self.curve, loads) if result and self.curve else [],
            "confidence": result.summary if result else None,
        }


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Layouts of one component. The first layout is the declared one."""

    deployment: str
    component: str
    index: int
    loads: tuple[Load, ...]
    layouts: tuple[Layout, ...]
    unit: str

    def to_data(self) -> Json:
        """Return the data that the page's script reads."""
        return {
            "unit": self.unit,
            "loads": [load.users or load.requests_per_second for load in self.loads],
            "layouts": [layout.to_data(self.loads, self.index) for layout in self.layouts],
        }


def what_if(deployment: Deployment, planned: EndpointPlan, index: int, own: Curve, extent: Extent) -> WhatIf:
    """Return layouts with other numbers of copies and, for the only component, other degrees and instance types."""
    component = planned.components[index]
    chosen = [own.loads[number] for number in extent.loads if number < len(own.loads)]
    declared = Layout(
        instance_type=planned.instance.name,
        instances=planned.instances,
        degree=component.accelerators,
        copies=component.copies,
        plan=planned,
        curve=own,
    )
    layouts = {_key(declared): declared}
    for changed in _changed(deployment, planned, index, extent):
        layout = _planned(changed, index, component)
        key = _key(layout)
        if key in layouts:
            continue
        if layout.plan is not None:
            forecasts = curve(layout.plan, layout.plan.components[index], chosen, requests=extent.requests)
            layout = replace(layout, curve=forecasts)
        layouts[key] = layout
    return WhatIf(
        deployment=planned.name,
        component=component.name,
        index=index,
        loads=tuple(chosen),
        layouts=tuple(layouts.values()),
        unit=own.unit,
    )


def _key(layout: Layout) -> tuple[str, int, int]:
    return layout.instance_type, layout.degree, layout.copies


def _changed(deployment: Deployment, planned: EndpointPlan, index: int, extent: Extent) -> Iterator[Deployment]:
    """Yield the layouts to plan: first other copies, then other degrees, then other instance types."""
    component = planned.components[index]
    alone = len(planned.components) == 1
    own, degree, copies = planned.instance, component.accelerators, component.copies
    if alone:
        yield _with(deployment, index, own, degree, None)
    for fewer in dict.fromkeys(
        (max(1, copies // 2), max(1, copies // 4)) if extent.degrees else (max(1, copies // 2),)
    ):
        yield _with(deployment, index, own, degree, fewer)
    if not alone:
        return
    for other in _degrees(own, degree, every=extent.degrees):
        yield _with(deployment, index, own, other, None)
    types = (
        instance
        for instance in _other_types(planned, component)
        if _planned(_with(deployment, index, instance, degree, None), index, component).plan
    )
    for instance in islice(types, extent.instance_types):
        degrees = [degree, *_degrees(instance, degree, every=True)] if extent.degrees else [degree]
        for other in degrees:
            if other <= instance.accelerators:
                yield _with(deployment, index, instance, other, None)
                if extent.degrees and instance.accelerators // other > 1:
                    yield _with(deployment, index, instance, other, max(1, instance.accelerators // other // 2))


def _with(deployment: Deployment, index: int, instance: Instance, degree: int, copies: int | None) -> Deployment:
    """Return a deployment with another layout of a component. Options that depend on the old layout are removed."""
    own = deployment.components[index]
    same = instance.name == deployment.instance_type and degree == own.tensor_parallel
    changed = replace(
        own,
        tensor_parallel=degree,
        copies=copies,
        cpus=own.cpus if same else None,
        memory_mib=own.memory_mib if same else None,
        scaling=None,
        rollout=None,
        placement=None,
    )
    components = [changed if number == index else other for number, other in enumerate(deployment.components)]
    return replace(
        deployment,
        instance_type=instance.name,
        components=components,
        instance_scaling=None,
        fallback_instance_types=(),
        capacity_reservation=None,
    )


def _degrees(instance: Instance, degree: int, *, every: bool) -> list[int]:
    """Return other degrees: each power of two, or half and twice the degree."""
    if every:
        candidates = [2**power for power in range(instance.accelerators.bit_length())]
    else:
        candidates = [degree // 2, degree * 2]
    return [other for other in candidates if 1 <= other <= instance.accelerators and other != degree]


def _other_types(planned: EndpointPlan, component: ComponentPlan) -> list[Instance]:
    """Return instance types that hold the weights of a copy, one for each kind of accelerator, nearest price first."""
    price = planned.price.usd if planned.price else None
    if price is None:
        return []
    weights = component.weights_gib_per_accelerator * component.accelerators * 1024
    used = component.copies * component.accelerators
    nearest: dict[str, tuple[float, Instance]] = {}
    for instance in instance_types().values():
        usd = instance.price_usd_per_hour(planned.region)
        here = planned.region is None or planned.region in instance.hosting_regions
        if usd is None or instance.least_cuda is None or not here or instance.accelerators < component.accelerators:
            continue
        if instance.accelerator == planned.instance.accelerator or instance.name == planned.instance.name:
            continue
        if instance.visible_memory_mib * component.accelerators < _ROOM * weights:
            continue
        distance = abs(math.log(instance.accelerators / used)) + abs(math.log(usd / price)) / 10
        kind = f"{instance.accelerator} {instance.accelerator_memory_mib}"
        nearest[kind] = min(nearest.get(kind, (math.inf, instance)), (distance, instance), key=lambda pair: pair[0])
    return sorted(
        (instance for _, instance in nearest.values()),
        key=lambda instance: abs(math.log((instance.price_usd_per_hour(planned.region) or price) / price)),
    )


def _planned(deployment: Deployment, index: int, declared: ComponentPlan) -> Layout:
    component = deployment.components[index]
    degree = component.tensor_parallel or declared.accelerators
    try:
        planned = plan(deployment)
    except SizingError as refusal:
        return Layout(
            instance_type=str(deployment.instance_type),
            instances=deployment.instances,
            degree=degree,
            copies=component.copies or 0,
            plan=None,
            problem=refusal.problems[0],
        )
    return Layout(
        instance_type=planned.instance.name,
        instances=planned.instances,
        degree=degree,
        copies=planned.components[index].copies,
        plan=planned,
    )


def _points(result: Forecast, own: Curve, loads: Sequence[Load]) -> list[Json | None]:
    by_load = dict(zip(own.loads, result.points, strict=True))
    chosen = [by_load.get(load) for load in loads]
    return [
        None
        if point is None
        else {
            "rate": point.requests_per_second,
            "p50": point.latency_p50_seconds,
            "p90": point.latency_p90_seconds,
            "ttft": point.ttft_p50_seconds,
            "tokens": point.output_tokens_per_second,
            "usd": _usd_of_lasting_rate(point, load),
            "requests": point.requests,
            "refused": point.refused,
        }
        for load, point in zip(loads, chosen, strict=True)
    ]


def _usd_of_lasting_rate(point: Point, load: Load) -> float | None:
    """Return the USD for a million output tokens at the steady rate that the page shows.

    The tokens within the window of a short forecast are too few, because many requests end after the window.
    """
    usd, lasting = point.usd_per_million_output_tokens, point.requests_per_second * load.output_tokens
    return usd * point.output_tokens_per_second / lasting if usd is not None and lasting else usd
