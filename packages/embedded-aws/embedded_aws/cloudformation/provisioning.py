"""Creation, update, replacement and deletion of single resources, with their stack events."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ConnectionError, HTTPClientError

from embedded_aws.cloudformation.desired import shown
from embedded_aws.cloudformation.dynamic import DynamicReferences
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.handlers.handler import HandlerError, Importable, Made
from embedded_aws.cloudformation.schemas import schema_of
from embedded_aws.cloudformation.state import Resource, Stack
from embedded_aws.cloudformation.work import HandlerWork, ResourceFailedError, StoppedError, pause_on, reason_of
from embedded_aws.evidence import ASSUMED, LIMIT, quoted
from embedded_aws.service import Surroundings
from replicas.template.updates import Outcome, differing, outcome_of, property_changes
from replicas.template.validation import problems

_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


@dataclass(frozen=True)
class StackContext:
    """The context that all stack operations share: lock, stop event, clients and look-ups in other stacks."""

    surroundings: Surroundings
    lock: threading.RLock
    """Held while a stack's state changes, but never during a call of a service."""
    stop: threading.Event
    client: Callable[[str], Any]
    owner_of: Callable[[str, str, str], str | None]
    """Return the id of the stack that owns a resource, by type, property name and value; None if no stack owns it."""
    imported: Callable[[str], str]
    """Return the value of an export."""
    importers: Callable[[str], list[str]]
    """Return the names of the stacks that import an export."""
    exporter: Callable[[str], str | None]
    """Return the id of the stack that defines an export; None if no stack defines it."""


