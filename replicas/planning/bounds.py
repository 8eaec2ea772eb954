"""Floor, start and ceiling of an endpoint: that the most copies fit the most instances, with room for a roll."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from replicas.catalogue.instances import Instance
from replicas.deployment.deployment import MAX_INSTANCES, Deployment
from replicas.endpoint.packing import Counts, fewest_instances, most_copies, place
from replicas.planning.plans import RolloutPlan, ScalingPlan
from replicas.planning.resolution import ResolvedComponent
from replicas.sizing import claims
from replicas.sizing.copies import SizedCopy
from replicas.sizing.fitting import Demand, Fit, fit

_LEAST_PART, _LARGEST_PART = Fraction(1, 20), Fraction(1, 2)
"""Of a component's copies that a roll replaces at once (UpdateInferenceComponent, MaximumBatchSize)."""
_SHORTEST_ROLL_SECONDS, _LONGEST_ROLL_SECONDS = 600, 28800
_TARGET_SHARE = Fraction(3, 4)

Sized = tuple[ResolvedComponent, SizedCopy]


@dataclass(frozen=True)
class Bounds:
    """Ceilings of the components in their order, the batch of each roll (0 without), and what does not fit."""

    ceilings: Counts
    batches: Counts
    min_instances: int
    max_instances: int
    problems: tuple[str, ...]


def start_of(deployment: Deployment, sized: Sequence[Sized], instance: Instance) -> Fit:
    """The copies that the endpoint starts with: a component that scales starts at its floor."""
    demands = [
        Demand(part.name, copy.claim, (part.wish.copies or 1) if part.wish.scaling else part.wish.copies)
        for part, copy in sized
    ]
    rolls_here = deployment.instance_scaling is None
    return _fit(sized, demands, instance, deployment.instances, "{} instances", with_rolls=rolls_here)


def bounds_of(deployment: Deployment, sized: Sequence[Sized], start: Counts, instance: Instance) -> Bounds:
    """Prove the ceiling, for copies that fit at the start."""
    scaling, instances = deployment.instance_scaling, deployment.instances
    most = scaling.max_instances if scaling else instances
    to_zero = all(part.wish.scaling and part.wish.scaling.to_zero for part, _ in sized)
    least = 0 if scaling and to_zero else instances
    if scaling and scaling.min_instances is not None:
        least = scaling.min_instances
    more = "max_instances={}" if scaling else "instance_scaling=InstanceScaling(max_instances={})"
    demands = [
        Demand(part.name, copy.claim, part.wish.scaling.max_copies, "scaling.max_copies")
        if part.wish.scaling
        else Demand(part.name, copy.claim, copies)
        for (part, copy), copies in zip(sized, start, strict=True)
    ]
    fitted = _fit(sized, demands, instance, most, more, with_rolls=True)
    if fitted.problems:
        at_ceiling = tuple(f"at the ceiling of the scaling {problem}" for problem in fitted.problems)
        return Bounds(start, _batches(sized, start), least, most, at_ceiling)
    ceilings = tuple(map(max, fitted.copies, start))
    batches = _batches(sized, ceilings)
    problems = (*_schedule_problems(sized, ceilings), *_batch_problems(sized, start, ceilings, batches))
    if not problems and any(batches):
        problems = tuple(_room_problems(sized, ceilings, batches, instance, most, more))
    return Bounds(ceilings, batches, least, most, problems)


def scaling_plan(
    part: ResolvedComponent, copy: SizedCopy, floor: int, ceiling: int
) -> tuple[ScalingPlan | None, dict[str, str]]:
    """The scaling of a component, and why its numbers are what they are."""
    wish = part.wish.scaling
    if wish is None:
        return None, {}
    reasons = {"max_copies": "as wished" if wish.max_copies else "as many as fit the most instances"}
    target = wish.concurrent_requests_per_copy or wish.invocations_per_copy
    if target is None:
        target, reasons["target"] = _default_target(part, copy)
    else:
        reasons["target"] = "as wished"
    return (
        ScalingPlan(
            floor=0 if wish.to_zero else floor,
            ceiling=ceiling,
            on_concurrent_requests=wish.invocations_per_copy is None,
            target=target,
            scale_out_cooldown_seconds=wish.scale_out_cooldown_seconds,
            scale_in_cooldown_seconds=wish.scale_in_cooldown_seconds,
            wakes=wish.to_zero and wish.wake_on_request,
            schedules=tuple(wish.schedules),
        ),
        reasons,
    )


