"""Handlers for Application Auto Scaling: scalable targets and scaling policies."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import Handler, HandlerError, Made, Properties, Work, only, quietly
from embedded_aws.evidence import ASSUMED
from replicas.names import ResourceType

_IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_ABSENT = ("No scalable target found", "No scaling policy found")


class ScalableTarget(Handler):
    """A scalable target. `Ref` returns resource id, scalable dimension and service namespace, joined by `|`."""

    type = ResourceType.SCALABLE_TARGET
    attributes = ("Id",)
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {*_IDENTITY, "MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState", "ScheduledActions", "Tags"}
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client = work.client("application-autoscaling")
        client.register_scalable_target(**_target(desired), **_tags(desired))
        physical_id = "|".join(desired[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        work.started(physical_id)
        _schedule(client, {}, desired)
        return Made(physical_id, {"Id": physical_id})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("application-autoscaling")
        client.register_scalable_target(**_target(desired))
        _schedule(client, previous, desired)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        client = work.client("application-autoscaling")
        _schedule(client, properties, only(properties, *_IDENTITY))
        quietly(client.deregister_scalable_target, *_ABSENT, **only(properties, *_IDENTITY))


def _target(properties: Properties) -> dict[str, Any]:
    return only(properties, *_IDENTITY, "MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState")


def _tags(properties: Properties) -> dict[str, Any]:
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    return {"Tags": tags} if tags else {}


def _schedule(client: Any, previous: Properties, desired: Properties) -> None:
    identity = only(desired, *_IDENTITY)
    desired_names = {action["ScheduledActionName"] for action in desired.get("ScheduledActions", [])}
    for action in desired.get("ScheduledActions", []):
        client.put_scheduled_action(**identity, **action)
    for action in previous.get("ScheduledActions", []):
        if action["ScheduledActionName"] not in desired_names:
            quietly(
                client.delete_scheduled_action,
                "No scheduled action found",
                **identity,
                ScheduledActionName=action["ScheduledActionName"],
            )


class ScalingPolicy(Handler):
    """A scaling policy. `Ref` returns the ARN."""

    type = ResourceType.SCALING_POLICY
    attributes = ("Arn",)

    def create(self, work: Work, desired: Properties) -> Made:
        arn = self._put(work, desired)
        work.started(arn)
        return Made(arn, {"Arn": arn})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        self._put(work, desired)
        return Made(physical_id, {"Arn": physical_id})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(
            work.client("application-autoscaling").delete_scaling_policy,
            *_ABSENT,
            PolicyName=properties["PolicyName"],
            **_identity(properties),
        )

    def _put(self, work: Work, desired: Properties) -> str:
        configurations = {name: value for name, value in desired.items() if name.endswith("Configuration")}
        answer = work.client("application-autoscaling").put_scaling_policy(
            PolicyName=desired["PolicyName"], PolicyType=desired["PolicyType"], **_identity(desired), **configurations
        )
        return str(answer["PolicyARN"])


def _identity(policy: Properties) -> dict[str, str]:
    """Return the scalable target of a policy, from ScalingTargetId or from its own three properties."""
    if "ScalingTargetId" in policy:
        try:
            resource, dimension, namespace = str(policy["ScalingTargetId"]).split("|")
        except ValueError:
            raise HandlerError(
                f"{policy['ScalingTargetId']} is not the id of a scalable target", ASSUMED, "InvalidRequest"
            ) from None
        return {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}
    return only(policy, *_IDENTITY)


HANDLERS: tuple[Handler, ...] = (ScalableTarget(), ScalingPolicy())
