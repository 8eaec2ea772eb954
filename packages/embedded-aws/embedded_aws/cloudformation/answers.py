"""Conversion of stacks, resources and change sets to responses of CloudFormation's API."""

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
    """Return one page of a list, and the NextToken entry for the response (empty on the last page)."""
    try:
        start = int(token or 0)
    except ValueError:
        raise invalid(f"Invalid NextToken {token}", ASSUMED) from None
    following = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return items[start : start + size], following


def present(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a response without the keys whose value is None."""
    return {key: value for key, value in answer.items() if value is not None}


def tags(values: dict[str, str]) -> list[dict[str, str]]:
    """Return the tags in the API's form: a list of Key and Value pairs."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


def stack(record: Stack) -> dict[str, Any]:
    """Return a stack as DescribeStacks returns it."""
    options = record.desired.options
    return present(
        {
            "StackId": record.id,
            "StackName": record.name,
            "ChangeSetId": record.change_set_id,
            "Description": record.desired.template.description,
            "Parameters": [parameters.shown(parameter) for parameter in record.desired.parameters.values()],
            "CreationTime": record.created,
            "DeletionTime": record.deleted,
            "LastUpdatedTime": record.updated,
            "RollbackConfiguration": options.get("RollbackConfiguration") or {},
            "StackStatus": record.status,
            "StackStatusReason": record.reason,
            "DisableRollback": record.disable_rollback,
            "DeploymentConfig": record.deployment_config,
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
                for output in record.outputs
            ],
            "RoleARN": options.get("RoleARN"),
            "Tags": tags(record.desired.tags),
            "EnableTerminationProtection": record.termination_protection,
            "DriftInformation": _NOT_CHECKED,
            "RetainExceptOnCreate": record.retain_except_on_create or None,
            "DeletionMode": record.deletion_mode,
            "LastOperations": _last_operations(record),
        }
    )


def _last_operations(record: Stack) -> list[dict[str, str]]:
    return [{"OperationType": record.operation_type, "OperationId": record.operation_id}] if record.operation_id else []


def summary(record: Stack) -> dict[str, Any]:
    """Return a stack as ListStacks returns it."""
    return present(
        {
            "StackId": record.id,
            "StackName": record.name,
            "TemplateDescription": record.desired.template.description,
            "CreationTime": record.created,
            "LastUpdatedTime": record.updated,
            "DeletionTime": record.deleted,
            "StackStatus": record.status,
            "StackStatusReason": record.reason,
            "DriftInformation": _NOT_CHECKED,
        }
    )


def resource(owner: Stack, record: Resource, time_key: str, *, stack_named: bool = True) -> dict[str, Any]:
    """Return a resource as the describe and list operations return it.

    `time_key` is the response's key for the time of the resource's last change.
    """
    answer = {
        "StackName": owner.name if stack_named else None,
        "StackId": owner.id if stack_named else None,
        "LogicalResourceId": record.logical_id,
        "PhysicalResourceId": record.physical_id or None,
        "ResourceType": record.type,
        time_key: record.updated or owner.created,
        "ResourceStatus": record.status,
        "ResourceStatusReason": record.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    return present(answer)


def resource_detail(owner: Stack, record: Resource) -> dict[str, Any]:
    """Return a resource as DescribeStackResource returns it."""
    metadata = None if record.metadata is None else json.dumps(record.metadata)
    more = {"Description": record.description, "Metadata": metadata}
    return present({**resource(owner, record, "LastUpdatedTimestamp"), **more})


def change_set(record: ChangeSet, owner: Stack, *, values: bool, token: str | None) -> dict[str, Any]:
    """Return a change set as DescribeChangeSet returns it, with one page of its changes."""
    changes, following = page(record.changes, token)
    options = record.desired.options
    return present(
        {
            "ChangeSetName": record.name,
            "ChangeSetId": record.id,
            "StackId": record.stack_id,
            "StackName": owner.name,
            "Parameters": [parameters.shown(parameter) for parameter in record.desired.parameters.values()],
            "CreationTime": record.created,
            "ExecutionStatus": record.execution,
            "Status": record.status,
            "StatusReason": record.reason,
            "NotificationARNs": options.get("NotificationARNs") or [],
            "RollbackConfiguration": options.get("RollbackConfiguration") or {},
            "Capabilities": options.get("Capabilities") or [],
            "Tags": tags(record.desired.tags),
            "Changes": list(changes) if values else [without_values(change) for change in changes],
            **record.details,
            **following,
        }
    )


def change_set_summary(record: ChangeSet, owner: Stack) -> dict[str, Any]:
    """Return a change set as ListChangeSets returns it."""
    keys = ("Description", "IncludeNestedStacks", "ImportExistingResources")
    return present(
        {
            "StackId": record.stack_id,
            "StackName": owner.name,
            "ChangeSetId": record.id,
            "ChangeSetName": record.name,
            "ExecutionStatus": record.execution,
            "Status": record.status,
            "StatusReason": record.reason,
            "CreationTime": record.created,
            **{key: record.details.get(key) for key in keys},
        }
    )
