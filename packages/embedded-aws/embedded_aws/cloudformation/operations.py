"""Deployment, rollback and deletion of a stack, in CloudFormation's order.

A deployment creates and updates resources in the order of their dependencies. Replaced resources, and those that are
no longer in the template, are deleted in the clean-up at the end. A deployment that fails is rolled back to the state
of the stack after its last completed operation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.cloudformation.checks import SLOW_TYPES, needs_of
from embedded_aws.cloudformation.desired import evaluation_of, properties_of, value_of
from embedded_aws.cloudformation.errors import invalid, ordered
from embedded_aws.cloudformation.evaluation import Evaluation
from embedded_aws.cloudformation.provisioning import Provisioning, StackContext
from embedded_aws.cloudformation.state import DesiredState, Output, Resource, Stack, interrupt
from embedded_aws.cloudformation.template import Template
from embedded_aws.cloudformation.work import ResourceFailedError, StoppedError
from embedded_aws.evidence import ASSUMED
from embedded_aws.service import ServiceError
from replicas.endpoint.values import text_of


class _StackFailedError(Exception):
    """The deployment failed; the message becomes the stack's status reason."""


class Operation:
    """One operation on one stack, run in its own thread."""

    def __init__(self, context: StackContext, stack: Stack) -> None:
        self._context = context
        self._stack = stack
        self._provisioning = Provisioning(context, stack)
        self._imports: set[str] = set()
        self.cancelled = False
        self.delete_requested = False
        """Set if the stack is deleted during its creation: no further resource is created."""

    def run(self, work: Callable[[], None]) -> None:
        """Run the operation; if the embedded AWS stops meanwhile, the stack is marked as failed."""
        try:
            work()
        except StoppedError:
            with self._context.lock:
                interrupt(self._stack)

    def deploy(self) -> None:
        """Deploy the desired template; on failure, roll back as the stack's options say."""
        try:
            evaluation = self._provision()
            outputs = self._outputs(evaluation)
        except _StackFailedError as failure:
            self._failed(str(failure))
            return
        except ServiceError as refusal:
            self._failed(refusal.message)
            return
        stack, updating = self._stack, self._stack.status == "UPDATE_IN_PROGRESS"
        with self._context.lock:
            present = evaluation.present()
            stack.outputs, stack.imports = outputs, self._imports
            removed = [resource for name, resource in stack.resources.items() if name not in present]
            stack.resources = {name: resource for name, resource in stack.resources.items() if name in present}
            for resource in removed:
                resource.replace_policy = resource.deletion_policy
            stack.superseded += removed
            stack.previous = None
        if not updating:
            self._clean_up()
            self._enter_created()
            return
        self._enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up()
        self._enter("UPDATE_COMPLETE")

    def take_over(self, identifiers: Mapping[str, Mapping[str, str]]) -> None:
        """Import existing resources. After a failure, the stack is as before and the resources are not part of it."""
        stack, region = self._stack, self._context.surroundings.region
        evaluation = self._evaluation()
        present = evaluation.present()
        needs = needs_of(present)
        for logical_id in [name for name in needs if name in identifiers]:
            if self._context.stop.is_set():
                raise StoppedError
            definition = present[logical_id]
            try:
                desired = properties_of(logical_id, definition, evaluation, stack.desired, stack, region)
                self._provisioning.take_over(
                    logical_id, definition, desired, needs[logical_id], identifiers[logical_id]
                )
            except ResourceFailedError:
                self._give_back(f"The following resource(s) failed to import: [{logical_id}]. ", identifiers)
                return
            except ServiceError as refusal:
                self._give_back(refusal.message, identifiers)
                return
        with self._context.lock:
            stack.previous = None
        self._enter("IMPORT_COMPLETE")

    def _give_back(self, reason: str, identifiers: Iterable[str]) -> None:
        """Restore the stack after a failed import. No resource is deleted."""
        stack = self._stack
        self._enter("IMPORT_ROLLBACK_IN_PROGRESS", reason)
        for logical_id in reversed([name for name in identifiers if name in stack.resources]):
            self._provisioning.complete(stack.resources[logical_id], "IMPORT_ROLLBACK_COMPLETE")
        with self._context.lock:
            former = stack.previous
            assert former is not None, "an import starts with a snapshot"  # noqa: S101
            stack.desired, stack.resources, stack.outputs = former.desired, former.resources, former.outputs
            stack.previous = None
        self._enter("IMPORT_ROLLBACK_COMPLETE")

    def roll_back(self, reason: str | None, skip: Iterable[str] = ()) -> None:
        """Return to the state before this operation. If the stack's creation failed, delete all its resources."""
        if self._stack.previous is None:
            self._enter("ROLLBACK_IN_PROGRESS", reason)
            failed = self._delete_all(creation=True)
            self._enter(
                "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE",
                f"The following resource(s) failed to delete: [{', '.join(failed)}]. " if failed else None,
            )
            return
        self._enter("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        failed_updates = self._restore(set(skip))
        if failed_updates:
            listed = ", ".join(failed_updates)
            self._enter("UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{listed}]. ")
            return
        self._enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up()
        self._enter("UPDATE_ROLLBACK_COMPLETE")

    def delete(
        self, retained: Iterable[str] = (), *, force: bool = False, former_status: str = "DELETE_FAILED"
    ) -> None:
        """Delete the stack's resources in reverse order of dependency.

        If another stack imports one of its exports, delete nothing and restore the former status.
        """
        used = self._exports_in_use({output.export for output in self._stack.outputs if output.export})
        if used:
            self._enter(former_status, used)
            return
        failed = self._delete_all(retained=set(retained))
        if failed and not force:
            self._enter("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
            return
        with self._context.lock:
            self._stack.outputs, self._stack.imports = [], set()
            self._stack.deleted = datetime.now(UTC)
            self._stack.enter("DELETE_COMPLETE")

    def _enter(self, status: str, reason: str | None = None) -> None:
        with self._context.lock:
            self._stack.enter(status, reason)

    def _imported(self, name: str) -> str:
        value = self._context.imported(name)
        self._imports.add(name)
        return value

    def _evaluation(self) -> Evaluation:
        """Return the object that evaluates the desired template with the values of the existing resources."""
        stack = self._stack
        return evaluation_of(
            stack.desired,
            stack,
            self._context.surroundings.region,
            lookup=lambda logical_id, attribute: value_of(stack.resources, logical_id, attribute),
            imported=self._imported,
        )

    def _provision(self) -> Evaluation:
        stack, region = self._stack, self._context.surroundings.region
        evaluation = self._evaluation()
        present = evaluation.present()
        needs = needs_of(present)
        verb = "update" if stack.status == "UPDATE_IN_PROGRESS" else "create"
        for logical_id in needs:
            if self._context.stop.is_set():
                raise StoppedError
            if self.cancelled or self.delete_requested:
                raise _StackFailedError("User Initiated")
            definition = present[logical_id]
            desired = properties_of(logical_id, definition, evaluation, stack.desired, stack, region)
            try:
                self._provisioning.provision(logical_id, definition, desired, needs[logical_id])
            except ResourceFailedError:
                is_new = logical_id not in (stack.previous.resources if stack.previous else {})
                failed = "create" if is_new else verb
                raise _StackFailedError(f"The following resource(s) failed to {failed}: [{logical_id}]. ") from None
        return evaluation

    def _outputs(self, evaluation: Evaluation) -> list[Output]:
        stack, outputs = self._stack, []
        for key, declared in stack.desired.template.section("Outputs").items():
            if "Condition" in declared and not evaluation.condition(declared["Condition"]):
                continue
            value = evaluation.value(declared["Value"])
            export = evaluation.value(declared["Export"]["Name"]) if "Export" in declared else None
            if not isinstance(value, str | int | float):
                raise invalid(
                    "Template format error: The Value field of every Outputs member must evaluate to a String.", ASSUMED
                )
            outputs.append(Output(key, text_of(value), declared.get("Description"), export))
        for output in outputs:
            other = self._context.exporter(output.export) if output.export else None
            if other not in (None, stack.id):
                raise _StackFailedError(
                    f"Export with name {output.export} is already exported by stack {str(other).split('/')[1]}. "
                )
        new_exports = {output.export: output.value for output in outputs if output.export}
        removed_exports = {
            output.export for output in stack.outputs if output.export and output.export not in new_exports
        }
        used = self._exports_in_use(removed_exports)
        if used:
            raise _StackFailedError(used)
        for output in stack.outputs:
            users = self._context.importers(output.export) if output.export else []
            if users and new_exports[str(output.export)] != output.value:
                raise _StackFailedError(
                    f"Cannot update export {output.export} as it is in use by {' and '.join(users)}"
                )
        return outputs

    def _exports_in_use(self, names: Iterable[str | None]) -> str | None:
        for name in sorted(name for name in names if name):
            users = self._context.importers(name)
            if users:
                return f"Export {name} cannot be deleted as it is in use by {' and '.join(users)}"
        return None

    def _enter_created(self) -> None:
        with self._context.lock:
            if not self.delete_requested:
                self._stack.enter("CREATE_COMPLETE")
                return
        self.delete()

    def _failed(self, reason: str) -> None:
        if self.delete_requested:
            self.delete()
            return
        stack, updating = self._stack, self._stack.status == "UPDATE_IN_PROGRESS"
        if stack.disable_rollback or (not updating and stack.on_failure == "DO_NOTHING"):
            self._enter("UPDATE_FAILED" if updating else "CREATE_FAILED", reason)
        elif not updating and stack.on_failure == "DELETE":
            self._enter("DELETE_IN_PROGRESS", f"{reason}Delete requested by user.")
            self.delete()
        elif stack.previous is None:
            self.roll_back(f"{reason}Rollback requested by user.")
        else:
            self.roll_back(reason)

    def _restore(self, skip: set[str]) -> list[str]:
        """Restore the resources of the former template; return the logical id of the resource that failed, if any."""
        stack = self._stack
        target = stack.previous
        assert target is not None, "a rollback of an update needs a former state"  # noqa: S101
        self._provisioning.rolling_back = True
        with self._context.lock:
            stack.desired, stack.outputs = target.desired, target.outputs
            former_ids = {former.physical_id for former in target.resources.values() if former.physical_id}
            stack.superseded = [old for old in stack.superseded if old.physical_id not in former_ids]
        for logical_id in ordered({name: former.needs for name, former in target.resources.items()}):
            former, current = target.resources[logical_id], stack.resources.get(logical_id)
            if logical_id in skip:
                with self._context.lock:
                    stack.resources[logical_id] = restored = copy.deepcopy(former)
                self._provisioning.complete(restored, "UPDATE_COMPLETE", "Resource skipped during UpdateRollback")
                continue
            if current is None or current.physical_id != former.physical_id:
                with self._context.lock:
                    if current is not None:
                        stack.superseded.append(current)
                    stack.resources[logical_id] = restored = copy.deepcopy(former)
                self._provisioning.complete(restored, "UPDATE_COMPLETE")
                continue
            try:
                if current.properties != former.properties:
                    self._provisioning.update(current, copy.deepcopy(former.properties))
                elif not current.status.endswith("_COMPLETE"):
                    self._provisioning.complete(current, "UPDATE_COMPLETE")
            except ResourceFailedError:
                return [logical_id]
            with self._context.lock:
                current.needs, current.metadata, current.description = former.needs, former.metadata, former.description
                current.deletion_policy, current.replace_policy = former.deletion_policy, former.replace_policy
        with self._context.lock:
            added = [new for name, new in stack.resources.items() if name not in target.resources]
            stack.resources = {name: stack.resources[name] for name in target.resources}
            stack.superseded += [new for new in added if new.live]
            for resource in stack.superseded:
                resource.replace_policy = "Delete"
            stack.previous = None
        return []

    def _clean_up(self) -> None:
        """Delete superseded resources. As in CloudFormation, a resource that cannot be deleted is left behind."""
        for resource in _last_first(self._stack.superseded):
            self._provisioning.delete(resource, retain=resource.replace_policy == "Retain")
            with self._context.lock:
                self._stack.superseded = [other for other in self._stack.superseded if other is not resource]

    def _delete_all(self, *, retained: set[str] | None = None, creation: bool = False) -> list[str]:
        """Delete all resources, and return the logical ids of the resources that could not be deleted.

        Resources on which they depend are kept.
        """
        stack, failed = self._stack, list[Resource]()
        owned = [*stack.superseded, *(live for live in stack.resources.values() if live.live)]
        for resource in _last_first(owned):
            if any(resource.logical_id in other.needs for other in failed):
                failed.append(resource)
                continue
            policy = resource.deletion_policy
            keep = policy == "Retain" or (policy == "RetainExceptOnCreate" and not creation)
            if creation and stack.retain_except_on_create:
                keep = False
            keep = keep or resource.logical_id in (retained or ())
            if not self._provisioning.delete(resource, retain=keep):
                failed.append(resource)
                continue
            with self._context.lock:
                stack.superseded = [other for other in stack.superseded if other is not resource]
        return [resource.logical_id for resource in failed if resource.status == "DELETE_FAILED"]


def _last_first(resources: list[Resource]) -> list[Resource]:
    """Return the resources in reverse order of dependency. A circular dependency is broken at its last resource.

    CloudFormation deletes independent resources in parallel: it requests the deletion of an endpoint before the
    components on it are deleted. So resources of slow types come first.
    """
    remaining, ordered = list(resources), list[Resource]()
    while remaining:
        free = [
            resource
            for resource in remaining
            if not any(resource.logical_id in other.needs for other in remaining if other is not resource)
        ]
        chosen = free or remaining[-1:]
        latest_first = chosen[::-1]
        latest_first.sort(key=lambda resource: -SLOW_TYPES.get(resource.type, 0))
        ordered += latest_first
        remaining = [resource for resource in remaining if not any(resource is taken for taken in chosen)]
    return ordered


def empty(options: dict[str, Any] | None = None) -> DesiredState:
    """Return the desired state of a stack before its first deployment: an empty template."""
    return DesiredState(Template(""), options=options or {})
