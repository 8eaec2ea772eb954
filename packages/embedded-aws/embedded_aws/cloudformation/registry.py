"""The stacks of one region, the threads that deploy them, and their state across restarts."""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.operations import Operation
from embedded_aws.cloudformation.provisioning import StackContext
from embedded_aws.cloudformation.state import ChangeSet, Stack, interrupt, new_id
from embedded_aws.evidence import ASSUMED, LIMIT, preflight
from embedded_aws.service import Answer, Parameters, Service, Surroundings

_STOP_WITHIN_SECONDS = 10.0


class Registry(Service):
    """The base of CloudFormation's operations: stacks, change sets, background threads and clients."""

    name = "cloudformation"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._stacks: dict[str, Stack] = {}
        """Stacks by id. Deleted stacks are kept; AWS keeps them for 90 days."""
        self._change_sets: dict[str, ChangeSet] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._operations: dict[str, Operation] = {}

    def state(self) -> dict[str, Any]:
        """Return a copy of the state to save. Operations in progress are marked as failed: a restart does not resume
        them.
        """
        with self._lock:
            stacks = copy.deepcopy(self._stacks)
            change_sets = copy.deepcopy(self._change_sets)
        for stack in stacks.values():
            interrupt(stack)
        return {"_stacks": stacks, "_change_sets": change_sets}

    def method(self, operation: str) -> Callable[[Parameters], Answer] | None:
        """Return an operation's method, wrapped so that only one operation runs at a time; None if the service has no
        such method.
        """
        operation_method = super().method(operation)
        if operation_method is None:
            return None

        @functools.wraps(operation_method)
        def locked(params: Parameters) -> Answer:
            with self._lock:
                return operation_method(params)

        return locked

    def shutdown(self) -> None:
        """Stop the background threads; operations in progress fail."""
        self._stop.set()
        for thread in list(self._threads.values()):
            thread.join(_STOP_WITHIN_SECONDS)

    def live_stack(self, name_or_id: str) -> Stack | None:
        """Return the stack with a name or id; None if it does not exist or is deleted."""
        stack = self._stacks.get(name_or_id)
        if stack is not None:
            return None if stack.deleted else stack
        return next((live for live in self._live() if live.name == name_or_id), None)

    def known_stack(self, name_or_id: str, otherwise: str = "Stack with id {} does not exist") -> Stack:
        """Return the live stack with a name, or the stack with an id even if it is deleted.

        Raises:
            ServiceError: the stack does not exist; `otherwise` is the message.

        """
        stack = self._stacks.get(name_or_id) or self.live_stack(name_or_id)
        if stack is None:
            raise invalid(otherwise.format(name_or_id), ASSUMED)
        return stack

    def run(self, stack: Stack, work: Callable[[Operation], None]) -> None:
        """Run an operation in a background thread."""
        if self._stop.is_set():
            raise invalid("The embedded AWS is stopping", LIMIT)
        operation = Operation(self.context(), stack)
        thread = threading.Thread(
            target=operation.run, args=(lambda: work(operation),), name=f"cloudformation {stack.name}", daemon=True
        )
        self._threads = {key: other for key, other in self._threads.items() if other.is_alive()}
        self._operations = {key: other for key, other in self._operations.items() if key in self._threads}
        self._threads[stack.id], self._operations[stack.id] = thread, operation
        thread.start()

    def begin(
        self, stack: Stack, kind: str, status: str, token: str | None, reason: str | None = "User Initiated"
    ) -> None:
        """Record the start of an operation: its id, kind and client token, and the stack's status."""
        stack.operation_id, stack.operation_type, stack.token = new_id(), kind, token
        stack.enter(status, reason)

    def context(self) -> StackContext:
        """Return the context that all stack operations share."""
        return StackContext(
            surroundings=self.surroundings,
            lock=self._lock,
            stop=self._stop,
            client=self.surroundings.client,
            owner_of=self.owner_of,
            imported=self.imported,
            importers=self.importers,
            exporter=self.exporter,
        )

    def owner_of(self, resource_type: str, name: str, value: str) -> str | None:
        """Return the id of the stack that owns a resource; None if no stack owns it.

        `name` is the property with the name of the resource, and `value` is this name.
        """
        with self._lock:
            for stack in self._live():
                for resource in [*stack.resources.values(), *stack.superseded]:
                    same = resource.type == resource_type and resource.properties.get(name) == value
                    if same and resource.live and resource.physical_id:
                        return stack.id
        return None

    def holder_of(self, resource_type: str, physical_id: str) -> str | None:
        """Return the id of the stack that contains a physical resource; None if no stack contains it."""
        with self._lock:
            for stack in self._live():
                for resource in [*stack.resources.values(), *stack.superseded]:
                    if resource.live and (resource.type, resource.physical_id) == (resource_type, physical_id):
                        return stack.id
        return None

    def exports(self) -> Iterator[tuple[Stack, str, str]]:
        """Yield all exports: stack, export name and value."""
        for stack in self._live():
            for output in stack.outputs:
                if output.export:
                    yield stack, output.export, output.value

    def imported(self, name: str) -> str:
        """Return the value of an export.

        Raises:
            ServiceError: no stack defines the export.

        """
        with self._lock:
            for _, export, value in self.exports():
                if export == name:
                    return value
        raise invalid(f"No export named {name} found.", preflight("cfn-importvalue-self-export"))

    def importers(self, export: str) -> list[str]:
        """Return the names of the stacks that import an export."""
        with self._lock:
            return [stack.name for stack in self._live() if export in stack.imports]

    def exporter(self, export: str) -> str | None:
        """Return the id of the stack that defines an export; None if no stack defines it."""
        with self._lock:
            return next((stack.id for stack, name, _ in self.exports() if name == export), None)

    def _live(self) -> list[Stack]:
        return [stack for stack in self._stacks.values() if not stack.deleted]
