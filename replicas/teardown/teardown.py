"""`replicas teardown`: deletes the resources of an inventory in order, and reports the resources that could not be
deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.billing import Bills
from replicas.aws.deployed import IN_REVIEW
from replicas.aws.session import Aws, error_code, error_message, explain
from replicas.aws.target import is_missing
from replicas.aws.waiting import NotYet, Pauses, until_ready
from replicas.names import CopyTarget
from replicas.teardown.inventory import Inventory, Kind, Resource, exists, log_groups

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0
_NEEDS = {
    Kind.COMPONENT: (Kind.ADAPTER,),
    Kind.ENDPOINT: (Kind.ADAPTER, Kind.COMPONENT),
    Kind.CONFIGURATION: (Kind.ENDPOINT,),
    Kind.MODEL: (Kind.COMPONENT,),
    Kind.STACK: (Kind.ADAPTER, Kind.COMPONENT, Kind.ENDPOINT, Kind.CONFIGURATION, Kind.MODEL),
}
"""For each kind of resource, the kinds that must be deleted before it."""
_HOSTING = (Kind.ADAPTER, Kind.COMPONENT, Kind.ENDPOINT)
"""Kinds whose deletion takes a while, and fails while the resource is being updated."""
_ABSENT = ("ObjectNotFoundException", "ResourceNotFoundException", "ResourceNotFound")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Left:
    """A resource that was not deleted, with the reason."""

    resource: Resource
    why: str


@dataclass(frozen=True)
class TornDown:
    """The result of a teardown: resources that were deleted, and resources that were not."""

    deleted: list[Resource]
    left: list[Left]
    """Resources that were not deleted; empty if everything was deleted."""

    def to_document(self, inventory: Inventory, bills: Bills) -> dict[str, Any]:
        """Return the JSON document (`replicas.teardown.document.TeardownDocument`).

        Args:
            inventory: the inventory of the teardown.
            bills: instances still billed after the teardown.

        """
        return {
            **bills.to_document(),
            "schema": "replicas.teardown/1",
            "deleted": [resource.to_document() for resource in self.deleted],
            "left": [{**entry.resource.to_document(), "why_left": entry.why} for entry in self.left],
            "left_alone": list(inventory.left_alone),
        }


def tear_down(
    aws: Aws, inventory: Inventory, *, timeout_seconds: float = 3600, tell: Tell = lambda _: None
) -> TornDown:
    """Delete everything in the inventory. Missing resources are ignored, so a teardown can be repeated.

    Args:
        aws: account and region.
        inventory: the resources to delete.
        timeout_seconds: longest total wait.
        tell: called with each line of progress.

    """
    worker = _Worker(aws, time.monotonic() + timeout_seconds, tell)
    deleted: list[Resource] = []
    left: list[Left] = []
    pending = sorted(inventory.things)
    while pending:
        resource = pending.pop(0)
        blocking = [other.resource for other in left if other.resource.kind in _NEEDS.get(resource.kind, ())]
        if blocking:
            left.append(Left(resource, f"{blocking[0].kind.label} {blocking[0].name} still exists"))
            continue
        try:
            worker.delete(resource)
            deleted.append(resource)
            # A resource that was still being created may have a new log group since the inventory was taken.
            pending = sorted({*pending, *log_groups(aws, resource)})
        except (ClientError, BotoCoreError) as fault:
            left.append(Left(resource, str(explain(fault))))
        except _TooSlow as slow:
            left.append(Left(resource, str(slow)))
    return TornDown(deleted, left)


class _TooSlow(Exception):  # noqa: N818 (a finding)
    """A deletion did not finish in time, or the stack's deletion failed."""


