"""Numbers of copies and instances of an endpoint: at its floor, start and ceiling, and in a rolling update.

Numbers that the user sets are kept. The other numbers become the largest numbers that fit. This module checks nothing:
the rules decide whether everything fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from replicas.catalogue.instances import Instance
from replicas.deployment.deployment import Deployment
from replicas.deployment.options import Scaling
from replicas.endpoint.packing import Counts, NotJudged
from replicas.rules.rolls import LEAST_SHARE
from replicas.sizing.copies import SizedCopy
from replicas.sizing.fitting import Demand, Fit, fit
from replicas.sizing.resolved import ResolvedComponent

Sized = tuple[ResolvedComponent, SizedCopy]


@dataclass(frozen=True, kw_only=True)
class CopyCounts:
    """Copies of each component, in the order of the components, and the minimum and maximum number of instances."""

    start: Counts
    ceilings: Counts
    batches: Counts
    """Copies in a batch of each component's rolling update; 0 if the component has none."""
    min_instances: int
    max_instances: int
    placement: tuple[Counts, ...]
    """Placement of the copies at the start; empty if they do not fit."""
    reaches_ceilings: bool
    """True if the requested ceilings and the copies of all schedules fit the maximum instances."""
    unjudged: NotJudged | None
    """Reason why the search could not decide how many copies fit; None if it decided this."""


def copy_counts(deployment: Deployment, sized: Sequence[Sized], instance: Instance) -> CopyCounts:
    """Choose every number of copies and instances that the user does not set."""
    scaling, instances = deployment.instance_scaling, deployment.instances
    most = scaling.max_instances if scaling else instances
    start = _most_that_fit(sized, _at_start(sized), instance, instances, with_rolls=scaling is None)
    top = _most_that_fit(sized, _at_ceiling(sized, start.copies), instance, most, with_rolls=True)
    requested = [component.options.scaling.max_copies if component.options.scaling else None for component, _ in sized]
    fitted = top.copies if top.placement else start.copies
    ceilings = tuple(ceiling or most_fitting for ceiling, most_fitting in zip(requested, fitted, strict=True))
    all_sleep = all(component.options.scaling and component.options.scaling.to_zero for component, _ in sized)
    least = 0 if scaling and all_sleep else instances
    if scaling and scaling.min_instances is not None:
        least = scaling.min_instances
    return CopyCounts(
        start=start.copies,
        ceilings=ceilings,
        batches=_batches(sized, ceilings),
        min_instances=least,
        max_instances=most,
        placement=start.placement,
        reaches_ceilings=bool(top.placement),
        unjudged=start.unjudged or top.unjudged,
    )


def _at_start(sized: Sequence[Sized]) -> list[Demand]:
    """Return the demands at the start. A component with autoscaling starts at its floor."""
    return [
        Demand(copy.claim, (component.options.copies or 1) if component.options.scaling else component.options.copies)
        for component, copy in sized
    ]


def _at_ceiling(sized: Sequence[Sized], start: Counts) -> list[Demand]:
    """Return the demands at the ceiling. A ceiling is never below the start, nor below the copies of a schedule."""
    return [
        Demand(copy.claim, scaling.max_copies, most_scheduled(scaling, copies))
        if (scaling := component.options.scaling)
        else Demand(copy.claim, copies)
        for (component, copy), copies in zip(sized, start, strict=True)
    ]


def most_scheduled(scaling: Scaling, copies: int) -> int:
    """Return the largest number of copies that a schedule needs, but at least `copies`."""
    return max([copies, *(max(entry.min_copies, entry.max_copies or 1) for entry in scaling.schedules)])


def _most_that_fit(
    sized: Sequence[Sized], demands: Sequence[Demand], instance: Instance, instances: int, *, with_rolls: bool
) -> Fit:
    """Place the copies. If a component gets the most copies that fit, capacity for rolling updates stays free."""
    alone = fit(demands, instance, instances)
    kept = tuple(1 if component.options.rollout and with_rolls else 0 for component, _ in sized)
    if not alone.placement or not any(kept) or all(demand.copies is not None for demand in demands):
        return alone
    while True:
        rolls = [Demand(copy.claim, count) for (_, copy), count in zip(sized, kept, strict=True) if count]
        fitted = fit([*demands, *rolls], instance, instances)
        if not fitted.placement:  # one copy and a batch do not fit: a rule reports the rolling update
            return alone
        copies = fitted.copies[: len(sized)]
        needed = _batches(sized, copies)
        if all(need <= batch for need, batch in zip(needed, kept, strict=True)):
            return Fit(copies, tuple(row[: len(sized)] for row in fitted.placement))
        kept = tuple(map(max, needed, kept))


def _batches(sized: Sequence[Sized], copies: Counts) -> Counts:
    return tuple(_batch(component, count) for (component, _), count in zip(sized, copies, strict=True))


def _batch(component: ResolvedComponent, copies: int) -> int:
    rollout = component.options.rollout
    return (rollout.batch_copies or max(1, ceil(copies * LEAST_SHARE))) if rollout else 0
