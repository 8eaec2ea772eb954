"""Autoscaling and alarms of a template's components: scalable targets, scaling policies, alarms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from replicas.endpoint.components import InstanceTarget, ScalingTarget, ScheduledRange
from replicas.endpoint.identity import Number, Subject
from replicas.endpoint.values import (
    ANYTHING,
    Reference,
    Unknown,
    Value,
    at,
    list_of,
    number_of,
    open_values,
    text_of,
    whole_at,
)
from replicas.names import CopyTarget, Dimension, MetricName, MetricNamespace, ResourceType
from replicas.template.alarms import ACTIONS, declared_metrics
from replicas.template.resources import Resource, Resources, text_in
from replicas.template.scaling_policies import target_key

_COMPONENT_ID = re.compile(re.escape(CopyTarget.PREFIX) + "(?P<name>.+)", re.DOTALL)
VARIANT_ID = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
"""Resource id of a scalable target for the instances of a variant."""
_REFERENCE = re.compile(r"\$\{(?P<logical_id>\w+)(?:\.[^}]*)?\}")


def targets_of(resources: Resources) -> tuple[ScalingTarget, ...]:
    """Return the scalable targets of a template for inference components.

    The components can be outside of the template.
    """
    components = resources.of_sagemaker("InferenceComponent")
    return tuple(
        _target(target, resources, components)
        for target in resources.of_type(ResourceType.SCALABLE_TARGET)
        if _is_for_a_component(target, resources)
    )


def instance_targets_of(resources: Resources) -> tuple[InstanceTarget, ...]:
    """Return the scalable targets of a template for the instances of variants.

    The variants can be outside of the template.
    """
    targets = []
    for target in resources.of_type(ResourceType.SCALABLE_TARGET):
        match = VARIANT_ID.fullmatch(text_of(target.get("ResourceId")))
        if match:
            endpoint = _endpoint_named(match["endpoint"], resources)
            targets.append(
                InstanceTarget(
                    subject=Subject(kind="scaling target", name=target.logical_id),
                    endpoint=Subject(kind="endpoint", name=endpoint.logical_id) if endpoint else None,
                    endpoint_name=match["endpoint"],
                    variant_name=match["variant"],
                    floor=whole_at(target.properties, "MinCapacity"),
                    ceiling=whole_at(target.properties, "MaxCapacity"),
                    dimension=text_in(target.get("ScalableDimension")),
                )
            )
    return tuple(targets)


def _endpoint_named(name: str, resources: Resources) -> Resource | None:
    """Return the endpoint with this name, which comes from a resource id; None if the template has no such endpoint."""
    reference = _REFERENCE.fullmatch(name)
    for endpoint in resources.of_sagemaker("Endpoint") if ANYTHING not in name else ():
        is_named = reference is not None and reference["logical_id"] == endpoint.logical_id
        if is_named or name == text_of(endpoint.get("EndpointName")):
            return endpoint
    return None


def watched_metrics(component: Resource, resources: Resources) -> frozenset[str]:
    """Return the metrics of a component that an alarm uses, directly or in a metric expression."""
    return frozenset(metric.name for metric in _watched(resources) if metric.is_of(component))


def silent_metrics(component: Resource, resources: Resources) -> frozenset[str]:
    """Return the metrics of a component whose alarm certainly has no effect.

    Such an alarm has no action, or its actions are disabled, and no other resource (such as a rolling update or a
    composite alarm) refers to it. An alarm with a fixed name counts as used, because its name may be used elsewhere.
    """
    return frozenset(metric.name for metric in _watched(resources) if metric.is_silent and metric.is_of(component))


@dataclass(frozen=True)
class _WatchedMetric:
    """A metric of an alarm."""

    name: str
    components: list[Value]
    """Names of the components in the dimensions of the metric."""
    is_silent: bool
    """True if the alarm certainly has no effect."""

    def is_of(self, component: Resource) -> bool:
        return any(is_name_of(value, component) for value in self.components)


def _watched(resources: Resources) -> list[_WatchedMetric]:
    """Return the metrics of all alarms."""

    def read() -> list[_WatchedMetric]:
        alarms = resources.of_type(ResourceType.ALARM)
        quiet = {alarm.logical_id for alarm in alarms if alarm.get("AlarmName") is None and not _acts(alarm)}
        silent = quiet - _referenced(resources) if quiet else quiet
        return [
            _WatchedMetric(
                text_of(at(metric, "MetricName")), _components_in(at(metric, "Dimensions")), alarm.logical_id in silent
            )
            for alarm in alarms
            for metric in declared_metrics(alarm.properties)
        ]

    return resources.derived("watched metrics", read)


def _referenced(resources: Resources) -> frozenset[str]:
    """Return the logical ids that the properties of any resource refer to."""
    opened = [
        value
        for logical_id in resources
        if (resource := resources.get(logical_id)) is not None
        for value in open_values(resource.properties)
    ]
    return frozenset(
        reference.logical_id
        for value in opened
        for reference in ([value] if isinstance(value, Reference) else value.references)
    )


def _acts(alarm: Resource) -> bool:
    return _is_enabled(alarm) and any(alarm.get(actions) not in (None, []) for actions in ACTIONS)


def _is_enabled(alarm: Resource) -> bool:
    """Return False if the actions of an alarm are certainly disabled, else True."""
    enabled = alarm.get("ActionsEnabled")
    return not (enabled is False or (isinstance(enabled, str) and enabled.lower() == "false"))


def is_name_of(value: Value, component: Resource) -> bool:
    """True if a value is the name of a component: a reference to the component, or the text of its name."""
    if isinstance(value, Reference):
        return value.logical_id == component.logical_id
    return _is_name_text(text_of(value), component)


def _is_for_a_component(target: Resource, resources: Resources) -> bool:
    resource_id = target.get("ResourceId")
    scaled = resources.get(resource_id.logical_id) if isinstance(resource_id, Reference) else None
    return (
        (scaled is not None and scaled.type.startswith(ResourceType.SAGEMAKER))
        or text_of(target.get("ScalableDimension")) == CopyTarget.DIMENSION
        or _COMPONENT_ID.fullmatch(text_of(resource_id)) is not None
    )


def _target(target: Resource, resources: Resources, components: list[Resource]) -> ScalingTarget:
    resource_id = target.get("ResourceId")
    component = next((entry for entry in components if _is_scaled_by(resource_id, entry)), None)
    actions = list_of(target.get("ScheduledActions"))
    return ScalingTarget(
        subject=Subject(kind="scaling target", name=target.logical_id),
        component=Subject(kind="component", name=component.logical_id) if component else None,
        floor=whole_at(target.properties, "MinCapacity"),
        ceiling=whole_at(target.properties, "MaxCapacity"),
        schedules=tuple(
            ScheduledRange(
                name=text_of(at(action, "ScheduledActionName") or "without a name"),
                name_text=text_in(at(action, "ScheduledActionName")),
                floor=whole_at(action, "ScalableTargetAction", "MinCapacity"),
                ceiling=whole_at(action, "ScalableTargetAction", "MaxCapacity"),
                is_missing=at(action, "ScalableTargetAction") is None,
                schedule=text_in(at(action, "Schedule")),
                timezone=text_in(at(action, "Timezone")),
                start=text_in(at(action, "StartTime")),
                end=text_in(at(action, "EndTime")),
            )
            for action in actions
        ),
        wakes=component is not None and _wakes(resources, target, component),
        tracked_requests=_tracked_requests(resources, target, component) if component else None,
        exists=target.condition,
        resource_id=text_in(resource_id),
        dimension=text_in(target.get("ScalableDimension")),
        namespace=text_in(target.get("ServiceNamespace")),
    )


def _wakes(resources: Resources, target: Resource, component: Resource) -> bool:
    """True if a failed request scales a component from 0 copies to 1: by a step scaling policy that an alarm starts.

    Target tracking cannot do that, because it multiplies the current number of copies.
    """
    steps = {
        policy.logical_id
        for policy in resources.of_type(ResourceType.SCALING_POLICY)
        if text_of(policy.get("PolicyType")) == "StepScaling"
        and _is_policy_of(policy, target, component)
        and _adds_to_zero(policy.get("StepScalingPolicyConfiguration"))
    }
    return any(
        isinstance(action, Unknown) or (isinstance(action, Reference) and action.logical_id in steps)
        for alarm in (resources.of_type(ResourceType.ALARM) if steps else ())
        if _is_enabled(alarm) and _sees_refused_requests(alarm, component)
        for action in list_of(alarm.get("AlarmActions"))
    )


def _sees_refused_requests(alarm: Resource, component: Resource) -> bool:
    """Return whether an alarm watches the requests that SageMaker refuses because the component has no copy."""
    for metric in declared_metrics(alarm.properties):
        namespace = at(metric, "Namespace")
        is_of_service = isinstance(namespace, Unknown) or text_of(namespace) == MetricNamespace.SERVICE
        is_of_requests = text_of(at(metric, "MetricName")) == MetricName.NO_CAPACITY
        if is_of_requests and is_of_service and _is_dimension_of(at(metric, "Dimensions"), component):
            return True
    return False


def _adds_to_zero(steps: Value) -> bool:
    """Return whether a step scaling policy may add a copy while no copy runs.

    A percentage of zero copies is zero, unless the policy sets a minimum change.
    """
    is_share = text_of(at(steps, "AdjustmentType")) == "PercentChangeInCapacity"
    if is_share and at(steps, "MinAdjustmentMagnitude") is None:
        return False
    listed = at(steps, "StepAdjustments")
    changes = [number_of(at(step, "ScalingAdjustment")) for step in list_of(listed)]
    return isinstance(listed, Unknown) or any(isinstance(change, Unknown) or (change or 0) > 0 for change in changes)


def _tracked_requests(resources: Resources, target: Resource, component: Resource) -> Number:
    """Return the target of the first policy that tracks concurrent requests per copy; None without such a policy."""
    for policy in resources.of_type(ResourceType.SCALING_POLICY):
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
        if _is_policy_of(policy, target, component) and _tracks_requests(tracking, component):
            return number_of(at(tracking, "TargetValue"))
    return None


def _tracks_requests(tracking: Value, component: Resource) -> bool:
    """True if a policy tracks concurrent requests per copy, as the predefined metric or as a customized metric."""
    predefined = text_of(at(tracking, "PredefinedMetricSpecification", "PredefinedMetricType"))
    if predefined == CopyTarget.CONCURRENT_REQUESTS:
        return True
    metric = at(tracking, "CustomizedMetricSpecification")
    name = text_of(at(metric, "Namespace")), text_of(at(metric, "MetricName"))
    is_of_requests = name == (MetricNamespace.SERVICE, MetricName.CONCURRENT_REQUESTS_PER_COPY)
    is_of_a_copy = text_of(at(metric, "Statistic")) in ("Average", "Maximum")
    return is_of_requests and is_of_a_copy and _is_dimension_of(at(metric, "Dimensions"), component)


def _is_scaled_by(resource_id: Value, component: Resource) -> bool:
    if isinstance(resource_id, Reference):
        return resource_id.logical_id == component.logical_id  # `inference-component/NAME`, split out of the ARN
    match = _COMPONENT_ID.fullmatch(text_of(resource_id))
    return match is not None and _is_name_text(match["name"], component)


def _is_policy_of(policy: Resource, target: Resource, component: Resource) -> bool:
    given = policy.get("ScalingTargetId")
    if isinstance(given, Reference):
        return given.logical_id == target.logical_id
    resource_id, *_ = target_key(policy)
    return _is_scaled_by(policy.get("ResourceId") if given is None else resource_id, component)


def _is_dimension_of(dimensions: Value, component: Resource) -> bool:
    return any(is_name_of(value, component) for value in _components_in(dimensions))


def _components_in(dimensions: Value) -> list[Value]:
    """Return the values of the dimension `InferenceComponentName`."""
    return [
        at(dimension, "Value")
        for dimension in (dimensions if isinstance(dimensions, list) else ())
        if text_of(at(dimension, "Name")) == Dimension.COMPONENT
    ]


def _is_name_text(name: str, component: Resource) -> bool:
    reference = _REFERENCE.fullmatch(name)
    if reference and reference["logical_id"] == component.logical_id:
        return True
    return ANYTHING not in name and name == text_of(component.get("InferenceComponentName"))
