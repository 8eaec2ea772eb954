"""Rolling updates of a component: batches that the service takes, and room for the copies of one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from replicas.endpoint.packing import fewest_instances, most_copies
from replicas.endpoint.values import Unknown, at, number_of, text_of
from replicas.rules import hosts
from replicas.rules.demands import Demand, demands_of, instance_of, is_scaled, most_instances
from replicas.rules.report import Finding, Unresolved
from replicas.rules.scaling import Target
from replicas.rules.shortage import Question
from replicas.sizing import claims
from replicas.template.endpoints import Component, Variant, View

_LEAST, _MOST = Fraction(5, 100), Fraction(50, 100)
"""Of the component's copies (botocore 1.44.5, InferenceComponentRollingUpdatePolicy.MaximumBatchSize)."""


@dataclass(frozen=True)
class Batch:
    """Copies that are replaced at once: a number of them, or a part of all."""

    copies: Fraction | None
    share: Fraction | None

    def of(self, copies: int) -> int:
        """Copies in a batch, of so many; at least 1."""
        wanted = self.copies if self.copies is not None else (self.share or Fraction(0)) * copies
        return max(1, math.ceil(wanted))


def batch_of(component: Component) -> Batch | Unknown | None:
    """The batch of a component's rolling update; None where it says nothing of one."""
    size = component.resource.get("DeploymentConfig", "RollingUpdatePolicy", "MaximumBatchSize")
    if size is None or isinstance(size, Unknown):
        return size
    value, kind = number_of(at(size, "Value")), text_of(at(size, "Type"))
    if not isinstance(value, Fraction) or value <= 0:
        return value if isinstance(value, Unknown) else Unknown("Value is no number above 0")
    if kind == "COPY_COUNT":
        return Batch(value, None)
    return Batch(None, value / 100) if kind == "CAPACITY_PERCENT" else Unknown(f"Type={kind} is neither of the two")


def batch_size(view: View) -> Iterator[Finding | Unresolved]:
    """A batch is 5 to 50 % of the component's copies."""
    for variant in view.variants:
        for demand in demands_of(variant):
            batch = batch_of(demand.component)
            if isinstance(batch, Unknown):
                what = (
                    f"MaximumBatchSize is not known ({batch.why}): whether a roll is taken and has room is not judged"
                )
                yield Unresolved(demand.component.logical_id, what, batch.parameters)
            elif batch is not None:
                yield from _batch_size(demand, batch)


def _batch_size(demand: Demand, batch: Batch) -> Iterator[Finding]:
    copies = demand.copies
    if batch.share is not None:
        if not _LEAST <= batch.share <= _MOST:
            yield _refused(demand, f"a batch of {float(batch.share * 100):g} %", "Value=5 to 50 for CAPACITY_PERCENT")
        return
    if copies is None or batch.copies is None or _LEAST <= batch.copies / copies <= _MOST:
        return
    shown = f"a batch of {float(batch.copies):g} of {copies} {'copy' if copies == 1 else 'copies'}"
    least, most = math.ceil(_LEAST * copies), math.floor(_MOST * copies)
    if most:
        wanted = str(least) if least == most else f"{least} to {most}"
        yield _refused(demand, shown, f"Value={wanted} for COPY_COUNT, or CAPACITY_PERCENT with 5 to 50")
    else:
        fix = "CopyCount=2 or more where updates have to roll, or no RollingUpdatePolicy"
        yield _refused(demand, shown, fix, certain=False)


def _refused(demand: Demand, what: str, fix: str, *, certain: bool = True) -> Finding:
    why = "UpdateInferenceComponent takes 5 to 50 % of the component's copies"
    return Finding("batch-size", demand.component.logical_id, what, why, fix, certain)


def roll_room(view: View, targets: Mapping[str, Target]) -> Iterator[Finding | Unresolved]:
    """New copies start beside the old ones: a batch needs room while all of these still serve."""
    for variant in view.variants:
        instance, demands = instance_of(variant), demands_of(variant)
        if instance is None:
            continue
        for index, demand in enumerate(demands):
            batch = batch_of(demand.component)
            if not isinstance(batch, Batch) or demand.copies is None:
                continue
            target = targets.get(demand.component.logical_id)
            counts = [(demand.copies, "CopyCount")]
            if target and target.most and target.most > demand.copies:
                counts.append((target.most, "MaxCapacity"))
            for copies, count_name in counts:
                found = _no_room(variant, demands, index, (copies, count_name), batch)
                if found:
                    yield found
                    break


def _no_room(
    variant: Variant, demands: Sequence[Demand], index: int, count: tuple[int, str], batch: Batch
) -> Finding | Unresolved | None:
    copies, count_name = count
    instance = instance_of(variant)
    assert instance is not None  # noqa: S101 (the caller looked)
    needed = batch.of(copies)
    resting, rolling = (
        Question(variant, _with(demands, index, number), instance, most_instances(variant))
        for number in (copies, copies + needed)
    )
    room = hosts.hard(instance)
    demand = demands[index]
    logical_id = demand.component.logical_id
    packing = rolling.packing(room)
    if not resting.packing(room).fits or packing.fits:
        return None  # without a roll the copies do not fit or are not judged, which is reported elsewhere; or it fits
    if packing.fits is None:
        return Unresolved(logical_id, f"whether a roll of {needed} has room is not judged: {packing.why}")
    wanted, there = needed * (demand.accelerators or 0), instance.accelerators * resting.instances
    taken = sum(number * need.accelerators for number, need in zip(resting.copies, resting.needs, strict=True))
    roll = f"a roll of {needed} {'copy' if needed == 1 else 'copies'}"
    at_most = f" at MaxCapacity={copies}" if count_name == "MaxCapacity" else ""
    if taken + wanted > there:
        what = f"{roll} needs {wanted} free {_accelerators(wanted)}; {taken} of {there} are taken{at_most}"
    else:
        what = f"{roll} has no room beside the copies that serve{at_most}"
    return Finding(
        "roll-without-room",
        logical_id,
        what,
        "a new copy starts while the old one still serves; without room the update waits until it times out",
        ", or ".join(_fixes(rolling, logical_id, (count_name, needed))) or "smaller claims, or a larger instance type",
        certain=False,
    )


def _fixes(rolling: Question, logical_id: str, count: tuple[str, int]) -> Iterator[str]:
    count_name, needed = count
    room = claims.host(rolling.instance)
    more = fewest_instances(rolling.needs, rolling.copies, room)
    if isinstance(more, int) and rolling.told_instances is not None:
        scaled = is_scaled(rolling.variant)
        yield f"MaxInstanceCount={more}" if scaled else f"ManagedInstanceScaling with MaxInstanceCount={more}"
    place = next((i for i, part in enumerate(rolling.demands) if part.component.logical_id == logical_id), None)
    if place is not None:
        most = most_copies(rolling.needs, rolling.copies, place, room, rolling.instances)
        if isinstance(most, int) and most > needed:
            yield f"{count_name}={most - needed} of {logical_id}"


def _with(demands: Sequence[Demand], index: int, copies: int) -> tuple[Demand, ...]:
    changed = replace(demands[index], copies=copies)
    return (*demands[:index], changed, *demands[index + 1 :])


def _accelerators(count: int) -> str:
    return "accelerator" if count == 1 else "accelerators"
