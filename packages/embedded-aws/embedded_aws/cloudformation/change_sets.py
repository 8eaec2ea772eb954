"""CloudFormation's operations on change sets, with early validation."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from embedded_aws.cloudformation import answers, imports
from embedded_aws.cloudformation.changes import Comparison
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.requests import desired_of, plain
from embedded_aws.cloudformation.schemas import schema_of
from embedded_aws.cloudformation.stack_operations import StackOperations
from embedded_aws.cloudformation.state import ChangeSet, Stack, new_id
from embedded_aws.evidence import ASSUMED, LIMIT, documented
from embedded_aws.service import Answer, Parameters, ServiceError
from replicas.template.updates import differing
from replicas.template.validation import problems

_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_EARLY_ERROR = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)
_ECHOED_OPTIONS = (
    "Description",
    "IncludeNestedStacks",
    "OnStackFailure",
    "ImportExistingResources",
    "DeploymentConfig",
)


class ChangeSets(StackOperations):
    """CloudFormation's operations on change sets, and DescribeEvents."""

    def create_change_set(self, params: Parameters) -> Answer:
        """Create a change set, and compare it with the stack before returning. A faulty template is refused."""
        kind, name = str(params.get("ChangeSetType") or "UPDATE"), str(params["ChangeSetName"])
        imports.check_type(kind, params)
        if params.get("DeploymentMode"):
            raise invalid("The embedded AWS does not detect drift, so it cannot revert it.", LIMIT)
        if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint: Member "
                "must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
                documented("CloudFormation API: CreateStack, StackName; CreateChangeSet, ChangeSetName"),
            )
        stack, is_new = self._stack_for(str(params["StackName"]), kind)
        if any(
            other.stack_id == stack.id and other.name == name and other.execution != "EXECUTE_COMPLETE"
            for other in self._change_sets.values()
        ):
            raise ServiceError(
                "AlreadyExistsException",
                f"ChangeSet {name} cannot be created due to a mismatch with existing attribute Name",
                ASSUMED,
            )
        desired = desired_of(self, params, stack)
        change_set = ChangeSet(
            name,
            self.surroundings.arn("cloudformation", f"changeSet/{name}/{new_id()}"),
            stack.id,
            kind,
            desired,
            datetime.now(UTC),
            details=plain(params, *_ECHOED_OPTIONS),
        )
        if kind == "IMPORT":
            change_set.imports = imports.check_entries(params, desired, self.surroundings.region)
        self._compare(change_set, stack, params)
        self._change_sets[change_set.id] = change_set
        if is_new:
            self._stacks[stack.id] = stack
            self.begin(stack, "CREATE_CHANGESET", "REVIEW_IN_PROGRESS", params.get("ClientToken"))
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(self, params: Parameters) -> Answer:
        """Return a change set with one page of its changes."""
        change_set = self._change_set(params)
        owner = self._stacks[change_set.stack_id]
        values = bool(params.get("IncludePropertyValues", False))
        return answers.change_set(change_set, owner, values=values, token=params.get("NextToken"))

    def list_change_sets(self, params: Parameters) -> Answer:
        """Return the stack's change sets that were not executed."""
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        mine = [
            change_set
            for change_set in self._change_sets.values()
            if change_set.stack_id == stack.id and change_set.execution != "EXECUTE_COMPLETE"
        ]
        shown, following = answers.page(mine, params.get("NextToken"))
        return {"Summaries": [answers.change_set_summary(change_set, stack) for change_set in shown], **following}

    def delete_change_set(self, params: Parameters) -> Answer:
        """Delete a change set; do nothing if it does not exist."""
        try:
            change_set = self._change_set(params)
        except ServiceError as error:
            if error.code == "ChangeSetNotFound":
                return {}
            raise
        if change_set.execution == "EXECUTE_IN_PROGRESS":
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] is being executed",
                documented("CloudFormation API: errors of the change set operations"),
            )
        del self._change_sets[change_set.id]
        return {}

    def execute_change_set(self, params: Parameters) -> Answer:
        """Start the deployment or import of a change set.

        The stack's other change sets are deleted, because they were compared with the stack before this update.
        """
        change_set = self._change_set(params)
        stack = self._stacks[change_set.stack_id]
        if change_set.execution != "AVAILABLE":
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]",
                documented("CloudFormation API: errors of the change set operations"),
            )
        disable = bool(params.get("DisableRollback", False))
        if stack.status != "REVIEW_IN_PROGRESS":
            self.check_updatable(stack, disable_rollback=disable)
        stack.on_failure = str(change_set.details.get("OnStackFailure") or ("DO_NOTHING" if disable else "ROLLBACK"))
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        stack.change_set_id, stack.deployment_config = change_set.id, change_set.details.get("DeploymentConfig")
        change_set.execution = "EXECUTE_COMPLETE"
        self._change_sets = {
            key: other
            for key, other in self._change_sets.items()
            if other.stack_id != stack.id or other.execution == "EXECUTE_COMPLETE"
        }
        if change_set.imports:
            self.start_import(stack, change_set.desired, change_set.imports, params)
        else:
            self.start_deployment(stack, change_set.desired, params, disable_rollback=disable)
        return {}

    def describe_events(self, params: Parameters) -> Answer:
        """Return the early validation errors of a change set, or the events of a stack's operations."""
        if params.get("ChangeSetName"):
            events = self._change_set(params).validation_events
        else:
            if not params.get("StackName"):
                raise invalid("One of ChangeSetName, OperationId or StackName must be specified", ASSUMED)
            stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
            operation = params.get("OperationId")
            selected = [event for event in reversed(stack.events) if operation in (None, event["OperationId"])]
            events = [{**event, "EventType": _event_type(event)} for event in selected]
            events = [{key: value for key, value in event.items() if key != "StackName"} for event in events]
        if (params.get("Filters") or {}).get("FailedEvents"):
            events = [event for event in events if event["EventType"] in ("VALIDATION_ERROR", "PROVISIONING_ERROR")]
        shown, following = answers.page(events, params.get("NextToken"))
        return {"OperationEvents": list(shown), **following}

    def _stack_for(self, name: str, kind: str) -> tuple[Stack, bool]:
        stack = self.live_stack(name)
        if kind == "CREATE":
            if stack is None:
                return self.new_stack(name, "REVIEW_IN_PROGRESS"), True
            if stack.status != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [CREATE].",
                    ASSUMED,
                )
            return stack, False
        if kind == "IMPORT" and (stack is None or stack.status == "REVIEW_IN_PROGRESS"):
            return stack or self.new_stack(name, "REVIEW_IN_PROGRESS"), stack is None
        if stack is None or stack.status == "REVIEW_IN_PROGRESS":
            raise invalid(f"Stack [{name}] does not exist", ASSUMED)
        self.check_updatable(stack, disable_rollback=True)
        return stack, False

    def _compare(self, change_set: ChangeSet, stack: Stack, params: Parameters) -> None:
        """Set the changes of a change set. If it cannot be executed, set its status to FAILED, and the reason."""
        desired = change_set.desired
        try:
            comparison = Comparison(stack, desired, self.surroundings.region, self.imported)
        except ServiceError as error:
            change_set.fail(error.message)
            return
        if change_set.imports:
            imports.check_only_imports(change_set.imports, stack, desired, comparison, params)
            try:
                imports.check_existence(change_set.imports, desired, self.surroundings.client, self.holder_of)
            except ServiceError as error:
                change_set.fail(error.message)
                return
        change_set.changes = (
            imports.changes_of(change_set.imports, desired) if change_set.imports else comparison.changes
        )
        if not params.get("DisableValidation"):
            change_set.validation_events = self._early_validation(change_set, stack, comparison)
        same_options = (
            desired.tags == stack.desired.tags and desired.template.description == stack.desired.template.description
        )
        paused = stack.status in ("CREATE_FAILED", "UPDATE_FAILED")
        if change_set.validation_events:
            change_set.fail(_EARLY_ERROR)
        elif not (comparison.changes or comparison.outputs_differ() or not same_options or paused):
            change_set.fail(_NO_CHANGES)

    def _early_validation(self, change_set: ChangeSet, stack: Stack, comparison: Comparison) -> list[dict[str, Any]]:
        events = []
        now = datetime.now(UTC)
        for logical_id, properties in comparison.properties.items():
            kind = str(change_set.desired.template.resources[logical_id]["Type"])
            deployed = stack.resources.get(logical_id)
            if deployed is not None and not differing(deployed.properties, properties):
                continue
            for problem in problems(properties, schema_of(kind, self.surroundings.region).content):
                path = "".join(f"/{part}" for part in problem.path)
                events.append(
                    {
                        "EventId": new_id(),
                        "StackId": stack.id,
                        "OperationId": change_set.id.rsplit("/", 1)[-1],
                        "OperationType": "CREATE_CHANGESET",
                        "EventType": "VALIDATION_ERROR",
                        "LogicalResourceId": logical_id,
                        "PhysicalResourceId": deployed.physical_id if deployed else "",
                        "ResourceType": kind,
                        "Timestamp": now,
                        "ValidationFailureMode": "FAIL",
                        "ValidationName": "PROPERTY_VALIDATION",
                        "ValidationStatus": "FAILED",
                        "ValidationStatusReason": str(problem),
                        "ValidationPath": f"/Resources/{logical_id}/Properties{path}",
                    }
                )
        return events

    def _change_set(self, params: Parameters) -> ChangeSet:
        """Return the change set that a request names; an executed one is found by its ARN only."""
        name = str(params["ChangeSetName"])
        if name in self._change_sets:
            return self._change_sets[name]
        if name.startswith("arn:"):
            raise ServiceError(
                "ChangeSetNotFound",
                f"ChangeSet [{name}] does not exist",
                documented("CloudFormation API: errors of the change set operations"),
                status=404,
            )
        if not params.get("StackName"):
            raise invalid(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
                documented("CloudFormation API: DescribeChangeSet, StackName"),
            )
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        for change_set in self._change_sets.values():
            if (
                change_set.stack_id == stack.id
                and change_set.name == name
                and change_set.execution != "EXECUTE_COMPLETE"
            ):
                return change_set
        raise ServiceError(
            "ChangeSetNotFound",
            f"ChangeSet [{name}] does not exist",
            documented("CloudFormation API: errors of the change set operations"),
            status=404,
        )


def _event_type(event: dict[str, Any]) -> str:
    return "PROVISIONING_ERROR" if str(event["ResourceStatus"]).endswith("_FAILED") else "STACK_EVENT"
