"""Rules about rolling updates of a component: valid batch sizes, and capacity for the new copies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from replicas.catalogue.instances import Instance
from replicas.endpoint.components import Batch
from replicas.endpoint.identity import whole
from replicas.endpoint.packing import NotJudged
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.endpoint.variants import Variant
from replicas.rules import hosts
from replicas.rules.capacity import shortage_on
from replicas.rules.ceilings import at_ceiling
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.demands import Demand, demands_of, types_of
from replicas.rules.finding import Case, Search, Unjudged
from replicas.rules.ranges import range_of, ranges_of
from replicas.rules.shortage import Shortage
from replicas.sizing import claims

LEAST_SHARE, LARGEST_SHARE = Fraction(5, 100), Fraction(50, 100)
"""Minimum and maximum batch size as a share of all copies (botocore 1.44.5,
InferenceComponentRollingUpdatePolicy.MaximumBatchSize)."""

_Level = Literal["copies", "floor", "ceiling", "schedule"]


@rule(
    "batch-size",
    checks="A batch of a rolling update is not 5 to 50 % of the copies (warning if there is only one copy).",
    why="UpdateInferenceComponent accepts 5 to 50 % of the component's copies",
    source="botocore 1.44.5, InferenceComponentRollingUpdatePolicy.MaximumBatchSize",
    enforced=enforced_by(
        "UpdateInferenceComponent",
        "documented",
        'botocore 1.44.5, MaximumBatchSize: "The value must be between 5% to 50% of the copy count"',
    ),
    needs_proof=True,
)
def batch_size(topology: Topology) -> Iterator[Case | Unjudged]:
    """A batch must be 5 to 50 % of the copies, for the smallest and for the largest number of copies."""
    for variant in topology.variants:
        for demand in demands_of(variant):
            roll = demand.component.roll
            batch = roll.batch if roll else None
            if isinstance(batch, Unknown):
                question = "whether the rolling update is accepted and has capacity"
                yield Unjudged(subject=demand.component.subject, question=question, quantity="batch", unknown=batch)
            elif batch is not None and batch.share is not None:
                if not LEAST_SHARE <= batch.share <= LARGEST_SHARE:
                    numbers = {"percent": _plain(batch.share * 100)}
                    yield Case(subject=demand.component.subject, kind="share", numbers=numbers)
            elif batch is not None and batch.copies is not None:
                yield from _batch_in_copies(demand, batch.copies, topology)


def _batch_in_copies(demand: Demand, batch: Fraction, topology: Topology) -> Iterator[Case]:
    levels = _levels(demand, topology)
    if not levels:
        return
    (fewest, low), (most, high) = min(levels), max(levels)
    largest, least = math.floor(LARGEST_SHARE * fewest), math.ceil(LEAST_SHARE * most)
    numbers = {"batch": _plain(batch), "least": least, "largest": largest, "fewest": fewest, "most": most}
    numbers |= {"low": low, "high": high}
    if batch > LARGEST_SHARE * fewest:
        kind = "too large" if largest else "of one copy"
        yield Case(
            subject=demand.component.subject,
            kind=kind,
            numbers={**numbers, "copies": fewest, "level": low},
            certain=batch > fewest or bool(largest),
        )
    if batch < LEAST_SHARE * most:
        yield Case(
            subject=demand.component.subject, kind="too small", numbers={**numbers, "copies": most, "level": high}
        )


def _levels(demand: Demand, topology: Topology) -> list[tuple[int, _Level]]:
    """Return each number of copies that the component can have when it is updated, with the setting that determines it.

    0 is omitted, because an update without copies has no batches.
    """
    levels: list[tuple[int | None, _Level]] = [(demand.copies, "copies")]
    scaled = range_of(demand.component, topology)
    if scaled:
        levels += [(scaled.floor, "floor"), (scaled.most, "ceiling")]
        levels += [(whole(entry.floor), "schedule") for entry in scaled.target.schedules]
    return [(copies, level) for copies, level in levels if copies]


@dataclass(frozen=True, kw_only=True)
class RollingCopies:
    """New copies of a rolling update and serving copies, as numbers for a finding."""

    batches: Mapping[str, int]
    """Copies per batch, by component name."""
    accelerators: int
    """Accelerators of all batches."""
    taken: int
    """Accelerators of the serving copies."""
    available: int
    """Accelerators of all instances."""
    at_ceiling: bool
    copies: Mapping[str, int]
    """Serving copies, by component name."""


@rule(
    "roll-without-room",
    severity="warning",
    checks="The new copies of a rolling update do not fit in addition to the serving copies (warning).",
    why="new copies start while the old copies still serve; without free capacity the update waits until it times out",
    source="aws/amazon-sagemaker-examples, ic_rolling_deployment.ipynb: a roll of a full fleet adds an instance",
    needs_proof=True,
)
def roll_without_room(topology: Topology) -> Iterator[Case | Unjudged]:
    """The new copies of all components must fit in addition to the serving copies, at the start and at the ceiling.

    The rule assumes that all components are updated at once, because one change may affect all of them.
    """
    for variant in topology.variants:
        for instance in types_of(variant.instances):
            shortage = next(_without_room(variant, instance, topology), None)
            if shortage:
                yield shortage


def _without_room(variant: Variant, instance: Instance, topology: Topology) -> Iterator[Case | Unjudged]:
    ranges = ranges_of(variant, topology)
    start = shortage_on(variant, instance)
    yield from _room_for(start, at_ceiling=False)
    ceiling = at_ceiling(variant, ranges, instance, ranges)
    is_higher = any(
        (top.copies or 0) > (low.copies or 0) for low, top in zip(start.all_demands, ceiling.all_demands, strict=True)
    )
    if is_higher:
        yield from _room_for(ceiling, at_ceiling=True)


def _room_for(resting: Shortage, *, at_ceiling: bool) -> Iterator[Case | Unjudged]:
    rolling = with_batches(resting)
    batches = dict(rolling.extra)
    if not batches:
        return
    for room in (hosts.hard(resting.instance), claims.host(resting.instance)):
        answer = rolling.packing(room)
        if not resting.packing(room).fits or answer.fits:
            continue  # the update fits, or other rules report that the copies do not fit even without an update
        subject = next(iter(batches))
        if isinstance(answer, NotJudged):
            count = sum(batches.values())
            search = Search(placed="a roll", packing=answer, instance_type=resting.instance.name, batch_copies=count)
            yield Unjudged(subject=subject, question=f"whether a rolling update of {count} fits", search=search)
            return
        claimed = {demand.component.subject: demand.accelerators or 0 for demand in resting.all_demands}
        numbers = RollingCopies(
            batches={component.name: count for component, count in batches.items()},
            accelerators=sum(claimed[component] * count for component, count in batches.items()),
            taken=sum(demand.least_copies * (demand.accelerators or 0) for demand in resting.all_demands),
            available=resting.instance.accelerators * resting.instances,
            at_ceiling=at_ceiling,
            copies={demand.component.subject.name: demand.least_copies for demand in resting.all_demands},
        )
        yield Case(subject=subject, shortage=rolling, numbers={"rolling": numbers}, certain=False)
        return


def with_batches(resting: Shortage) -> Shortage:
    """Return the copies plus one batch for each component that has a rolling update."""
    batches = {
        demand.component.subject: batch.of(demand.copies)
        for demand in resting.all_demands
        if (batch := _batch_of(demand)) and demand.copies
    }
    return replace(resting, extra=tuple(batches.items()))


def _batch_of(demand: Demand) -> Batch | None:
    roll = demand.component.roll
    return roll.batch if roll and isinstance(roll.batch, Batch) else None


def _plain(number: Fraction) -> str:
    return f"{float(number):g}"