def rollout_plan(
    part: ResolvedComponent, copy: SizedCopy, ceiling: int, batch: int
) -> tuple[RolloutPlan | None, dict[str, str]]:
    """The roll of a component, and why its numbers are what they are."""
    wish = part.wish.rollout
    if wish is None:
        return None, {}
    batches = ceil(ceiling / batch)
    expected = batches * (copy.startup_timeout_seconds + wish.wait_seconds)
    timeout = min(max(2 * expected, _SHORTEST_ROLL_SECONDS), _LONGEST_ROLL_SECONDS)
    reason = f"{batches} batches of start-up timeout and wait, and as much again"
    plan = RolloutPlan(
        batch_copies=batch,
        wait_seconds=wish.wait_seconds,
        timeout_seconds=wish.timeout_seconds or timeout,
        roll_back=wish.roll_back,
    )
    return plan, {
        "rollout_batch": "as wished" if wish.batch_copies else "the fewest that the service takes (5 % of the copies)",
        "rollout_timeout_seconds": "as wished" if wish.timeout_seconds else reason,
    }


def _fit(
    sized: Sequence[Sized],
    demands: Sequence[Demand],
    instance: Instance,
    instances: int,
    more_instances: str,
    *,
    with_rolls: bool,
) -> Fit:
    """Place the copies. Where as many as fit are wanted, a roll keeps its room beside them."""
    alone = fit(demands, instance, instances, more_instances=more_instances)
    kept = tuple(1 if part.wish.rollout and with_rolls else 0 for part, _ in sized)
    if alone.problems or not any(kept) or all(demand.copies is not None for demand in demands):
        return alone
    while True:
        rolls = [Demand("", copy.claim, count) for (_, copy), count in zip(sized, kept, strict=True) if count]
        fitted = fit([*demands, *rolls], instance, instances)
        if fitted.problems:  # not even one copy beside a roll: said of the roll later, not of the copies
            return alone
        copies = fitted.copies[: len(sized)]
        needed = _batches(sized, copies)
        if all(need <= batch for need, batch in zip(needed, kept, strict=True)):
            return Fit(copies, tuple(row[: len(sized)] for row in fitted.placement), ())
        kept = tuple(map(max, needed, kept))


def _batches(sized: Sequence[Sized], copies: Counts) -> Counts:
    return tuple(
        _batch(part, count) if part.wish.rollout else 0 for (part, _), count in zip(sized, copies, strict=True)
    )


def _batch(part: ResolvedComponent, copies: int) -> int:
    wish = part.wish.rollout
    return (wish.batch_copies if wish else None) or max(1, ceil(copies * _LEAST_PART))


def _schedule_problems(sized: Sequence[Sized], ceilings: Counts) -> Iterator[str]:
    """A ceiling that nobody wished is as high as fits; no schedule may lift it (a wished one is judged before)."""
    for (part, _), ceiling in zip(sized, ceilings, strict=True):
        scaling = part.wish.scaling
        for schedule in scaling.schedules if scaling and scaling.max_copies is None else ():
            most = max(schedule.min_copies, schedule.max_copies or 0)
            if most > ceiling:
                where = f"{part.name}: " if len(sized) > 1 else ""
                yield (
                    f"{where}scaling.schedules[{schedule.name!r}] goes up to {most} copies, and {ceiling} fit the most "
                    f"instances: {ceiling} or less, or more instances"
                )


