"""State as CloudFormation's API answers it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from embedded_aws.cloudformation import parameters
from embedded_aws.cloudformation.changes import without_values
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.state import ChangeSet, Resource, Stack
from embedded_aws.evidence import ASSUMED

_NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}
Item = TypeVar("Item")


def page(items: Sequence[Item], token: str | None, size: int = 100) -> tuple[Sequence[Item], dict[str, str]]:
    """A page of a list, and what to put beside it where more follows."""
    try:
        start = int(token or 0)
    except ValueError:
        raise invalid(f"Invalid NextToken {token}", ASSUMED) from None
    following = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return items[start : start + size], following


def present(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what is not there."""
    return {key: value for key, value in answer.items() if value is not None}


def tags(values: dict[str, str]) -> list[dict[str, str]]:
    """Tags as lists of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


def stack(one: Stack) -> dict[str, Any]:
    """A stack, as DescribeStacks tells it."""
    options = one.wanted.options
    return present(
        {
            "StackId": one.id,
            "StackName": one.name,
            "ChangeSetId": one.change_set_id,
            "Description": one.wanted.template.description,
            "Parameters": [parameters.shown(parameter) for parameter in one.wanted.parameters.values()],
            "CreationTime": one.created,
            "DeletionTime": one.deleted,
            "LastUpdatedTime": one.updated,
            "RollbackConfiguration": options.get("RollbackConfiguration") or {},
            "StackStatus": one.status,
            "StackStatusReason": one.reason,
            "DisableRollback": one.disable_rollback,
            "DeploymentConfig": one.deployment_config,
            "NotificationARNs": options.get("NotificationARNs") or [],
            "Capabilities": options.get("Capabilities") or [],
            "Outputs": [
                present(
                    {
                        "OutputKey": output.key,
                        "OutputValue": output.value,
                        "Description": output.description,
                        "ExportName": output.export,
                    }
                )
                for output in one.outputs
            ],
            "RoleARN": options.get("RoleARN"),
            "Tags": tags(one.wanted.tags),
            "EnableTerminationProtection": one.termination_protection,
            "DriftInformation": _NOT_CHECKED,
            "RetainExceptOnCreate": one.retain_except_on_create or None,
            "DeletionMode": one.deletion_mode,
            "LastOperations": _last_operations(one),
        }
    )


def _last_operations(one: Stack) -> list[dict[str, str]]:
    return [{"OperationType": one.operation_type, "OperationId": one.operation_id}] if one.operation_id else []


def summary(one: Stack) -> dict[str, Any]:
    """A stack, as ListStacks tells it."""
    return present(
        {
            "StackId": one.id,
            "StackName": one.name,
            "TemplateDescription": one.wanted.template.description,
            "CreationTime": one.created,
            "LastUpdatedTime": one.updated,
            "DeletionTime": one.deleted,
            "StackStatus": one.status,
            "StackStatusReason": one.reason,
            "DriftInformation": _NOT_CHECKED,
        }
    )


def resource(owner: Stack, one: Resource, time_key: str, *, stack_named: bool = True) -> dict[str, Any]:
    """A resource; operations name the time of its last change differently."""
    answer = {
        "StackName": owner.name if stack_named else None,
        "StackId": owner.id if stack_named else None,
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id or None,
        "ResourceType": one.type,
        time_key: one.updated or owner.created,
        "ResourceStatus": one.status,
        "ResourceStatusReason": one.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    return present(answer)


def resource_detail(owner: Stack, one: Resource) -> dict[str, Any]:
    """A resource, as DescribeStackResource tells it."""
    metadata = None if one.metadata is None else json.dumps(one.metadata)
    more = {"Description": one.description, "Metadata": metadata}
    return present({**resource(owner, one, "LastUpdatedTimestamp"), **more})


def change_set(one: ChangeSet, owner: Stack, *, values: bool, token: str | None) -> dict[str, Any]:
    """A change set, with a page of its changes."""
    changes, following = page(one.changes, token)
    options = one.wanted.options
    return present(
        {
            "ChangeSetName": one.name,
            "ChangeSetId": one.id,
            "StackId": one.stack_id,
            "StackName": owner.name,
            "Parameters": [parameters.shown(parameter) for parameter in one.wanted.parameters.values()],
            "CreationTime": one.created,
            "ExecutionStatus": one.execution,
            "Status": one.status,
            "StatusReason": one.reason,
            "NotificationARNs": options.get("NotificationARNs") or [],
            "RollbackConfiguration": options.get("RollbackConfiguration") or {},
            "Capabilities": options.get("Capabilities") or [],
            "Tags": tags(one.wanted.tags),
            "Changes": list(changes) if values else [without_values(change) for change in changes],
            **one.details,
            **following,
        }
    )


def change_set_summary(one: ChangeSet, owner: Stack) -> dict[str, Any]:
    """A change set, as ListChangeSets tells it."""
    kept = ("Description", "IncludeNestedStacks", "ImportExistingResources")
    return present(
        {
            "StackId": one.stack_id,
            "StackName": owner.name,
            "ChangeSetId": one.id,
            "ChangeSetName": one.name,
            "ExecutionStatus": one.execution,
            "Status": one.status,
            "StatusReason": one.reason,
            "CreationTime": one.created,
            **{key: one.details.get(key) for key in kept},
        }
    )
