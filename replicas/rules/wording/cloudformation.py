"""Messages of findings in CloudFormation terms: properties and logical ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.values import Unknown
from replicas.rules.finding import Finding, Quantity, Unjudged
from replicas.rules.rolls import RollingCopies
from replicas.rules.shortage import Change, Compared, Shortage
from replicas.rules.wording.properties import SENTENCES
from replicas.rules.wording.sentences import Sentence, plain
from replicas.rules.wording.variables import in_variables
from replicas.sizing import claims
from replicas.units import counted

_COUNTS = {"copies": "CopyCount", "floor": "MinCapacity", "ceiling": "MaxCapacity"}
_UNITS = {"accelerators": "accelerators", "cpus": "CPUs", "memory": "MiB"}
_TARGET_PROPERTIES = {
    "resource id": "ResourceId",
    "dimension": "ScalableDimension",
    "namespace": "ServiceNamespace",
}
_QUANTITIES: Mapping[Quantity, str] = {
    "accelerators": "NumberOfAcceleratorDevicesRequired",
    "ami": "InferenceAmiVersion",
    "batch": "MaximumBatchSize",
    "ceiling": "MaxCapacity (or the MaxCapacity of a scheduled action)",
    "claims": "ComputeResourceRequirements",
    "configuration": "the endpoint config with variants",
    "copies": "CopyCount",
    "cpus": "NumberOfCpuCoresRequired",
    "endpoint": "the endpoint",
    "existence": "its condition",
    "instance type": "InstanceType",
    "instances": "InitialInstanceCount",
    "least instances": "MinInstanceCount",
    "memory": "MinMemoryRequiredInMb",
    "most instances": "MaxInstanceCount",
    "scaled component": "ResourceId",
    "variant": "the variant",
}


def sentence_of(finding: Finding) -> Sentence:
    """Return a finding in words: the fault and its fix."""
    composed = COMPOSED.get(finding.rule)
    if composed and finding.key not in SENTENCES:
        return composed(finding)
    what, fix = SENTENCES[finding.key]
    return Sentence(what=what, fix=fix).filled(finding.numbers)


def open_sentence(unjudged: Unjudged) -> str:
    """Return the message for a question that is not judged, with the reason."""
    if unjudged.quantity is None:
        return f"{unjudged.question + ' is ' if unjudged.question else ''}not judged: {unjudged.why}"
    if unjudged.quantity == "instance type" and unjudged.unknown is None:
        return "not judged: the variant has no InstanceType"
    name = unjudged.given if unjudged.quantity == "degree" else _QUANTITIES[unjudged.quantity]
    shown = f" {unjudged.given}" if unjudged.given and unjudged.quantity != "degree" else ""
    return f"{name}{shown} is not known ({unjudged.why}): {unjudged.question} is not judged"


def question_of(unjudged: Unjudged) -> str:
    """Return the question, for example `whether all copies fit`."""
    return unjudged.question or "anything about it"


def reason_of(unjudged: Unjudged) -> str:
    """Return why a question is not judged: the unknown setting, with the reason."""
    if unjudged.quantity is None or unjudged.quantity == "degree":
        return f"{unjudged.given} is not known: {unjudged.why}" if unjudged.quantity else unjudged.why
    shown = f" {unjudged.given}" if unjudged.given else ""
    return f"{_QUANTITIES[unjudged.quantity]}{shown} is not known: {unjudged.why}"


def options_of(unjudged: Unjudged) -> tuple[str, ...]:
    """Return the options of `replicas check` that supply the missing value."""
    given = [
        "--region REGION" if name == "AWS::Region" else f"--parameter {name}=VALUE" for name in parameters_of(unjudged)
    ]
    return tuple(dict.fromkeys([*given, *unjudged.remedies]))


def parameters_of(unjudged: Unjudged) -> tuple[str, ...]:
    """Return the template parameters whose values would answer the question."""
    return unjudged.unknown.parameters if isinstance(unjudged.unknown, Unknown) else ()


def _capacity(finding: Finding) -> Sentence:
    shortage = _shortage(finding)
    what = shortage_in_words(shortage, finding.numbers["room"])
    return Sentence(what=what, fix=_fixes(shortage, "reserve less per copy, or use a larger instance type"))


def _start(finding: Finding) -> Sentence:
    shortage = _shortage(finding)
    what = shortage_in_words(shortage, claims.host(shortage.instance))
    return Sentence(
        what=f"at the start {what}", fix=_fixes(shortage, "start fewer copies", instances="InitialInstanceCount")
    )


def _ceiling(finding: Finding) -> Sentence:
    shortage = _shortage(finding)
    raised = " and ".join(finding.numbers["raised"])
    what = f"at MaxCapacity of {raised} {shortage_in_words(shortage, finding.numbers['room'])}"
    return Sentence(
        what=what, fix=_fixes(shortage, f"set a lower MaxCapacity of {raised}, or use a larger instance type")
    )


def _idle(finding: Finding) -> Sentence:
    numbers = finding.numbers
    setting, component = _COUNTS[numbers["setting"]], numbers["component"].name
    if numbers["copies"]:
        fix = f"set {setting}={numbers['copies']} of {component}"
    else:
        fix = f"reserve less per copy of {component}"
    what = f"{numbers['idle']} of {numbers['available']} accelerators run no copy"
    return Sentence(what=what, fix=f"{fix}, or use a smaller instance type")


def _variant_unknown(finding: Finding) -> Sentence:
    names = finding.numbers["variants"]
    has = ", ".join(map(repr, names))
    if finding.kind == "scaled":
        what = f"ResourceId names the variant {finding.numbers['variant']!r}; the endpoint has {has}"
        return Sentence(what=what, fix=f"end ResourceId with /variant/{names[0]}")
    return Sentence(
        what=f"VariantName={finding.numbers['variant']!r}, but the endpoint has {has}",
        fix=f"set VariantName={names[0]!r}",
    )


def _region_without_instance(finding: Finding) -> Sentence:
    numbers = finding.numbers
    if finding.kind == "anywhere":
        what = f"{numbers['instance_type']} has no hosting price in any region with inference components"
        return Sentence(what=what, fix="use another instance type, or ask AWS whether the account may host on it")
    offers = ", ".join(numbers["regions"]) or "none"
    return Sentence(
        what=f"{numbers['instance_type']} has no hosting price in {numbers['region']}",
        fix=f"use another instance type, or a region that has a price: {offers}",
    )


def _target_mismatch(finding: Finding) -> Sentence:
    wrong: Mapping[str, tuple[str, str]] = finding.numbers["wrong"]
    given = [f"{_TARGET_PROPERTIES[setting]}={value}" for setting, (value, _) in wrong.items()]
    right = [f"{_TARGET_PROPERTIES[setting]}={value}" for setting, (_, value) in wrong.items()]
    return Sentence(what=", ".join(given), fix=f"set {', '.join(right)}")


def _batch_size(finding: Finding) -> Sentence:
    numbers = finding.numbers
    level = {"copies": "", "floor": " at MinCapacity", "ceiling": " at MaxCapacity", "schedule": " by a schedule"}
    what = f"a batch of {numbers['batch']} of {counted(numbers['copies'], 'copy', 'copies')}{level[numbers['level']]}"
    least, largest = numbers["least"], numbers["largest"]
    if finding.kind == "of one copy":
        setting = "CopyCount" if numbers["level"] == "copies" else "MinCapacity"
        return Sentence(what=what, fix=f"set {setting}=2 or more if updates must roll, or remove RollingUpdatePolicy")
    if least > largest:
        return Sentence(what=what, fix="use CAPACITY_PERCENT with a value from 5 to 50")
    value = str(least) if least == largest else f"{least} to {largest}"
    return Sentence(what=what, fix=f"set Value={value} for COPY_COUNT, or use CAPACITY_PERCENT with 5 to 50")


def _roll_room(finding: Finding) -> Sentence:
    shortage, rolling = _shortage(finding), _rolling(finding)
    count = sum(rolling.batches.values())
    roll = f"a rolling update of {counted(count, 'copy', 'copies')}"
    copies = ", ".join(f"{rolling.copies[name]}" for name in rolling.batches)
    level = f" at MaxCapacity={copies}" if rolling.at_ceiling else ""
    if rolling.taken + rolling.accelerators > rolling.available:
        free = counted(rolling.accelerators, "free accelerator")
        what = f"{roll} needs {free}; {rolling.taken} of {rolling.available} are in use{level}"
    else:
        what = f"{roll} has no room next to the serving copies{level}"
    changes = shortage.changes
    instances = [change for change in changes if change.setting == "instances"]
    copies_changes = [
        change for change in changes if change.subject is not None and change.subject.name in rolling.batches
    ]
    is_scaled = shortage.variant.instances.is_scaled
    fixes = [
        f"{'' if is_scaled else 'ManagedInstanceScaling with '}MaxInstanceCount={change.count}" for change in instances
    ]
    fixes += [_count_change(change) for change in copies_changes]
    return Sentence(what=what, fix=_set(fixes) or "reserve less per copy, or use a larger instance type")


def _of_container(finding: Finding) -> Sentence:
    numbers = finding.numbers
    return in_variables(numbers["sentence"], numbers["engine"], numbers["variables"])


COMPOSED: Mapping[str, Callable[[Finding], Sentence]] = {
    "copy-without-memory": _of_container,
    "lengths-of-requests": _of_container,
    "engine-without-model": _of_container,
    "over-committed": _capacity,
    "over-claimed": _capacity,
    "pool-too-small": _capacity,
    "start-over-committed": _start,
    "ceiling-over-committed": _ceiling,
    "ceiling-over-claimed": _capacity,
    "accelerators-idle": _idle,
    "variant-unknown": _variant_unknown,
    "target-mismatch": _target_mismatch,
    "region-without-instance": _region_without_instance,
    "batch-size": _batch_size,
    "roll-without-room": _roll_room,
}


def shortage_in_words(shortage: Shortage, room: Any) -> str:
    """Describe the missing resources for instances that each provide the resources `room`."""
    name = shortage.instance.name
    too_large = [
        f"a copy of {demand.component.subject.name} reserves {_amount(compared, compared.requested)}, "
        f"but one {name} can give {_amount(compared, compared.available)}"
        for demand, compared in shortage.too_large(room)
    ]
    if too_large:
        return "; ".join(too_large)
    short = [
        f"{'1 copy reserves' if shortage.total == 1 else f'{shortage.total} copies reserve'} "
        f"{_amount(compared, compared.requested)}, but {_where(shortage)} can give "
        f"{_amount(compared, compared.available)}"
        for compared in shortage.compared(room)
        if compared.is_short
    ]
    return "; ".join(short) or _fragmented(shortage)


def _fragmented(shortage: Shortage) -> str:
    sizes = ", ".join(
        f"{count} x {need.accelerators} accelerators, {float(need.cpus):g} CPUs and {need.memory_mib} MiB "
        f"({demand.component.subject.name})"
        for demand, need, count in zip(shortage.demands, shortage.needs, shortage.copies, strict=True)
    )
    return f"{shortage.total} copies fit {_where(shortage)} by their total reservations, but cannot be placed: {sizes}"


def _where(shortage: Shortage) -> str:
    if shortage.known_instances is None:
        return f"one {shortage.instance.name}"
    return shortage.instance.name if shortage.instances == 1 else f"{shortage.instances} x {shortage.instance.name}"


def _amount(compared: Compared, number: Any) -> str:
    return f"{plain(number)} {_UNITS[compared.resource]}"


def _fixes(shortage: Shortage, otherwise: str, instances: str | None = None) -> str:
    most = "MaxInstanceCount" if shortage.variant.instances.is_scaled else "InitialInstanceCount"
    fixes = []
    for change in shortage.changes:
        if change.setting == "instances":
            fixes.append(f"{instances or most}={change.count}")
        elif change.setting == "claims":
            fixes.append(" and ".join(_claim(subject, need) for subject, need in change.claims))
        else:
            fixes.append(_count_change(change))
    return _set(fixes) or otherwise


def _set(settings: list[str]) -> str:
    return f"set {', or '.join(settings)}" if settings else ""


def _count_change(change: Change) -> str:
    return f"{_COUNTS[change.setting]}={change.count} of {change.subject.name if change.subject else ''}"


def _claim(subject: Subject, need: Any) -> str:
    cpus = f"NumberOfCpuCoresRequired={float(need.cpus):g} and " if need.cpus else ""
    return f"{cpus}MinMemoryRequiredInMb={need.memory_mib} ({subject.name})"


def _shortage(finding: Finding) -> Shortage:
    assert finding.shortage is not None  # noqa: S101 (rules about capacity attach it)
    return finding.shortage


def _rolling(finding: Finding) -> RollingCopies:
    rolling: RollingCopies = finding.numbers["rolling"]
    return rolling
