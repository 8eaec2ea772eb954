"""CloudFormation's operations that create, update, delete and roll back stacks."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from embedded_aws.cloudformation.changes import Comparison
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.operations import empty
from embedded_aws.cloudformation.registry import Registry
from embedded_aws.cloudformation.requests import desired_of
from embedded_aws.cloudformation.state import DesiredState, Stack, new_id
from embedded_aws.evidence import ASSUMED, documented, quoted
from embedded_aws.service import Answer, Parameters, ServiceError

_UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
_PAUSED = ("CREATE_FAILED", "UPDATE_FAILED")
"""Statuses after a failure with rollback disabled: the stack can be updated without rollback, or rolled back."""


class StackOperations(Registry):
    """CloudFormation's operations that create, update, delete and roll back stacks."""

    def create_stack(self, params: Parameters) -> Answer:
        """Create a stack, and start its deployment in the background."""
        stack = self.new_stack(str(params["StackName"]))
        stack.desired = desired_of(self, params, stack)
        stack.termination_protection = bool(params.get("EnableTerminationProtection", False))
        disable = bool(params.get("DisableRollback", False))
        if disable and params.get("OnFailure"):
            raise invalid(
                "You can specify either DisableRollback or OnFailure, but not both.",
                documented("CloudFormation API: CreateStack, OnFailure"),
            )
        stack.on_failure = str(params.get("OnFailure") or ("DO_NOTHING" if disable else "ROLLBACK"))
        stack.deployment_config = params.get("DeploymentConfig")
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        self._stacks[stack.id] = stack
        self.start_deployment(stack, stack.desired, params, disable_rollback=disable)
        return {"StackId": stack.id, "OperationId": stack.operation_id}

    def update_stack(self, params: Parameters) -> Answer:
        """Start the update of a stack in the background. An update without changes is refused."""
        stack = self.live_stack(str(params["StackName"]))
        if stack is None or stack.status == "REVIEW_IN_PROGRESS":
            raise invalid(f"Stack [{params['StackName']}] does not exist", quoted("SWO-GS/auto-tag, issue 98"))
        disable = bool(params.get("DisableRollback", False))
        self.check_updatable(stack, disable_rollback=disable)
        desired = desired_of(self, params, stack)
        if stack.status in _UPDATABLE and not self.differs(stack, desired):
            raise invalid("No updates are to be performed.", quoted("boto/boto3, issue 1609"))
        stack.deployment_config = params.get("DeploymentConfig", stack.deployment_config)
        self.start_deployment(stack, desired, params, disable_rollback=disable)
        return {"StackId": stack.id, "OperationId": stack.operation_id}

    def delete_stack(self, params: Parameters) -> Answer:
        """Start the deletion of a stack in the background; do nothing if the stack does not exist."""
        stack = self.live_stack(str(params["StackName"]))
        if stack is None:
            return {}
        if stack.termination_protection:
            raise invalid(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled",
                quoted("ekristen/aws-nuke, issue 821"),
            )
        if stack.status == "CREATE_IN_PROGRESS" and (creation := self._operations.get(stack.id)):
            # AWS accepts the request at once, and deletes the stack when the resources in progress are finished:
            # quoted in cloudtools/stacker, issue 422.
            creation.delete_requested = True
            self.begin(stack, "DELETE_STACK", "DELETE_IN_PROGRESS", params.get("ClientRequestToken"))
            return {}
        if stack.in_progress:
            if stack.status != "DELETE_IN_PROGRESS":
                raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be deleted.", ASSUMED)
            return {}
        retained = list(params.get("RetainResources") or [])
        if retained and stack.status != "DELETE_FAILED":
            raise invalid(
                f"Invalid operation on stack [{stack.id}]. Specify which resources to retain only when the stack is in "
                "the DELETE_FAILED state.",
                documented("CloudFormation API: DeleteStack, RetainResources"),
            )
        former, force = stack.status, params.get("DeletionMode") == "FORCE_DELETE_STACK"
        stack.deletion_mode = params.get("DeletionMode")
        self._change_sets = {
            key: change_set for key, change_set in self._change_sets.items() if change_set.stack_id != stack.id
        }
        self.begin(stack, "DELETE_STACK", "DELETE_IN_PROGRESS", params.get("ClientRequestToken"))
        if former == "REVIEW_IN_PROGRESS":
            stack.deleted = datetime.now(UTC)
            stack.enter("DELETE_COMPLETE")
            return {}
        self.run(stack, lambda operation: operation.delete(retained, force=force, former_status=former))
        return {}

    def continue_update_rollback(self, params: Parameters) -> Answer:
        """Continue the failed rollback of an update, without the resources to skip."""
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue rolling back.", ASSUMED)
        skip = list(params.get("ResourcesToSkip") or [])
        unknown = [name for name in skip if name not in stack.resources]
        if unknown:
            raise invalid(f"Resources [{', '.join(unknown)}] do not exist in stack {stack.name}", ASSUMED)
        stack.operation_id, stack.operation_type = new_id(), "CONTINUE_ROLLBACK"
        stack.token, stack.disable_rollback = params.get("ClientRequestToken"), False
        stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self.run(stack, lambda operation: operation.roll_back("User Initiated", skip))
        return {}

    def rollback_stack(self, params: Parameters) -> Answer:
        """Roll back a stack that failed with rollback disabled, or whose rollback failed."""
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        if stack.status not in (*_PAUSED, "ROLLBACK_FAILED"):
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.", ASSUMED)
        stack.operation_id, stack.operation_type = new_id(), "ROLLBACK"
        stack.token, stack.disable_rollback = params.get("ClientRequestToken"), False
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        stack.status = "UPDATE_ROLLBACK_IN_PROGRESS" if stack.previous else "ROLLBACK_IN_PROGRESS"
        self.run(stack, lambda operation: operation.roll_back("User Initiated"))
        return {"StackId": stack.id, "OperationId": stack.operation_id}

    def cancel_update_stack(self, params: Parameters) -> Answer:
        """Cancel an update. It stops after the resource that is being provisioned."""
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        if stack.status != "UPDATE_IN_PROGRESS" or stack.id not in self._operations:
            raise invalid(
                "CancelUpdateStack cannot be called from current stack status",
                documented("CloudFormation API: CancelUpdateStack"),
            )
        self._operations[stack.id].cancelled = True
        return {}

    def update_termination_protection(self, params: Parameters) -> Answer:
        """Set whether a stack is protected against deletion."""
        stack = self.live_stack(str(params["StackName"]))
        if stack is None:
            raise invalid(f"Stack [{params['StackName']}] does not exist", quoted("SWO-GS/auto-tag, issue 98"))
        stack.termination_protection = bool(params["EnableTerminationProtection"])
        return {"StackId": stack.id}

    def new_stack(self, name: str, status: str = "CREATE_IN_PROGRESS") -> Stack:
        """Return a new stack that is not yet in the registry. Refuses a name that is invalid or in use."""
        if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
            raise invalid(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must "
                "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
                documented("CloudFormation API: CreateStack, StackName; CreateChangeSet, ChangeSetName"),
            )
        if self.live_stack(name) is not None:
            raise ServiceError(
                "AlreadyExistsException",
                f"Stack [{name}] already exists",
                quoted("andresionek91/airflow-autoscaling-ecs, issue 15"),
            )
        stack_id = self.surroundings.arn("cloudformation", f"stack/{name}/{new_id()}")
        return Stack(name, stack_id, empty(), datetime.now(UTC), status)

    def check_updatable(self, stack: Stack, *, disable_rollback: bool) -> None:
        """Refuse to update a stack whose status does not allow it."""
        if stack.status in _UPDATABLE or (stack.status in _PAUSED and disable_rollback):
            return
        if stack.status in _PAUSED:
            raise invalid(
                f"This stack is currently in a non-terminal [{stack.status}] state. To update the stack from this "
                "state, please use the disable-rollback parameter with update-stack API. To rollback to the last known "
                "good state, use the rollback-stack API",
                ASSUMED,
            )
        raise invalid(
            f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
            quoted("bitovi/bitops, issue 128; org-formation/org-formation-cli, issue 455"),
        )

    def differs(self, stack: Stack, desired: DesiredState) -> bool:
        """Return whether a deployment would change resources, outputs, tags or the description."""
        comparison = Comparison(stack, desired, self.surroundings.region, self.imported)
        same_options = (
            desired.tags == stack.desired.tags and desired.template.description == stack.desired.template.description
        )
        return bool(comparison.changes) or comparison.outputs_differ() or not same_options

    def start_deployment(
        self, stack: Stack, desired: DesiredState, params: Parameters, *, disable_rollback: bool
    ) -> None:
        """Start the creation or update of a stack in the background."""
        creating = stack.status in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")
        if not creating and stack.previous is None and stack.status not in _PAUSED:
            stack.previous = stack.snapshot()
        stack.desired = desired
        stack.disable_rollback = disable_rollback
        if not creating:
            stack.updated = datetime.now(UTC)
        kind, status = ("CREATE_STACK", "CREATE_IN_PROGRESS") if creating else ("UPDATE_STACK", "UPDATE_IN_PROGRESS")
        self.begin(stack, kind, status, params.get("ClientRequestToken"))
        self.run(stack, lambda operation: operation.deploy())

    def start_import(
        self, stack: Stack, desired: DesiredState, identifiers: dict[str, dict[str, str]], params: Parameters
    ) -> None:
        """Start the import of existing resources into a stack in the background."""
        stack.previous, stack.desired = stack.snapshot(), desired
        is_new = stack.status == "REVIEW_IN_PROGRESS"
        if not is_new:
            stack.updated = datetime.now(UTC)
        # OperationType (botocore 1.44.5) has no value for an import.
        kind = "CREATE_STACK" if is_new else "UPDATE_STACK"
        self.begin(stack, kind, "IMPORT_IN_PROGRESS", params.get("ClientRequestToken"))
        self.run(stack, lambda operation: operation.take_over(identifiers))
