"""Who scales a component's copies: scalable targets, their policies, and the alarms on a component."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, at, list_of, number_of, text_of
from replicas.names import CopyTarget, MetricName, ResourceType
from replicas.template.endpoints import Component, Resource, View

DIMENSION = CopyTarget.DIMENSION
NO_CAPACITY = MetricName.NO_CAPACITY

_TARGET = ResourceType.SCALABLE_TARGET
_POLICY = ResourceType.SCALING_POLICY
_ALARM = ResourceType.ALARM
_OF_A_COMPONENT = re.compile(r"inference-component/(?P<name>.+)", re.DOTALL)
_REFERENCE = re.compile(r"\$\{(?P<logical_id>\w+)(?:\.[^}]*)?\}")


@dataclass(frozen=True)
class Target:
    """The range of copies that Application Auto Scaling keeps to; None for a bound that is not known."""

    resource: Resource
    component: Component
    floor: int | None
    """MinCapacity."""
    ceiling: int | None
    """MaxCapacity."""
    fewest: int | None
    """The lowest floor of any time of day: scheduled actions move it."""
    most: int | None
    """The highest ceiling of any time of day."""
    wakes_by_schedule: bool
    """True where a scheduled action raises the floor to 1 or more."""


@dataclass(frozen=True)
class Alarm:
    """An alarm and the metrics it looks at."""

    resource: Resource
    metrics: tuple[tuple[Value, Value], ...]
    """Name and dimensions of each."""

    def watches(self, metric: str, component: Component) -> bool:
        """True where it looks at a metric of the component."""
        return any(
            text_of(name) == metric
            and any(
                text_of(at(dimension, "Name")) == "InferenceComponentName"
                and is_name_of(at(dimension, "Value"), component)
                for dimension in (dimensions if isinstance(dimensions, list) else ())
            )
            for name, dimensions in self.metrics
        )


def component_targets(view: View) -> Iterator[Resource]:
    """Scalable targets that are meant for copies of a component, whether or not it is in the template."""
    for target in view.created(_TARGET):
        resource_id = target.get("ResourceId")
        named = isinstance(resource_id, Reference) and resource_id.logical_id in view.resources
        if named or text_of(target.get("ScalableDimension")) == DIMENSION or is_component_id(resource_id):
            yield target


def is_component_id(resource_id: Value) -> bool:
    """True for `inference-component/NAME`."""
    return _OF_A_COMPONENT.fullmatch(text_of(resource_id)) is not None


def targets_of(view: View) -> dict[str, Target]:
    """The range of each component that is scaled for sure, by the component's logical id."""
    return {
        component.logical_id: _target(resource, component)
        for resource in component_targets(view)
        if resource.condition is None
        for component in view.components
        if is_scaled_by(resource.get("ResourceId"), component)
    }


def is_scaled_by(resource_id: Value, component: Component) -> bool:
    """True where a ResourceId names the component."""
    if isinstance(resource_id, Reference):
        return resource_id.logical_id == component.logical_id  # `inference-component/NAME`, split out of the ARN
    found = _OF_A_COMPONENT.fullmatch(text_of(resource_id))
    return found is not None and _is_name_text(found["name"], component)


def is_name_of(value: Value, component: Component) -> bool:
    """True where a value is the component's name: split out of its ARN, or written the same."""
    if isinstance(value, Reference):
        return value.logical_id == component.logical_id
    return _is_name_text(text_of(value), component)


def wakes(view: View, target: Target) -> bool:
    """True where a failed request takes the component from 0 copies to 1: a step policy, and the alarm that runs it.

    Target tracking does not: it multiplies the copies there are, and 0 stays 0.
    """
    steps = {
        policy.logical_id
        for policy in view.created(_POLICY)
        if text_of(policy.get("PolicyType")) == "StepScaling" and _is_policy_of(policy, target)
    }
    return any(
        isinstance(action, Unknown) or (isinstance(action, Reference) and action.logical_id in steps)
        for alarm in alarms_of(view)
        if steps and alarm.watches(NO_CAPACITY, target.component)
        for action in list_of(alarm.resource.get("AlarmActions"))
    )


def alarms_of(view: View) -> list[Alarm]:
    """The alarms of the template, on one metric or on an expression over several."""
    return [Alarm(resource, tuple(_metrics(resource))) for resource in view.created(_ALARM)]


def _metrics(alarm: Resource) -> Iterator[tuple[Value, Value]]:
    yield alarm.get("MetricName"), alarm.get("Dimensions")
    for query in list_of(alarm.get("Metrics")):
        metric = at(query, "MetricStat", "Metric")
        yield at(metric, "MetricName"), at(metric, "Dimensions")


def _target(resource: Resource, component: Component) -> Target:
    floor, ceiling = _capacity(resource.get("MinCapacity")), _capacity(resource.get("MaxCapacity"))
    actions = [at(action, "ScalableTargetAction") for action in list_of(resource.get("ScheduledActions"))]
    floors = [_capacity(given) for action in actions if (given := at(action, "MinCapacity")) is not None]
    ceilings = [_capacity(given) for action in actions if (given := at(action, "MaxCapacity")) is not None]
    return Target(
        resource,
        component,
        floor,
        ceiling,
        fewest=_extreme(min, [floor, *floors]),
        most=_extreme(max, [ceiling, *ceilings]),
        wakes_by_schedule=any(least is None or least > 0 for least in floors),
    )


def _extreme(choose: Callable[[list[int]], int], numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return choose(known) if len(known) == len(numbers) else None


def _capacity(value: Value) -> int | None:
    number = number_of(value)
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 and number >= 0 else None


def _is_policy_of(policy: Resource, target: Target) -> bool:
    of = policy.get("ScalingTargetId")
    if isinstance(of, Reference):
        return of.logical_id == target.resource.logical_id
    return is_scaled_by(policy.get("ResourceId"), target.component)


def _is_name_text(name: str, component: Component) -> bool:
    reference = _REFERENCE.fullmatch(name)
    if reference and reference["logical_id"] == component.logical_id:
        return True
    return ANYTHING not in name and name == text_of(component.resource.get("InferenceComponentName"))
