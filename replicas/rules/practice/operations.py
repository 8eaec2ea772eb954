"""What an operations team asks for: alarms, a way back, tags, one owner of the number of copies."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.values import number_of
from replicas.names import MetricName
from replicas.rules.practice.findings import broken
from replicas.rules.report import Finding
from replicas.rules.scaling import NO_CAPACITY, alarms_of, targets_of
from replicas.template.endpoints import View

_WATCHED = (MetricName.SERVER_ERRORS, MetricName.MODEL_ERRORS, MetricName.MODEL_LATENCY, NO_CAPACITY)
_TAGGED = ("Model", "EndpointConfig", "Endpoint", "InferenceComponent")


def component_alarms(view: View) -> Iterator[Finding]:
    """A component that hosts a model has alarms on errors, latency and lost capacity."""
    alarms = alarms_of(view)
    for component in view.components:
        if component.is_adapter:
            continue
        missing = [metric for metric in _WATCHED if not any(alarm.watches(metric, component) for alarm in alarms)]
        if missing:
            yield broken(
                "component-without-alarms",
                component.logical_id,
                f"no alarm on {', '.join(missing)}",
                "an AWS::CloudWatch::Alarm on each, with the dimension InferenceComponentName",
            )


def rollback(view: View) -> Iterator[Finding]:
    """A rolling update that goes wrong goes back."""
    for component in view.components:
        resource = component.resource
        rolls = resource.get("DeploymentConfig", "RollingUpdatePolicy") is not None
        if rolls and not resource.get("DeploymentConfig", "AutoRollbackConfiguration", "Alarms"):
            yield broken(
                "roll-without-rollback",
                component.logical_id,
                "RollingUpdatePolicy without AutoRollbackConfiguration",
                "AutoRollbackConfiguration with alarms on 5xx and model errors of the component",
            )


def tags(view: View) -> Iterator[Finding]:
    """Whoever pays can tell what for."""
    for kind in _TAGGED:
        for resource in view.of_type(kind):
            if not resource.get("Tags"):
                yield broken("untagged", resource.logical_id, "no Tags", "Tags; in a CDK app Tags.of(app).add(...)")


def copies_are_the_floor(view: View) -> Iterator[Finding]:
    """CopyCount is what autoscaling would take down to."""
    for target in targets_of(view).values():
        copies = number_of(target.component.resource.get("RuntimeConfig", "CopyCount"))
        floor, ceiling = target.floor, target.ceiling
        if not isinstance(copies, Fraction) or floor is None or ceiling is None:
            continue
        if max(1, floor) < copies <= ceiling:  # outside the range it is `copies-outside-range`
            yield broken(
                "copies-not-the-floor",
                target.component.logical_id,
                f"CopyCount={float(copies):g}, MinCapacity={floor}",
                f"CopyCount={max(1, floor)}",
            )
