"""CloudFormation's saved state: stacks with their resources and events, and change sets."""

from __future__ import annotations

import copy
import secrets
import string
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from embedded_aws.cloudformation.template import Template
from replicas.template.parameters import Parameter

STACK_TYPE = "AWS::CloudFormation::Stack"
STOPPED = "The embedded AWS was stopped while this operation was in progress"


def new_id() -> str:
    """Return a random UUID, the last component of CloudFormation's ARNs."""
    return str(uuid.uuid4())


def random_letters(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    """Return a random suffix for a generated name."""
    return "".join(secrets.choice(letters) for _ in range(length))


@dataclass
class Resource:
    """A resource of a stack, provisioned or being provisioned."""

    logical_id: str
    type: str
    needs: list[str]
    """Logical ids of the resources on which this resource depends."""
    properties: dict[str, Any] = field(default_factory=dict)
    """Evaluated properties; dynamic references stay as written."""
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    status: str = "CREATE_IN_PROGRESS"
    reason: str | None = None
    updated: datetime | None = None
    metadata: Any = None
    description: str | None = None
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"

    @property
    def live(self) -> bool:
        """Whether the resource exists in the stack: it was neither deleted nor retained by a deletion."""
        return self.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass
class Output:
    """An output of a stack; `export` is its export name, if any."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass
class DesiredState:
    """The desired state of a stack: template, parameters, tags and options."""

    template: Template
    parameters: dict[str, Parameter] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    """Options without effect, which DescribeStacks returns: Capabilities, RoleARN, NotificationARNs,
    RollbackConfiguration."""


@dataclass
class Snapshot:
    """The state of a stack before an operation, for the rollback."""

    desired: DesiredState
    resources: dict[str, Resource]
    outputs: list[Output]


@dataclass
class Stack:
    """A CloudFormation stack."""

    name: str
    id: str
    desired: DesiredState
    created: datetime
    status: str
    reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    superseded: list[Resource] = field(default_factory=list)
    """Physical resources that no longer belong to the stack but are not deleted yet."""
    previous: Snapshot | None = None
    """The state that a rollback restores; None during the first deployment and while no operation runs."""
    imports: set[str] = field(default_factory=set)
    """Names of the exports that the stack imports."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Stack events, oldest first."""
    operation_id: str = ""
    operation_type: str = "CREATE_STACK"
    token: str | None = None
    change_set_id: str | None = None
    termination_protection: bool = False
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    retain_except_on_create: bool = False
    timeout_minutes: int | None = None
    deployment_config: dict[str, Any] | None = None
    deletion_mode: str | None = None

    @property
    def in_progress(self) -> bool:
        """Whether an operation on the stack is in progress."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def snapshot(self) -> Snapshot:
        """Return a copy of the current state, which later changes do not affect."""
        return Snapshot(self.desired, copy.deepcopy(self.resources), list(self.outputs))

    def enter(self, status: str, reason: str | None = None) -> None:
        """Set the status and record the stack event."""
        self.status, self.reason = status, reason
        self.record(self.name, self.id, STACK_TYPE, status, reason)

    def record(
        self,
        logical_id: str,
        physical_id: str,
        resource_type: str,
        status: str,
        reason: str | None = None,
        properties: str | None = None,
    ) -> None:
        """Append an event, at least 1 ms later than the previous one, so that clients can sort by time."""
        now = datetime.now(UTC)
        if self.events:
            now = max(now, self.events[-1]["Timestamp"] + timedelta(milliseconds=1))
        event = {
            "StackId": self.id,
            "EventId": new_id() if resource_type == STACK_TYPE else f"{logical_id}-{status}-{new_id()}",
            "StackName": self.name,
            "OperationId": self.operation_id,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": physical_id,
            "ResourceType": resource_type,
            "Timestamp": now,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "ResourceProperties": properties,
            "ClientRequestToken": self.token,
        }
        self.events.append({key: value for key, value in event.items() if value is not None})


@dataclass
class ChangeSet:
    """A CloudFormation change set."""

    name: str
    id: str
    stack_id: str
    kind: str
    desired: DesiredState
    created: datetime
    changes: list[dict[str, Any]] = field(default_factory=list)
    """Changes in botocore's shape `Change`, with the property values."""
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution: str = "AVAILABLE"
    details: dict[str, Any] = field(default_factory=dict)
    """CreateChangeSet options that DescribeChangeSet returns: Description, IncludeNestedStacks, OnStackFailure, ..."""
    validation_events: list[dict[str, Any]] = field(default_factory=list)
    imports: dict[str, dict[str, str]] = field(default_factory=dict)
    """The identifier of each resource to import, by logical id; empty if the change set is not of type IMPORT."""

    def fail(self, reason: str) -> None:
        """Mark the change set as failed."""
        self.status, self.execution, self.reason = "FAILED", "UNAVAILABLE", reason


_STATUS_AFTER_STOP = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_IN_PROGRESS": "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_IN_PROGRESS": "IMPORT_ROLLBACK_FAILED",
}


def interrupt(stack: Stack) -> None:
    """Mark operations in progress as failed. Resources that clean-up did not delete stay in `superseded`."""
    for resource in stack.resources.values():
        if resource.status.endswith("_IN_PROGRESS"):
            resource.status = resource.status.replace("_IN_PROGRESS", "_FAILED")
            resource.reason = STOPPED
            stack.record(resource.logical_id, resource.physical_id, resource.type, resource.status, STOPPED)
    if stack.in_progress:
        if stack.status.endswith("CLEANUP_IN_PROGRESS"):
            stack.previous = None
        stack.enter(_STATUS_AFTER_STOP[stack.status], STOPPED)
