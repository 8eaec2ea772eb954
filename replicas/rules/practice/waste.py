"""Rules about waste: idle accelerators, scaling that saves no money, alarms without actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Resources, most_copies, place
from replicas.endpoint.topology import Topology
from replicas.endpoint.variants import Variant
from replicas.rules.ceilings import at_ceiling
from replicas.rules.declaration import rule
from replicas.rules.demands import instance_of
from replicas.rules.finding import Case
from replicas.rules.ranges import Range, ranges_of
from replicas.rules.rolls import with_batches
from replicas.rules.shortage import Shortage
from replicas.sizing import claims


@rule(
    "alarm-without-action",
    pack="practice",
    severity="warning",
    checks="An alarm of a component has no action.",
    why="the alarm goes off without notifying anyone or rolling back an update",
    source="CloudWatch API reference, PutMetricAlarm, AlarmActions",
)
def alarm_without_action(topology: Topology) -> Iterator[Case]:
    """An alarm must have an action, or be an alarm of a rolling update or of a composite alarm."""
    for component in topology.components:
        if component.silent_metrics:
            metrics = ", ".join(sorted(component.silent_metrics))
            yield Case(subject=component.subject, numbers={"metrics": metrics})


@rule(
    "scaling-saves-nothing",
    pack="practice",
    severity="warning",
    checks="Copies scale, but the number of instances that are paid for stays the same.",
    why="an instance costs the same with one copy and with all copies, and fewer copies make requests wait",
    source="SageMaker bills instances, not copies (SageMaker AI pricing)",
)
def scaling_saves_nothing(topology: Topology) -> Iterator[Case]:
    """Scaling must change the number of instances, or components must share instances."""
    for variant in topology.variants:
        instance, ranges = instance_of(variant.instances), ranges_of(variant, topology)
        is_known = all(scaled.fewest is not None and scaled.most is not None for scaled in ranges.values())
        if instance is None or not ranges or not is_known:
            continue
        paid = _paid_at_all_times(variant, instance, ranges)
        for name, scaled in ranges.items() if paid is not None else ():
            if scaled.fewest:  # `zero-keeps-instances` reports components that scale to zero
                numbers = {"fewest": scaled.fewest, "most": scaled.most, "instances": paid, "component": name}
                kind = "fixed" if scaled.fewest == scaled.most else ""
                yield Case(subject=scaled.target.subject, kind=kind, numbers=numbers)


def _paid_at_all_times(variant: Variant, instance: Instance, ranges: Mapping[str, Range]) -> int | None:
    """Return the number of paid instances if it is the same at the fewest and at the most copies, else None."""
    highest = at_ceiling(variant, ranges, instance, ranges)
    lowest = at_ceiling(variant, ranges, instance, ())
    room = claims.host(instance)
    if not all(demand.is_known for demand in highest.all_demands) or not highest.packing(room).fits:
        return None  # when this component scales in, other components can use the free resources
    if not variant.instances.is_scaled:
        return variant.instances.at_start
    least = variant.instances.least
    paid = [_needed(shortage, room, least) for shortage in (lowest, highest)]
    return paid[0] if paid[0] == paid[1] else None


def _needed(shortage: Shortage, room: Resources, least: object) -> int | None:
    known = int(least) if isinstance(least, Fraction) else 0
    most = shortage.instances
    return next((count for count in range(known, most + 1) if shortage.on(count).packing(room).fits), None)


@rule(
    "accelerators-idle",
    pack="practice",
    severity="warning",
    checks="Accelerators of a fixed number of instances run no copy, even at the ceiling.",
    why="an accelerator costs the same with and without a copy",
    source="SageMaker bills instances, not copies (SageMaker AI pricing)",
)
def accelerators_idle(topology: Topology) -> Iterator[Case]:
    """A fixed number of instances must not have free accelerators on which another copy would fit."""
    for variant in topology.variants:
        instance = instance_of(variant.instances)
        if instance is None or variant.instances.is_scaled or variant.instances.at_start is None:
            continue
        ranges = ranges_of(variant, topology)
        used = with_batches(at_ceiling(variant, ranges, instance, ranges))
        if (
            used.demands
            and all(demand.is_known for demand in used.all_demands)
            and used.packing(claims.host(instance)).fits
        ):
            yield from _idle(variant, instance, used)


def _idle(variant: Variant, instance: Instance, used: Shortage) -> Iterator[Case]:
    needs = used.needs
    smallest = min(range(len(needs)), key=lambda index: needs[index].accelerators)
    bare = [Resources(need.accelerators, Fraction(0), 0) for need in needs]
    batches = [dict(used.extra).get(demand.component.subject, 0) for demand in used.demands]
    taken = [count + batch for count, batch in zip(used.copies, batches, strict=True)]
    more = tuple(count + (index == smallest) for index, count in enumerate(taken))
    everything = Resources(instance.accelerators, Fraction(0), 0)
    if not bare[smallest].accelerators or not place(bare, more, everything, used.instances).fits:
        return
    available = instance.accelerators * used.instances
    occupied = sum(need.accelerators * count for need, count in zip(bare, taken, strict=True))
    ceiling = tuple(count + (available if index == smallest else 0) for index, count in enumerate(taken))
    room = claims.host(instance)
    fitting = most_copies(needs, ceiling, smallest, room, used.instances)
    copies = fitting - batches[smallest] if isinstance(fitting, int) else used.copies[smallest]
    numbers = {
        "idle": available - occupied,
        "available": available,
        "copies": copies if copies > used.copies[smallest] else None,
        "component": used.demands[smallest].component.subject,
        "setting": "ceiling" if used.demands[smallest].component.subject.name in used.settings else "copies",
    }
    yield Case(subject=variant.endpoint, numbers=numbers)
