"""Scaling policies that a template declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from replicas.endpoint.identity import Subject
from replicas.endpoint.policies import ScalingPolicy, Step, StepScaling, Tracking
from replicas.endpoint.topology import Unread
from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, at, list_of, number_of, text_of
from replicas.names import CopyTarget, ResourceType
from replicas.template.resources import Resource, Resources, text_in

_CONFIGURATIONS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScaling": "PredictiveScalingPolicyConfiguration",
}

_NOT_NEGATIVE = ("Cooldown", "ScaleInCooldown", "ScaleOutCooldown", "MinAdjustmentMagnitude")


def policies_of(resources: Resources) -> tuple[ScalingPolicy, ...]:
    """Return all scaling policies of a template."""
    return tuple(_policy(policy, resources) for policy in resources.of_type(ResourceType.SCALING_POLICY))


def open_policies(resources: Resources) -> Iterator[Unread]:
    """Yield the scaling policies that may belong to SageMaker and whose scalable target the template does not show,
    whose numbers no document judges, or which replace each other. Also yield scalable targets that replace each other.
    """
    yield from _replaced(resources)
    registered = {target_key(target) for target in resources.of_type(ResourceType.SCALABLE_TARGET)}
    for policy in resources.of_type(ResourceType.SCALING_POLICY):
        if target_key(policy)[-1] in (CopyTarget.NAMESPACE, "", ANYTHING):
            yield from _open_numbers(policy)
        given, key = policy.get("ScalingTargetId"), target_key(policy)
        if isinstance(given, Reference) or key in registered or key[-1] not in (CopyTarget.NAMESPACE, "", ANYTHING):
            continue
        why = f"the template does not create the scalable target {key[0]}" if key[0] else "it names no scalable target"
        unknown = given if isinstance(given, Unknown) else Unknown(why)
        subject = Subject(kind="resource", name=policy.logical_id)
        yield Unread(subject=subject, question="what it scales", why=unknown.why, parameters=unknown.parameters)


def _replaced(resources: Resources) -> Iterator[Unread]:
    """Yield scalable targets of one resource and dimension, and policies of one name on one target, except the first.

    Application Auto Scaling updates what is already registered (API reference of RegisterScalableTarget and
    PutScalingPolicy). No source says what CloudFormation does with two such resources.
    """
    seen = set()
    for resource in (
        *resources.of_type(ResourceType.SCALABLE_TARGET),
        *resources.of_type(ResourceType.SCALING_POLICY),
    ):
        target = resource.get("ScalingTargetId")
        key = (target.logical_id,) if isinstance(target, Reference) else target_key(resource)
        name = text_of(resource.get("PolicyName") or "")
        is_known = isinstance(target, Reference) or key[-1] == CopyTarget.NAMESPACE
        is_named = bool(name) or resource.type == ResourceType.SCALABLE_TARGET
        if is_known and is_named and ANYTHING not in "".join((*key, name)) and (resource.type, key, name) in seen:
            yield Unread(
                subject=Subject(kind="resource", name=resource.logical_id),
                question=f"which of two resources applies to {'|'.join(key)}",
                why="Application Auto Scaling keeps one of them, which the other one changes: remove one",
            )
        seen.add((resource.type, key, name))


def _open_numbers(policy: Resource) -> Iterator[Unread]:
    """Yield the durations and the minimum change of a policy that are negative: AWS documents no range for them."""
    for configuration in _CONFIGURATIONS.values():
        for name in _NOT_NEGATIVE:
            number = number_of(at(policy.get(configuration), name))
            if isinstance(number, Fraction) and number < 0:
                yield Unread(
                    subject=Subject(kind="resource", name=policy.logical_id),
                    question=f"whether Application Auto Scaling accepts {name}={float(number):g}",
                    why="its API reference states no range, and no published message refuses it: set 0 or more",
                )


def target_key(scaling: Resource) -> tuple[str, str, str]:
    """Return resource id, dimension and namespace of a scalable target, or of the target that a policy names.

    A policy names its target by these properties, or by the id that `Ref` of the target returns.
    """
    target_id = scaling.get("ScalingTargetId")
    if target_id is not None:
        first, dimension, namespace = [*text_of(target_id).split("|", 2), "", ""][:3]
        return first, dimension, namespace
    names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    resource_id, dimension, namespace = (text_of(scaling.get(name) or "") for name in names)
    return resource_id, dimension, namespace


def _policy(policy: Resource, resources: Resources) -> ScalingPolicy:
    given = {kind: policy.get(name) for kind, name in _CONFIGURATIONS.items()}
    return ScalingPolicy(
        subject=Subject(kind="resource", name=policy.logical_id),
        kind=text_in(policy.get("PolicyType")),
        scales_copies=_scales_copies(policy, resources),
        configurations=frozenset(kind for kind, value in given.items() if value is not None),
        step=_step(given["StepScaling"]),
        tracking=_tracking(given["TargetTrackingScaling"]),
    )


def _scales_copies(policy: Resource, resources: Resources) -> bool:
    target = policy.get("ScalingTargetId")
    owner = resources.get(target.logical_id) if isinstance(target, Reference) else None
    _, dimension, _ = target_key(owner or policy)
    return dimension == CopyTarget.DIMENSION


def _step(given: Value) -> StepScaling | Unknown | None:
    if given is None or isinstance(given, Unknown):
        return given
    steps = at(given, "StepAdjustments")
    return StepScaling(
        adjustment_type=text_in(at(given, "AdjustmentType")),
        steps=steps if isinstance(steps, Unknown) else tuple(map(_adjustment, list_of(steps))),
        has_least_magnitude=at(given, "MinAdjustmentMagnitude") is not None,
    )


def _adjustment(step: Value) -> Step:
    return Step(
        lower=number_of(at(step, "MetricIntervalLowerBound")),
        upper=number_of(at(step, "MetricIntervalUpperBound")),
        change=number_of(at(step, "ScalingAdjustment")),
    )


def _tracking(given: Value) -> Tracking | Unknown | None:
    if given is None or isinstance(given, Unknown):
        return given
    customized = at(given, "CustomizedMetricSpecification")
    names = customized if isinstance(customized, Mapping) else {}
    return Tracking(
        target_value=number_of(at(given, "TargetValue")),
        predefined=text_in(at(given, "PredefinedMetricSpecification", "PredefinedMetricType")),
        has_label=at(given, "PredefinedMetricSpecification", "ResourceLabel") is not None,
        has_customized=customized is not None,
        is_metric_and_math="MetricName" in names and "Metrics" in names,
    )
