"""How many copies and instances an endpoint has: at its floor, at the start, at the ceiling, and in a roll.

Numbers that are wished stay as they are; the others become as many as fit. Nothing is judged here: whether it all fits
is for the rules to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from replicas.catalogue.instances import Instance
from replicas.deployment.deployment import Deployment
from replicas.endpoint.packing import Counts, NotJudged
from replicas.rules.rolls import LEAST_SHARE
from replicas.sizing.copies import SizedCopy
from replicas.sizing.fitting import Demand, Fit, fit
from replicas.sizing.resolved import ResolvedComponent

Sized = tuple[ResolvedComponent, SizedCopy]


@dataclass(frozen=True, kw_only=True)
class CopyCounts:
    """Copies of each component, in their order."""

    start: Counts
    ceilings: Counts
    batches: Counts
    """Copies of a batch of each roll; 0 without."""
    min_instances: int
    max_instances: int
    placement: tuple[Counts, ...]
    """Where the copies of the start lie; empty where they have no placement."""
    unjudged: NotJudged | None
    """Set where it is not judged how many copies fit."""


def copy_counts(deployment: Deployment, sized: Sequence[Sized], instance: Instance) -> CopyCounts:
    """Choose every number of copies and instances that is not wished."""
    scaling, instances = deployment.instance_scaling, deployment.instances
    most = scaling.max_instances if scaling else instances
    start = _most_that_fit(sized, _at_start(sized), instance, instances, with_rolls=scaling is None)
    top = _most_that_fit(sized, _at_ceiling(sized, start.copies), instance, most, with_rolls=True)
    fitted = tuple(map(max, top.copies, start.copies)) if top.placement else start.copies
    wished = [part.wish.scaling.max_copies if part.wish.scaling else None for part, _ in sized]
    ceilings = tuple(own or found for own, found in zip(wished, fitted, strict=True))
    all_sleep = all(part.wish.scaling and part.wish.scaling.to_zero for part, _ in sized)
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
        unjudged=start.unjudged or top.unjudged,
    )


def _at_start(sized: Sequence[Sized]) -> list[Demand]:
    """A component that scales starts at its floor."""
    return [
        Demand(copy.claim, (part.wish.copies or 1) if part.wish.scaling else part.wish.copies) for part, copy in sized
    ]


def _at_ceiling(sized: Sequence[Sized], start: Counts) -> list[Demand]:
    return [
        Demand(copy.claim, part.wish.scaling.max_copies if part.wish.scaling else copies)
        for (part, copy), copies in zip(sized, start, strict=True)
    ]


def _most_that_fit(
    sized: Sequence[Sized], demands: Sequence[Demand], instance: Instance, instances: int, *, with_rolls: bool
) -> Fit:
    """Place the copies. Where as many as fit are asked for, a roll keeps its room beside them."""
    alone = fit(demands, instance, instances)
    kept = tuple(1 if part.wish.rollout and with_rolls else 0 for part, _ in sized)
    if not alone.placement or not any(kept) or all(demand.copies is not None for demand in demands):
        return alone
    while True:
        rolls = [Demand(copy.claim, count) for (_, copy), count in zip(sized, kept, strict=True) if count]
        fitted = fit([*demands, *rolls], instance, instances)
        if not fitted.placement:  # not even one copy beside a roll: a rule says it of the roll, not of the copies
            return alone
        copies = fitted.copies[: len(sized)]
        needed = _batches(sized, copies)
        if all(need <= batch for need, batch in zip(needed, kept, strict=True)):
            return Fit(copies, tuple(row[: len(sized)] for row in fitted.placement))
        kept = tuple(map(max, needed, kept))


def _batches(sized: Sequence[Sized], copies: Counts) -> Counts:
    return tuple(_batch(part, count) for (part, _), count in zip(sized, copies, strict=True))


def _batch(part: ResolvedComponent, copies: int) -> int:
    rollout = part.wish.rollout
    return (rollout.batch_copies or max(1, ceil(copies * LEAST_SHARE))) if rollout else 0