class _Worker:
    def __init__(self, aws: Aws, deadline: float, tell: Tell) -> None:
        self._aws = aws
        self._deadline = deadline
        self._tell = tell

    def delete(self, resource: Resource) -> None:
        """Delete a resource. Wait until an adapter, a component, an endpoint or a stack no longer exists."""
        self._tell(f"deleting {resource.kind.label} {resource.name}")
        try:
            if resource.kind not in _HOSTING or self._when_settled(resource) != "Deleting":
                self._call(resource)
        except ClientError as fault:
            if not _was_absent(fault):
                raise
            return
        if resource.kind is Kind.STACK:
            self._wait_for_stack(resource)
        elif resource.kind in _HOSTING:
            self._wait(f"{resource.kind.label} {resource.name} to be deleted", lambda: not exists(self._aws, resource))

    def _call(self, resource: Resource) -> None:
        autoscaling, sagemaker = self._aws.client("application-autoscaling"), self._aws.client("sagemaker")
        match resource.kind:
            case Kind.SCALING_POLICY:
                autoscaling.delete_scaling_policy(
                    ServiceNamespace=CopyTarget.NAMESPACE,
                    ScalableDimension=CopyTarget.DIMENSION,
                    ResourceId=resource.of or "",
                    PolicyName=resource.name,
                )
            case Kind.SCHEDULED_ACTION:
                autoscaling.delete_scheduled_action(
                    ServiceNamespace=CopyTarget.NAMESPACE,
                    ScalableDimension=CopyTarget.DIMENSION,
                    ResourceId=resource.of or "",
                    ScheduledActionName=resource.name,
                )
            case Kind.SCALABLE_TARGET:
                autoscaling.deregister_scalable_target(
                    ServiceNamespace=CopyTarget.NAMESPACE,
                    ScalableDimension=CopyTarget.DIMENSION,
                    ResourceId=resource.name,
                )
            case Kind.ALARM:
                self._aws.client("cloudwatch").delete_alarms(AlarmNames=[resource.name])
            case Kind.DASHBOARD:
                self._aws.client("cloudwatch").delete_dashboards(DashboardNames=[resource.name])
            case Kind.ADAPTER | Kind.COMPONENT:
                sagemaker.delete_inference_component(InferenceComponentName=resource.name)
            case Kind.ENDPOINT:
                sagemaker.delete_endpoint(EndpointName=resource.name)
            case Kind.CONFIGURATION:
                sagemaker.delete_endpoint_config(EndpointConfigName=resource.name)
            case Kind.MODEL:
                sagemaker.delete_model(ModelName=resource.name)
            case Kind.LOG_GROUP:
                self._aws.client("logs").delete_log_group(logGroupName=resource.name)
            case Kind.STACK:
                self._wait(
                    f"stack {resource.name} to reach a final state", lambda: not self._is_under_way(resource.name)
                )
                self._aws.client("cloudformation").delete_stack(StackName=resource.name)

    def _when_settled(self, resource: Resource) -> str:
        """Wait until a resource is no longer being created or updated, and return its status."""
        client = self._aws.client("sagemaker")

        def status() -> str:
            if resource.kind is Kind.ENDPOINT:
                return str(client.describe_endpoint(EndpointName=resource.name)["EndpointStatus"])
            described = client.describe_inference_component(InferenceComponentName=resource.name)
            return str(described["InferenceComponentStatus"])

        busy = ("Creating", "Updating", "SystemUpdating", "RollingBack")
        if status() in busy:
            self._wait(f"{resource.kind.label} {resource.name}, which is {status()}", lambda: status() not in busy)
        return status()

    def _is_under_way(self, stack: str) -> bool:
        stacks = self._aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        status = str(stacks[0]["StackStatus"])
        return status.endswith("_IN_PROGRESS") and status != IN_REVIEW

    def _wait_for_stack(self, resource: Resource) -> None:
        cloudformation = self._aws.client("cloudformation")
        state = ""

        def ended() -> bool:
            nonlocal state
            try:
                state = cloudformation.describe_stacks(StackName=resource.name)["Stacks"][0]["StackStatus"]
            except ClientError as fault:
                if "does not exist" in error_message(fault):
                    state = "DELETE_COMPLETE"
                    return True
                raise
            return not state.endswith("_IN_PROGRESS")

        self._wait(f"stack {resource.name} to be deleted", ended)
        if state != "DELETE_COMPLETE":
            raise _TooSlow(
                f"it is {state}: `replicas status {resource.name}` shows why; "
                f"`aws cloudformation delete-stack --stack-name {resource.name} --deletion-mode FORCE_DELETE_STACK` "
                "leaves the resources that it cannot delete"
            )

    def _wait(self, what: str, is_over: Callable[[], bool]) -> None:
        last_report = time.monotonic()

        def check() -> None:
            if not is_over():
                raise NotYet(what)

        def report(_: NotYet, __: float) -> None:
            nonlocal last_report
            if time.monotonic() - last_report > _LONGEST_PAUSE_SECONDS:
                self._tell(f"  still waiting for {what}, {self._deadline - time.monotonic():.0f} s left")
                last_report = time.monotonic()

        try:
            until_ready(
                check,
                seconds=max(0.0, self._deadline - time.monotonic()),
                pauses=Pauses(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, jitter=_FIRST_PAUSE_SECONDS),
                waiting=report,
            )
        except NotYet:
            raise _TooSlow(
                f"timed out while waiting for {what}: raise --timeout, or run the command again later"
            ) from None


def _was_absent(fault: ClientError) -> bool:
    words = error_message(fault)
    return is_missing(fault) or error_code(fault) in _ABSENT or "does not exist" in words
