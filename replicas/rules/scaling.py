"""Rules about autoscaling: invalid ranges, and components that scale to zero but never back, or that still cost money
at zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from replicas.endpoint.identity import Number, Subject, whole
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.endpoint.variants import Variant
from replicas.names import CopyTarget, VariantTarget
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case, Unjudged
from replicas.rules.ranges import Range, range_of
from replicas.rules.refusals import preflight

_COMPONENT_ID = re.compile(re.escape(CopyTarget.PREFIX) + ".+", re.DOTALL)
_UNSUPPORTED = preflight(
    "appautoscaling-resource-id-shape",
    "Unsupported service namespace, resource type or scalable dimension",
    CopyTarget.resource_id("NAME"),
)
_WRONG_ORDER = "Maximum capacity cannot be less than minimum capacity"
_RANGE = preflight("appautoscaling-min-max-capacity", _WRONG_ORDER, "set MaxCapacity to MinCapacity or more")
_SCHEDULED_RANGE = preflight("appautoscaling-scalable-target-action-min-max", _WRONG_ORDER, _RANGE.fix)


@rule(
    "target-mismatch",
    checks="ResourceId, ScalableDimension and ServiceNamespace of a scalable target do not match.",
    why="RegisterScalableTarget refuses it: '{words}'",
    source="cdk-preflight 1.9.1, rule pf-appautoscaling-resource-id-shape, with AWS's words",
    enforced=enforced_by("RegisterScalableTarget", "quoted", f"'{_UNSUPPORTED.words}' ({_UNSUPPORTED.source})"),
)
def target_mismatch(topology: Topology) -> Iterator[Case]:
    """The resource id must be `inference-component/NAME`, and the dimension and namespace must match."""
    for target in topology.targets:
        wrong = {
            "resource id": (target.resource_id, CopyTarget.resource_id("NAME"))
            if not (isinstance(target.resource_id, str) and _COMPONENT_ID.fullmatch(target.resource_id))
            else (None, ""),
            "dimension": (target.dimension, CopyTarget.DIMENSION),
            "namespace": (target.namespace, CopyTarget.NAMESPACE),
        }
        given = {
            setting: (value, right)
            for setting, (value, right) in wrong.items()
            if isinstance(value, str) and value != right
        }
        if given:
            yield Case(subject=target.subject, numbers={"wrong": given, **_UNSUPPORTED.numbers})
    for instance_target in topology.instance_targets:
        for variant in topology.variants:
            is_same = variant.endpoint == instance_target.endpoint
            if is_same and text_of(variant.settings.name) == instance_target.variant_name:
                right = VariantTarget.CONCURRENCY if variant.settings.is_serverless else VariantTarget.INSTANCES
                other = instance_target.dimension
                if other != right and other in (VariantTarget.CONCURRENCY, VariantTarget.INSTANCES):
                    numbers = {"wrong": {"dimension": (other, right)}, **_UNSUPPORTED.numbers}
                    yield Case(subject=instance_target.subject, numbers=numbers)


@rule(
    "capacity-range",
    checks="MinCapacity of a scalable target is above its MaxCapacity.",
    why="{operation} refuses it: '{words}'",
    source="cdk-preflight 1.9.1: a rule for the target and one for its scheduled actions, with AWS's words",
    enforced=(
        *enforced_by("RegisterScalableTarget", "quoted", f"'{_RANGE.words}' ({_RANGE.source})"),
        *enforced_by("PutScheduledAction", "quoted", f"'{_WRONG_ORDER}' ({_SCHEDULED_RANGE.source})"),
    ),
)
def capacity_range(topology: Topology) -> Iterator[Case]:
    """The floor must not be above the ceiling, at any time."""
    for instances in topology.instance_targets:
        fewest, most = whole(instances.floor, least=0), whole(instances.ceiling, least=0)
        if fewest is not None and most is not None and fewest > most:
            numbers = {"floor": fewest, "ceiling": most, "component": instances.subject, **_RANGE.numbers}
            yield Case(subject=instances.subject, numbers={**numbers, "operation": "RegisterScalableTarget"})
    for target in topology.targets:
        lowest, highest = whole(target.floor, least=0), whole(target.ceiling, least=0)
        if lowest is None or highest is None:
            continue
        component = target.component or target.subject
        if lowest > highest:
            numbers = {"floor": lowest, "ceiling": highest, "component": component, **_RANGE.numbers}
            yield Case(subject=target.subject, numbers={**numbers, "operation": "RegisterScalableTarget"})
            continue
        for entry in target.schedules:
            floor = lowest if entry.floor is None else whole(entry.floor, least=0)
            ceiling = highest if entry.ceiling is None else whole(entry.ceiling, least=0)
            if floor is not None and ceiling is not None and floor > ceiling:
                numbers = {
                    "floor": floor,
                    "ceiling": ceiling,
                    "schedule": entry.name,
                    "component": component,
                    **_SCHEDULED_RANGE.numbers,
                }
                yield Case(
                    subject=target.subject, kind="schedule", numbers={**numbers, "operation": "PutScheduledAction"}
                )


@rule(
    "capacity-negative",
    checks="MinCapacity or MaxCapacity of a scalable target or of a scheduled action is below 0.",
    why="{operation} refuses a capacity below the minimum, which is 0 or 1, depending on the kind of resource",
    source="Application Auto Scaling API reference, RegisterScalableTarget: MinCapacity",
    enforced=(
        *enforced_by("RegisterScalableTarget", "documented", "API reference: 'the minimum value allowed is 0'"),
        *enforced_by("PutScheduledAction", "assumed", "as in RegisterScalableTarget"),
    ),
)
def capacity_negative(topology: Topology) -> Iterator[Case]:
    """A floor and a ceiling must be at least 0, at any time."""
    registered = {"where": "", "operation": "RegisterScalableTarget"}
    for instances in topology.instance_targets:
        yield from _negative(instances.subject, instances.floor, instances.ceiling, registered)
    for target in topology.targets:
        yield from _negative(target.subject, target.floor, target.ceiling, registered)
        for entry in target.schedules:
            numbers = {"where": f" of the scheduled action {entry.name}", "operation": "PutScheduledAction"}
            yield from _negative(target.subject, entry.floor, entry.ceiling, numbers)


def _negative(subject: Subject, floor: Number, ceiling: Number, numbers: Mapping[str, str]) -> Iterator[Case]:
    for name, value in (("MinCapacity", floor), ("MaxCapacity", ceiling)):
        if isinstance(value, Fraction) and value < 0:
            yield Case(subject=subject, numbers={**numbers, "property": name, "given": f"{float(value):g}"})


@rule(
    "copies-outside-range",
    severity="warning",
    checks="CopyCount is outside the range of autoscaling (warning).",
    why="autoscaling changes CopyCount as soon as the target is registered, when the copies have already started",
    needs_proof=True,
)
def copies_outside_range(topology: Topology) -> Iterator[Case]:
    """The initial number of copies must be within the range."""
    for component in topology.components:
        scaled = range_of(component, topology)
        if scaled is None or scaled.floor is None or scaled.ceiling is None or scaled.floor > scaled.ceiling:
            continue
        copies, least = component.copies, max(1, scaled.floor)
        if isinstance(copies, Fraction) and not least <= copies <= max(1, scaled.ceiling):
            numbers = {
                "copies": f"{float(copies):g}",
                "floor": scaled.floor,
                "ceiling": scaled.ceiling,
                "nearest": least,
                "target": scaled.target.subject,
            }
            kind = "below" if copies < scaled.floor else "above"
            yield Case(subject=component.subject, kind=kind, numbers=numbers)


@rule(
    "zero-without-wake",
    checks="A component scales to zero copies, but no alarm scales it out again (warning if a schedule does).",
    why="{why}",
    source="SageMaker developer guide, endpoint-auto-scaling-zero-instances",
    needs_proof=("by schedule",),
)
def zero_without_wake(topology: Topology) -> Iterator[Case]:
    """A component that scales to zero copies must have an alarm that scales it out again."""
    for component in topology.hosting_components:
        scaled = range_of(component, topology)
        if scaled is None or scaled.fewest != 0 or scaled.target.wakes:
            continue
        why = (
            "target tracking multiplies the number of copies, so 0 stays 0, and SageMaker refuses every request from "
            "then on"
        )
        if scaled.wakes_by_schedule:
            why = "SageMaker refuses requests until a scheduled action adds a copy"
        numbers = {
            "why": why,
            "component": component.subject,
            "floor": scaled.floor,
            "schedules": [entry.name for entry in scaled.target.schedules if entry.floor == 0],
        }
        kind = "by schedule" if scaled.floor else ""
        yield Case(subject=scaled.target.subject, kind=kind, numbers=numbers, certain=not scaled.wakes_by_schedule)


@rule(
    "zero-keeps-instances",
    severity="warning",
    checks="A component scales to zero copies, but its instances do not (warning).",
    why="the instances keep running without copies and are still billed",
    source="SageMaker developer guide, endpoint-auto-scaling-zero-instances",
)
def zero_keeps_instances(topology: Topology) -> Iterator[Case | Unjudged]:
    """If copies scale to zero, the instances must also scale to zero, because they are billed."""
    for variant in topology.variants:
        for component in variant.components if not variant.settings.is_serverless else ():
            scaled = range_of(component, topology)
            if scaled is not None and scaled.fewest == 0:
                yield from _instances_stay(variant, scaled)


def _instances_stay(variant: Variant, scaled: Range) -> Iterator[Case | Unjudged]:
    instances = variant.instances
    least = instances.least if instances.is_scaled else None
    if isinstance(least, Unknown):
        question = "whether the instances scale to zero with the copies"
        yield Unjudged(
            subject=variant.configuration.subject, question=question, quantity="least instances", unknown=least
        )
    elif least != 0:
        numbers = {
            "component": scaled.target.component,
            "least": "not set" if least is None else text_of(int(least)),
        }
        kind = "scaled" if instances.is_scaled else ""
        yield Case(subject=variant.configuration.subject, kind=kind, numbers=numbers)
