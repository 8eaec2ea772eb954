"""Rules about autoscaling: ranges that the service refuses, and zero copies that nobody wakes or that go on billing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.values import Unknown, at, number_of, text_of
from replicas.rules.demands import is_scaled
from replicas.rules.report import Finding, Unresolved
from replicas.rules.scaling import (
    DIMENSION,
    Target,
    component_targets,
    is_component_id,
    is_scaled_by,
    targets_of,
    wakes,
)
from replicas.template.endpoints import Component, Variant, View


def target_mismatch(view: View) -> Iterator[Finding]:
    """A target of a component names it as `inference-component/NAME`, in one dimension of one namespace."""
    for target in component_targets(view):
        given = target.get("ResourceId")
        expected = {"ServiceNamespace": "sagemaker", "ScalableDimension": DIMENSION}
        wrong = {
            name: text_of(value)
            for name, right in expected.items()
            if isinstance(value := target.get(name), str) and value != right
        }
        if isinstance(given, str) and not is_component_id(given):
            wrong["ResourceId"] = given
            expected["ResourceId"] = "inference-component/NAME"
        if wrong:
            yield Finding(
                "target-mismatch",
                target.logical_id,
                ", ".join(f"{name}={value}" for name, value in wrong.items()),
                "Application Auto Scaling knows copies of a component by these three together",
                ", ".join(f"{name}={expected[name]}" for name in wrong),
            )


def capacity_range(view: View) -> Iterator[Finding]:
    """The floor is not above the ceiling, and the copies at the start lie between them."""
    for target in targets_of(view).values():
        floor, ceiling = target.floor, target.ceiling
        if floor is None or ceiling is None:
            continue
        if floor > ceiling:
            yield Finding(
                "capacity-range",
                target.resource.logical_id,
                f"MinCapacity={floor} is above MaxCapacity={ceiling}",
                "RegisterScalableTarget refuses such a range",
                f"MaxCapacity={floor} or more, or MinCapacity={ceiling} or less",
            )
            continue
        copies = number_of(target.component.resource.get("RuntimeConfig", "CopyCount"))
        if isinstance(copies, Fraction) and not max(1, floor) <= copies <= max(1, ceiling):
            bound = f"MinCapacity={floor}" if copies < floor else f"MaxCapacity={ceiling}"
            yield Finding(
                "copies-outside-range",
                target.component.logical_id,
                f"CopyCount={float(copies):g} lies outside {bound} of {target.resource.logical_id}",
                "autoscaling changes it as soon as it is registered, after the copies were started and paid for",
                f"CopyCount={max(1, floor)}, the floor",
                certain=False,
            )


def zero_copies(view: View) -> Iterator[Finding | Unresolved]:
    """Zero copies need something that wakes them, and save money only where the instances go too."""
    variants = {part.logical_id: variant for variant in view.variants for part in variant.components}
    for target in targets_of(view).values():
        if target.fewest != 0 or target.component.is_adapter:
            continue
        if not wakes(view, target):
            yield _without_wake(target)
        variant = variants.get(target.component.logical_id)
        if variant is not None:
            yield from _instances_stay(target.component, variant)


def _without_wake(target: Target) -> Finding:
    component = target.component.logical_id
    return Finding(
        "zero-without-wake",
        target.resource.logical_id,
        f"{component} scales to 0 copies, and no alarm on NoCapacityInvocationFailures runs a step policy of it",
        "requests are refused until a scheduled action brings a copy back"
        if target.wakes_by_schedule
        else "target tracking multiplies the copies there are, and 0 stays 0: every request is refused from then on",
        "a StepScaling policy (+1) and an alarm on NoCapacityInvocationFailures of the component that runs it, or "
        "MinCapacity=1",
        certain=not target.wakes_by_schedule,
    )


def _instances_stay(component: Component, variant: Variant) -> Iterator[Finding | Unresolved]:
    least = at(variant.properties, "ManagedInstanceScaling", "MinInstanceCount") if is_scaled(variant) else None
    number = number_of(least)
    if isinstance(number, Unknown):
        what = f"MinInstanceCount is not known ({number.why}): whether instances go with the copies is not judged"
        yield Unresolved(variant.config.logical_id, what, number.parameters)
        return
    if number == 0:
        return
    given = "no ManagedInstanceScaling" if not is_scaled(variant) else f"MinInstanceCount={text_of(least or 'not set')}"
    yield Finding(
        "zero-keeps-instances",
        variant.config.logical_id,
        f"{component.logical_id} scales to 0 copies, and its variant has {given}",
        "the copies go, the instances stay and bill",
        "ManagedInstanceScaling with Status=ENABLED and MinInstanceCount=0, or a floor of 1 copy",
        certain=False,
    )


def open_targets(view: View) -> Iterator[Unresolved]:
    """Targets that may be those of a component of the template, and cannot be told."""
    for target in component_targets(view):
        given = target.get("ResourceId")
        if target.condition is not None:
            what = f"its condition is not known ({target.condition.why}): the ceiling of copies is not judged"
            yield Unresolved(target.logical_id, what, target.condition.parameters)
        elif isinstance(given, Unknown) and not any(is_scaled_by(given, part) for part in view.components):
            what = f"ResourceId is not known ({given.why}): which component it scales is not judged"
            yield Unresolved(target.logical_id, what, given.parameters)