class Provisioning:
    """Provisions the resources of one stack."""

    def __init__(self, context: StackContext, stack: Stack) -> None:
        self._context = context
        self._stack = stack
        self._region = context.surroundings.region
        self._dynamic = DynamicReferences(context.client)
        self.rolling_back = False

    def provision(
        self, logical_id: str, definition: Mapping[str, Any], desired: dict[str, Any], needs: list[str]
    ) -> None:
        """Bring a resource to its desired properties: create, update or replace it, or leave it unchanged."""
        current = self._stack.resources.get(logical_id)
        if current is not None and (not current.live or current.status == "CREATE_FAILED"):
            self._supersede(current)
            current = None
        if current is None:
            current = Resource(logical_id, str(definition["Type"]), needs)
            self._copy_attributes(current, definition)
            with self._context.lock:
                self._stack.resources[logical_id] = current
            self._create(current, desired)
            return
        changed = differing(current.properties, desired)
        if not changed and current.status not in ("UPDATE_FAILED", "DELETE_FAILED"):
            with self._context.lock:
                current.needs = needs
                self._copy_attributes(current, definition)
            return
        changes = list(property_changes(current.type, current.properties, desired))
        if outcome_of(current.type, changes) is Outcome.REPLACED:
            self._replace(current, definition, desired, needs)
            return
        with self._context.lock:
            current.needs = needs
            self._copy_attributes(current, definition)
        self.update(current, desired)

    def take_over(
        self,
        logical_id: str,
        definition: Mapping[str, Any],
        desired: dict[str, Any],
        needs: list[str],
        identifier: Mapping[str, str],
    ) -> None:
        """Import an existing resource and update its tags to the desired ones.

        The events, and the update after the import, are quoted in realestate-com-au/stackup, issue 96.
        """
        resource = Resource(logical_id, str(definition["Type"]), needs, physical_id="|".join(identifier.values()))
        self._copy_attributes(resource, definition)
        with self._context.lock:
            self._stack.resources[logical_id] = resource
        self._record_status(resource, "IMPORT_IN_PROGRESS", "Resource import started.")
        handler = HANDLERS[resource.type]
        assert isinstance(handler, Importable), "the change set was checked"  # noqa: S101

        def find() -> None:
            checked = self._checked(resource, desired)
            existing = handler.find(self._context.client, identifier)
            if existing is None:
                raise HandlerError(
                    f"Resource of type '{resource.type}' with identifier '{resource.physical_id}' was not found.",
                    quoted("ministackorg/ministack, tests/test_cfn_import_change_set.py: the answers of AWS"),
                    "NotFound",
                )
            self._made(resource, existing)
            self._store_properties(resource, desired)
            tagged.append(checked)

        def tag() -> None:
            live = {"Tags": handler.tags(self._context.client, resource.physical_id)}
            work = self._work(resource, frozenset({"Tags"}))
            self._made(resource, handler.update(work, resource.physical_id, live, tagged[0]))

        tagged: list[dict[str, Any]] = []
        self._attempt(resource, "IMPORT_FAILED", find)
        self._record_status(resource, "IMPORT_COMPLETE", "Resource import completed.")
        reason = "Apply stack-level tags to imported resource if applicable."
        self._record_status(resource, "UPDATE_IN_PROGRESS", reason, properties=desired)
        self._attempt(resource, "UPDATE_FAILED", tag)
        self._record_status(resource, "UPDATE_COMPLETE", properties=desired)

    def update(self, resource: Resource, desired: dict[str, Any]) -> None:
        """Update a resource in place."""
        previous, changed = resource.properties, frozenset(differing(resource.properties, desired))
        self._record_status(resource, "UPDATE_IN_PROGRESS", properties=desired)

        def change() -> None:
            checked = self._checked(resource, desired)
            # Store the new properties before the update, so that a rollback reverts them even after a partial failure.
            self._store_properties(resource, desired)
            try:
                work = self._work(resource, changed)
                made = HANDLERS[resource.type].update(work, resource.physical_id, previous, checked)
            except HandlerError as error:
                if error.code == "NotUpdatable":
                    self._store_properties(resource, previous)
                raise
            self._made(resource, made)

        self._attempt(resource, "UPDATE_FAILED", change)
        self._record_status(resource, "UPDATE_COMPLETE", properties=desired)

    def delete(self, resource: Resource, *, retain: bool) -> bool:
        """Delete a physical resource; with `retain`, skip the deletion. Return False only if the deletion failed."""
        if retain:
            self._record_status(resource, "DELETE_SKIPPED")
            return True
        if resource.physical_id:
            self._record_status(resource, "DELETE_IN_PROGRESS")
            try:
                self._attempt(
                    resource,
                    "DELETE_FAILED",
                    lambda: HANDLERS[resource.type].delete(
                        self._work(resource), resource.physical_id, self._dynamic.resolved(resource.properties)
                    ),
                )
            except ResourceFailedError:
                return False
        self._record_status(resource, "DELETE_COMPLETE")
        return True

    def complete(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Set the status of a resource that needs no call of its service."""
        self._record_status(resource, status, reason)

    def _create(self, resource: Resource, desired: dict[str, Any]) -> None:
        self._record_status(resource, "CREATE_IN_PROGRESS", properties=desired)
        self._store_properties(resource, desired)
        self._attempt(resource, "CREATE_FAILED", lambda: self._made(resource, self._new(resource, desired, "CREATE")))
        self._record_status(resource, "CREATE_COMPLETE", properties=desired)

    def _replace(
        self, current: Resource, definition: Mapping[str, Any], desired: dict[str, Any], needs: list[str]
    ) -> None:
        self._record_status(current, "UPDATE_IN_PROGRESS", _REPLACING, properties=desired)
        fresh = copy.deepcopy(current)
        fresh.physical_id, fresh.attributes, fresh.properties, fresh.needs = "", {}, desired, needs
        self._copy_attributes(fresh, definition)

        def create() -> None:
            if self._stack.disable_rollback:
                raise HandlerError(
                    "Replacement type updates not supported on stack with disable-rollback.", ASSUMED, "NotUpdatable"
                )
            self._made(fresh, self._new(fresh, desired, "UPDATE"))

        try:
            self._attempt(current, "UPDATE_FAILED", create)
        except ResourceFailedError:
            if fresh.physical_id:
                self._supersede(fresh)
            raise
        with self._context.lock:
            current.replace_policy = fresh.replace_policy
            self._stack.superseded.append(current)
            self._stack.resources[current.logical_id] = fresh
        self._record_status(fresh, "UPDATE_COMPLETE", properties=desired)

    def _new(self, resource: Resource, desired: dict[str, Any], verb: str) -> Made:
        handler = HANDLERS[resource.type]
        checked = self._checked(resource, desired)
        fixed = desired.get(handler.name_property) if handler.name_property else None
        if fixed:
            owner = self._context.owner_of(resource.type, str(handler.name_property), str(fixed))
            if owner:
                raise HandlerError(
                    f"{fixed} already exists in stack {owner}",
                    quoted("aws-samples/eb-php-wordpress, issue 25"),
                    "AlreadyExists",
                )

        def started(physical_id: str) -> None:
            with self._context.lock:
                resource.physical_id = physical_id
            self._record_status(resource, f"{verb}_IN_PROGRESS", "Resource creation Initiated", properties=desired)

        made = handler.create(self._work(resource, started=started), checked)
        if not resource.physical_id:
            started(made.physical_id)
        return made

    def _checked(self, resource: Resource, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the properties for the handler: validated against the schema, with dynamic references resolved."""
        faults = problems(desired, schema_of(resource.type, self._region).content)
        if faults:
            listed = "\n".join(map(str, faults))
            raise invalid(
                f"Properties validation failed for resource {resource.logical_id} with message:\n[{listed}]",
                quoted("aws/aws-cdk, issue 28984"),
            )
        handler = HANDLERS[resource.type]
        if handler.provisions is not None:
            foreign = sorted(set(desired) - handler.provisions)
            if foreign:
                raise invalid(
                    f"The embedded AWS does not provision {', '.join(foreign)} of {resource.type}; "
                    f"it provisions {', '.join(sorted(handler.provisions)) or 'no property'}.",
                    LIMIT,
                )
        resolved: dict[str, Any] = copy.deepcopy(self._dynamic.resolved(desired))
        return resolved

    def _attempt(self, resource: Resource, failed: str, work: Callable[[], Any]) -> None:
        """Run `work`; an error becomes the resource's status `failed` with a reason.

        Raises:
            ResourceFailedError: `work` failed.
            StoppedError: the embedded AWS is stopping.

        """
        try:
            work()
            return
        except StoppedError:
            raise
        except (ConnectionError, HTTPClientError) as error:
            # The services run in this process: if one does not respond, the embedded AWS is stopping.
            raise StoppedError from error
        except Exception as error:  # a bug in a handler must fail the stack, not end the thread
            reason = reason_of(error)
        reason = self._dynamic.without_secrets(reason)
        self._record_status(resource, failed, reason)
        raise ResourceFailedError

    def _store_properties(self, resource: Resource, properties: dict[str, Any]) -> None:
        with self._context.lock:
            resource.properties = properties

    def _made(self, resource: Resource, made: Made) -> None:
        with self._context.lock:
            resource.physical_id, resource.attributes = made.physical_id, made.attributes

    def _work(
        self,
        resource: Resource,
        changed: frozenset[str] = frozenset(),
        started: Callable[[str], None] = lambda _: None,
    ) -> HandlerWork:
        surroundings = self._context.surroundings
        return HandlerWork(
            stack_name=self._stack.name,
            stack_id=self._stack.id,
            logical_id=resource.logical_id,
            region=self._region,
            clock=surroundings.clock,
            client=self._context.client,
            pause=pause_on(self._context.stop, surroundings.clock),
            started=started,
            changed=changed,
            rolling_back=self.rolling_back,
        )

    def _copy_attributes(self, resource: Resource, definition: Mapping[str, Any]) -> None:
        """Copy Metadata, Description and policies from a resource's definition to the resource."""
        resource.metadata = definition.get("Metadata")
        resource.description = definition.get("Description")
        resource.deletion_policy = str(definition.get("DeletionPolicy", "Delete"))
        resource.replace_policy = str(definition.get("UpdateReplacePolicy", "Delete"))

    def _supersede(self, resource: Resource) -> None:
        """Mark a half-created physical resource for deletion in the clean-up."""
        if resource.physical_id and resource.live:
            with self._context.lock:
                self._stack.superseded.append(resource)

    def _record_status(
        self, resource: Resource, status: str, reason: str | None = None, properties: Mapping[str, Any] | None = None
    ) -> None:
        with self._context.lock:
            resource.status, resource.reason, resource.updated = status, reason, datetime.now(UTC)
            text = None if properties is None else shown(properties, self._stack.desired)
            self._stack.record(resource.logical_id, resource.physical_id, resource.type, status, reason, text)