def _batch_problems(sized: Sequence[Sized], start: Counts, ceilings: Counts, batches: Counts) -> Iterator[str]:
    """The service takes 5 to 50 % of the copies, however many they are when the roll begins."""
    for (part, _), copies, most, batch in zip(sized, start, ceilings, batches, strict=True):
        schedules = part.wish.scaling.schedules if part.wish.scaling else ()
        fewest = min([copies, *(schedule.min_copies for schedule in schedules if schedule.min_copies)])
        where = f"{part.name}: " if len(sized) > 1 else ""
        if batch and batch > fewest * _LARGEST_PART:
            fewer = int(fewest * _LARGEST_PART)
            fix = f"copies={2 * batch}" if fewest == copies else f"min_copies={2 * batch} in its schedules"
            fix = f"rollout.batch_copies={fewer}, or {fix}" if fewer else fix
            yield (
                f"{where}a roll replaces at most half of the copies at once: {batch} of {fewest} is more: {fix}, "
                "or leave rollout out"
            )
        elif batch and batch < most * _LEAST_PART:
            yield (
                f"{where}a roll replaces at least 5 % of the copies at once: {batch} of {most} is less: "
                f"rollout.batch_copies={ceil(most * _LEAST_PART)}"
            )


def _room_problems(
    sized: Sequence[Sized], ceilings: Counts, batches: Counts, instance: Instance, instances: int, more_instances: str
) -> Iterator[str]:
    """New copies start beside the old ones: all rolls at once, for one change may concern all components."""
    host = claims.host(instance)
    needs = [copy.claim for _, copy in sized]
    rolling_needs, rolling_copies = [*needs, *needs], (*ceilings, *batches)
    packing = place(rolling_needs, rolling_copies, host, instances)
    if packing.fits:
        return
    rolled = sum(batches)
    if packing.fits is None:
        yield (
            f"whether a roll of {_count(rolled, 'copy', 'copies')} has room is not judged: {packing.why}: "
            f"{more_instances.format(packing.enough_instances)}, or leave rollout out"
        )
        return
    claim = sum(need.accelerators * batch for need, batch in zip(needs, batches, strict=True))
    taken = sum(need.accelerators * count for need, count in zip(needs, ceilings, strict=True))
    all_of_them = instances * instance.accelerators
    free = all_of_them - taken
    sentence = f"a roll of {_count(rolled, 'copy', 'copies')} needs {_count(claim, 'free accelerator')}; "
    if free < claim:
        sentence += f"{taken} of {all_of_them} are taken"
    else:
        sentence += f"{free} are free, but not with the CPU and memory that a copy claims on one instance"
    fixes = []
    more = fewest_instances(rolling_needs, rolling_copies, host)
    if isinstance(more, int) and more <= MAX_INSTANCES:
        fixes.append(more_instances.format(more))
    for index, (part, _) in enumerate(sized):
        most = most_copies(rolling_needs, rolling_copies, index, host, instances)
        if isinstance(most, int) and most >= max(1, 2 * batches[index]):
            option = "scaling.max_copies" if part.wish.scaling else "copies"
            fixes.append(f"{option}={most}" + (f" of {part.name}" if len(sized) > 1 else ""))
    yield f"{sentence}: {', or '.join(fixes) or 'leave rollout out'}"


def _default_target(part: ResolvedComponent, copy: SizedCopy) -> tuple[float, str]:
    """Three quarters of the requests that the KV cache of a copy holds."""
    traffic = part.wish.traffic
    length = (
        min(traffic.input_tokens + traffic.output_tokens, copy.max_total_tokens) if traffic else copy.max_total_tokens
    )
    held = copy.memory.kv_cache_tokens // length
    if copy.sequences:
        held = min(held, copy.sequences)
    what = "requests of the declared traffic" if traffic else "requests of full length"
    return float(max(1, int(held * _TARGET_SHARE))), (
        f"three quarters of the {held} {what} ({length:,} tokens) that the KV cache of a copy holds"
    )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
