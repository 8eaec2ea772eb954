"""Messages of findings in the terms of a `Deployment`: its options and the names of components."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil

from replicas.catalogue.regions import components_source, neighbours
from replicas.deployment.bounds import MAX_INSTANCES
from replicas.endpoint.packing import Resources
from replicas.endpoint.variants import Variant
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.rolls import LEAST_SHARE, RollingCopies
from replicas.rules.shortage import Change, Shortage
from replicas.rules.wording import cloudformation
from replicas.sizing import claims
from replicas.units import counted


def problems_of(finding: Finding, *, several: bool) -> list[str]:
    """Return the messages of a finding: given value, allowed value and the change to make.

    If the deployment has `several` components, messages about a component name it.
    """
    composed = COMPOSED.get(finding.rule)
    if composed:
        where = f"{finding.subject.name}: " if several and finding.rule in _OF_A_COMPONENT else ""
        return [f"{where}{sentence}" for sentence in composed(finding)]
    sentence = cloudformation.sentence_of(finding)
    return [f"{finding.subject.name}: {sentence.what}: {sentence.fix}"]


def open_problem(unjudged: Unjudged, variant: Variant) -> str:
    """Return the message for a question that is not judged, with the smallest change that lets the rules judge it."""
    search = unjudged.search
    if search is None:
        return f"{unjudged.subject.name}: {cloudformation.open_sentence(unjudged)}"
    at_start = search.placed == "all copies"
    enough = search.packing.enough_instances
    fixes = [f"set {_more_instances(variant, enough, at_start=at_start)}"] if enough <= MAX_INSTANCES else []
    if search.placed == "a roll":
        question = f"whether a rolling update of {counted(search.batch_copies, 'copy', 'copies')} has room"
        fixes.append("leave rollout out")
    else:
        where = f" {instances_in_words(search.packing.instances, search.instance_type)}"
        question = f"whether all copies fit{where if at_start else ' at the ceiling of the scaling'}"
        fixes += ["use fewer copies", "give more components the same reservations"]
    return f"{question} is not judged: {search.packing.why}: {', or '.join(fixes)}"


def instances_in_words(instances: int, instance_type: str) -> str:
    """Return number and type of instances: `ml.g5.xlarge`, `2 x ml.g5.xlarge`."""
    return instance_type if instances == 1 else f"{instances} x {instance_type}"


def _capacity(finding: Finding) -> Iterator[str]:
    shortage = _shortage(finding)
    start = shortage.variant.instances.at_start
    if shortage.variant.instances.is_scaled and start is not None:
        shortage = shortage.on(start)  # a plan proves that the copies fit the instances at the start
    yield from _short(shortage, at_start=True)


def _ceiling(finding: Finding) -> Iterator[str]:
    together: Shortage = finding.numbers["together"]
    most = {change.subject: change.count for change in together.changes if change.setting == "ceiling"}
    scheduled: Mapping[str, tuple[str, int]] = finding.numbers.get("scheduled", {})
    for name, (schedule, copies) in scheduled.items():
        fitting = next((count for subject, count in most.items() if subject and subject.name == name), None)
        where = f"{name}: " if _has_several(together.variant) else ""
        known = (
            (f"but only {fitting}", f"max_copies={fitting} or less")
            if fitting
            else ("but they do not", "a lower max_copies")
        )
        yield (
            f"{where}scaling.schedules[{schedule!r}] goes up to {copies} copies, {known[0]} fit the maximum "
            f"number of instances: set {known[1]}, or more instances"
        )
    if not scheduled:
        on, shortage = _on_type(together), together
        for sentence in _short(shortage, at_start=False, prefix=False):
            yield f"{on}at the ceiling of the scaling {sentence}"


def _short(shortage: Shortage, *, at_start: bool, prefix: bool = True) -> Iterator[str]:
    """Describe the missing resources, with the smallest changes."""
    host, on = claims.host(shortage.instance), _on_type(shortage) if prefix else ""
    too_large = [demand.least_need for demand, _ in shortage.too_large(host)]
    if too_large:
        for need in dict.fromkeys(too_large):
            yield from (f"{on}{sentence}" for sentence in _too_large(need, shortage))
        return
    parts = list(_sums(shortage, host)) or [_fragmented(shortage)]
    fixes = [_change(change, shortage, at_start=at_start) for change in shortage.changes]
    yield f"{on}{'; and '.join(parts)}: {_set(fixes) or 'reserve less per copy'}"


def _too_large(need: Resources, shortage: Shortage) -> Iterator[str]:
    """Yield a message for each part of a reservation that does not fit an empty instance."""
    name, host, bound = shortage.instance.name, claims.host(shortage.instance), claims.claimable(shortage.instance)
    if need.cpus > host.cpus:
        yield (
            f"cpus={float(need.cpus):g}: copies on {name} may reserve {float(host.cpus):g} ({bound.cpus_reason}): "
            f"set cpus={float(host.cpus):g} or less"
        )
    if need.memory_mib > host.memory_mib:
        yield (
            f"memory_mib={need.memory_mib}: copies on {name} may reserve {host.memory_mib} ({bound.memory_reason}): "
            f"set memory_mib={host.memory_mib} or less"
        )


def _sums(shortage: Shortage, host: Resources) -> Iterator[str]:
    """Yield a clause for each resource of which the copies reserve more than all instances provide."""
    bound, where = claims.claimable(shortage.instance), instances_in_words(shortage.instances, shortage.instance.name)
    short = {compared.resource: compared for compared in shortage.compared(host) if compared.is_short}
    if accelerators := short.get("accelerators"):
        verb = "has" if shortage.instances == 1 else "have"
        yield (
            f"{shortage.total} copies need {int(accelerators.requested)} accelerators, but {where} {verb} "
            f"{int(accelerators.available)}"
        )
        if all(host.holds(need) == host.accelerators // need.accelerators for need in shortage.needs):
            return  # claims and accelerators allow the same number of copies: one sentence is enough
    if cpus := short.get("cpus"):
        yield (
            f"{shortage.total} copies reserve {float(cpus.requested):g} CPUs, but on {where} they may reserve "
            f"{float(cpus.available):g} ({bound.cpus_reason})"
        )
    if memory := short.get("memory"):
        yield (
            f"{shortage.total} copies reserve {int(memory.requested)} MiB, but on {where} they may reserve "
            f"{int(memory.available)} ({bound.memory_reason})"
        )


def _fragmented(shortage: Shortage) -> str:
    sizes = ", ".join(
        f"{count} x {need.accelerators} accelerators, {float(need.cpus):g} CPUs, {need.memory_mib} MiB "
        f"({demand.component.subject.name})"
        for demand, need, count in zip(shortage.demands, shortage.needs, shortage.copies, strict=True)
    )
    where = instances_in_words(shortage.instances, shortage.instance.name)
    return (
        f"{shortage.total} copies fit {where} by their total reservations, but cannot be placed, because a copy never "
        f"spans instances: {sizes}"
    )


def _change(change: Change, shortage: Shortage, *, at_start: bool) -> str | None:
    """Return a change as options of the deployment; None if options cannot express it."""
    several = _has_several(shortage.variant)
    if change.setting == "instances":
        is_possible = change.count <= MAX_INSTANCES
        return _more_instances(shortage.variant, change.count, at_start=at_start) if is_possible else None
    if change.setting == "claims":
        return ", ".join(
            f"cpus={float(need.cpus):g} and memory_mib={need.memory_mib}" + (f" of {subject.name}" if several else "")
            for subject, need in change.claims
        )
    option = "scaling.max_copies" if change.setting == "ceiling" else "copies"
    return f"{option}={change.count}" + (f" of {change.subject.name}" if several and change.subject else "")


def _roll_room(finding: Finding) -> Iterator[str]:
    shortage = _shortage(finding)
    rolling: RollingCopies = finding.numbers["rolling"]
    count = sum(rolling.batches.values())
    sentence = (
        f"a rolling update of {counted(count, 'copy', 'copies')} needs "
        f"{counted(rolling.accelerators, 'free accelerator')}; "
    )
    free = rolling.available - rolling.taken
    if free < rolling.accelerators:
        sentence += f"{rolling.taken} of {rolling.available} are in use"
    else:
        sentence += (
            f"{free} are free, but no instance with a free accelerator has the CPU and memory that a copy reserves"
        )
    changes = shortage.changes
    fixes = [change for change in changes if change.setting == "instances"]
    fixes += [
        change
        for change in changes
        if change.subject is not None and change.count >= max(1, 2 * rolling.batches.get(change.subject.name, 0))
    ]
    words = [_change(change, shortage, at_start=False) for change in fixes]
    yield f"{_on_type(shortage)}{sentence}: {_set(words) or 'leave rollout out'}"


def _batch_size(finding: Finding) -> Iterator[str]:
    numbers = finding.numbers
    batch, least, largest = numbers["batch"], numbers["least"], numbers["largest"]
    fewest, most = numbers["fewest"], numbers["most"]
    floor = "min_copies={} in its schedules" if numbers["low"] == "schedule" else "copies={}"
    fixes = []
    if finding.kind == "too small":
        sentence = f"a rolling update replaces at least 5 % of the copies at once: {batch} of {most} is less"
        if least <= largest:
            fixes = [f"rollout.batch_copies={least}"]
    else:
        sentence = f"a rolling update replaces at most half of the copies at once: {batch} of {fewest} is more"
        if least <= largest:
            fixes = [f"rollout.batch_copies={largest}"]
        if least <= float(batch):
            fixes.append(floor.format(2 * ceil(float(batch))))
    if least > largest and (largest or not fixes):
        sentence += f"; no batch size is valid for {fewest} to {most} copies"
        fixes = fixes or [f"rollout.batch_copies={least} and {floor.format(2 * least)}"]
        if largest and numbers["high"] == "ceiling":
            fixes.append(f"rollout.batch_copies={largest} and scaling.max_copies={int(largest / LEAST_SHARE)}")
    yield f"{sentence}: {', or '.join(filter(None, [_set(fixes), 'leave rollout out']))}"


def _capacity_range(finding: Finding) -> Iterator[str]:
    floor, ceiling = finding.numbers["floor"], finding.numbers["ceiling"]
    if finding.kind == "schedule":
        schedule = finding.numbers["schedule"]
        yield (
            f"scaling.schedules[{schedule!r}]: min_copies={floor} is above max_copies={ceiling}: "
            f"set min_copies={ceiling} or less"
        )
    else:
        yield (
            f"copies={floor} is the floor of the scaling and is above its ceiling, scaling.max_copies="
            f"{ceiling}: set copies={ceiling} or less, or max_copies={floor} or more"
        )


def _copies_outside_range(finding: Finding) -> Iterator[str]:
    copies, ceiling = finding.numbers["copies"], finding.numbers["ceiling"]
    yield (
        f"copies={copies} at the start is above the ceiling of the scaling, max_copies={ceiling}: set "
        f"copies={ceiling} or less, or max_copies={copies} or more"
    )


def _scaling_range(finding: Finding) -> Iterator[str]:
    numbers = finding.numbers
    if finding.kind == "start below fewest":
        start, least = numbers["start"], numbers["least"]
        yield (
            f"instances={start} is below instance_scaling.min_instances={least}: set instances={least}, or "
            f"min_instances={start} or less"
        )
        return
    most, bound = numbers["most"], numbers["bound"]
    option = "instances" if finding.kind == "start" else "instance_scaling.min_instances"
    short = option.removeprefix("instance_scaling.")
    yield (
        f"{option}={bound} is above instance_scaling.max_instances={most}: set max_instances={bound} or more, or "
        f"{short}={most} or less"
    )


def _zero_without_wake(finding: Finding) -> Iterator[str]:
    if finding.kind == "by schedule":
        for schedule in finding.numbers["schedules"]:
            yield f"scaling.schedules[{schedule!r}]: min_copies=0 needs scaling.to_zero=True: set it, or min_copies=1"
    elif finding.certain:
        yield (
            "scaling.to_zero=True with wake_on_request=False: no alarm or schedule would ever add a copy again: "
            "set wake_on_request=True, or add a schedule with min_copies=1"
        )
    else:
        yield (
            "scaling.to_zero=True with wake_on_request=False: SageMaker refuses requests until a schedule adds a "
            "copy: set wake_on_request=True"
        )


def _zero_keeps_instances(_: Finding) -> Iterator[str]:
    yield (
        "scaling.to_zero=True: the instances stay without copies and are still billed: "
        "set instance_scaling=InstanceScaling(max_instances=..., min_instances=0)"
    )


def _alarm_without_action(_: Finding) -> Iterator[str]:
    yield (
        "monitoring.alarms= without a topic notifies no one: set monitoring.topic='ARN of an SNS topic', or add a "
        "rollout"
    )


def _scaling_saves_nothing(finding: Finding) -> Iterator[str]:
    numbers = finding.numbers
    fewest, most = numbers["fewest"], numbers["most"]
    paid = counted(numbers["instances"], "instance")
    bill = "is paid" if numbers["instances"] == 1 else "are paid"
    if finding.kind == "fixed":
        yield (
            f"scaling= never acts, because its floor and its ceiling are both {most} copies on {paid}: "
            "set instance_scaling=InstanceScaling(max_instances=...), or leave scaling out"
        )
        return
    yield (
        f"scaling= from {fewest} to {most} copies saves no money, because {paid} {bill} for in both cases: set "
        f"copies={most} and leave scaling out, or set instance_scaling= with fewer instances at the floor"
    )


def _idle(finding: Finding) -> Iterator[str]:
    numbers = finding.numbers
    setting, name = "scaling.max_copies" if numbers["setting"] == "ceiling" else "copies", numbers["component"].name
    more = (
        f"set {setting}={numbers['copies']} of {name}"
        if numbers["copies"]
        else f"set smaller cpus= and memory_mib= of {name}"
    )
    yield (
        f"{numbers['idle']} of {numbers['available']} accelerators run no copy but are paid for: {more}, or "
        "use a smaller instance type"
    )


def _isolated(finding: Finding) -> Iterator[str]:
    yield (
        f"network_isolation=True: {finding.numbers['repository']} would be fetched from the Hub, which isolation "
        f"blocks: set weights='s3://bucket/prefix/', or network_isolation=False"
    )


def _key_without_effect(finding: Finding) -> Iterator[str]:
    yield (
        f"security.kms_key=: {finding.numbers['instance_types']} has local NVMe storage, which is encrypted by "
        "hardware and takes no key: leave it out (the encryption key of the weights' bucket is a setting of the bucket)"
    )


def _region_without_components(finding: Finding) -> Iterator[str]:
    region = finding.numbers["region"]
    source, regions = components_source()
    yield (
        f"region {region}: CloudFormation does not know AWS::SageMaker::InferenceComponent there ({source}): use "
        f"a region that has it: {neighbours(region, regions)}"
    )


def _region_without_instance(finding: Finding) -> Iterator[str]:
    numbers = finding.numbers
    if finding.kind == "anywhere":
        yield (
            f"{numbers['instance_type']} has no hosting price in any region with inference components: use another "
            "instance type"
        )
        return
    regions = neighbours(numbers["region"], numbers["regions"])
    yield (
        f"region {numbers['region']}: {numbers['instance_type']} has no hosting price there: "
        f"use a region that has one: {regions}"
    )


COMPOSED: Mapping[str, Callable[[Finding], Iterator[str]]] = {
    "over-committed": _capacity,
    "over-claimed": _capacity,
    "start-over-committed": _capacity,
    "pool-too-small": _capacity,
    "ceiling-over-committed": _ceiling,
    "ceiling-over-claimed": _ceiling,
    "roll-without-room": _roll_room,
    "batch-size": _batch_size,
    "capacity-range": _capacity_range,
    "copies-outside-range": _copies_outside_range,
    "scaling-range": _scaling_range,
    "zero-without-wake": _zero_without_wake,
    "zero-keeps-instances": _zero_keeps_instances,
    "alarm-without-action": _alarm_without_action,
    "scaling-saves-nothing": _scaling_saves_nothing,
    "accelerators-idle": _idle,
    "isolated-from-weights": _isolated,
    "key-without-effect": _key_without_effect,
    "region-without-components": _region_without_components,
    "region-without-instance": _region_without_instance,
}


_OF_A_COMPONENT = (
    "batch-size",
    "capacity-range",
    "copies-outside-range",
    "isolated-from-weights",
    "scaling-saves-nothing",
    "zero-without-wake",
)


def _more_instances(variant: Variant, count: int, *, at_start: bool) -> str:
    if at_start:
        return f"instances={count}"
    scaled = f"max_instances={count}"
    return scaled if variant.instances.is_scaled else f"instance_scaling=InstanceScaling({scaled})"


def _set(options: Sequence[str | None]) -> str:
    settings = [option for option in options if option]
    return f"set {', or '.join(settings)}" if settings else ""


def _on_type(shortage: Shortage) -> str:
    """Return a prefix with the instance type of the shortage; empty for the first type of the pools."""
    pools = shortage.variant.instances.pools
    return f"on {shortage.instance.name}: " if pools and shortage.instance.name != pools[0] else ""


def _has_several(variant: Variant) -> bool:
    return len(variant.components) > 1


def _shortage(finding: Finding) -> Shortage:
    assert finding.shortage is not None  # noqa: S101 (rules about capacity attach it)
    return finding.shortage
