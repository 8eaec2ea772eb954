"""Time passes: endpoints, instances and copies move on. A pure function of the state, the clock and the faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from replicas.local.clock import Clock
from replicas.local.faults import FaultKind, Faults
from replicas.local.sagemaker import durations
from replicas.local.sagemaker.placement import NO_ROOM, is_idle, machine_for, moved
from replicas.local.sagemaker.state import Component, Copy, Endpoint, Hosting, Machine

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using "
    "a different ML instance type or after some time."
)
NEVER_STARTED = (
    "The container for the inference component did not pass the ping health check. Please check CloudWatch logs for "
    "this inference component."
)

Log = Callable[[Component, Copy, str], None]


@dataclass(frozen=True)
class Passing:
    """A moment, and what bears on what happens in it."""

    hosting: Hosting
    now: float
    clock: Clock
    faults: Faults
    log: Log

    def in_(self, seconds: float) -> float:
        """The moment that many of AWS's seconds from now."""
        return self.now + self.clock.here(seconds)


def advance(at: Passing) -> None:
    """Do everything that is due, until nothing more is."""
    hosting = at.hosting
    while any(_endpoint(at, endpoint) for endpoint in list(hosting.endpoints.values())) or any(
        _component(at, component) for component in list(hosting.components.values())
    ):
        pass


# ---- endpoints


def _endpoint(at: Passing, endpoint: Endpoint) -> bool:
    changed = _released(at, endpoint)
    if endpoint.due is None or at.now < endpoint.due:
        return changed
    endpoint.due, endpoint.modified = None, at.now
    match endpoint.status:
        case "Creating":
            lacking = at.faults.strike(FaultKind.INSUFFICIENT_CAPACITY, endpoint.name)
            endpoint.status = "Failed" if lacking else "InService"
            if lacking:
                endpoint.failure, endpoint.machines = NO_CAPACITY, []
        case "Updating":
            _switch(at, endpoint)
        case "Deleting":
            del at.hosting.endpoints[endpoint.name]
            at.hosting.tags.pop(endpoint.arn, None)
    return True


def _switch(at: Passing, endpoint: Endpoint) -> None:
    """The new instances are up: all copies move to them, or everything stays as it was.

    How the service treats an endpoint update with components attached is not documented: the strict reading is that
    the new instances must hold all copies at once.
    """
    assert endpoint.next_config is not None  # noqa: S101 (what Updating means)
    name, variant, machines = endpoint.next_config
    endpoint.status, endpoint.next_config = "InService", None
    components = [component for component in at.hosting.components_of(endpoint) if component.base is None]
    if at.faults.strike(FaultKind.INSUFFICIENT_CAPACITY, endpoint.name):
        endpoint.failure = NO_CAPACITY
    elif any(component.status in ("Creating", "Updating") for component in components):
        endpoint.failure = "Inference components of the endpoint were being changed during its update."
    elif not moved(components, machines):
        endpoint.failure = NO_ROOM
    else:
        endpoint.config_name, endpoint.variant, endpoint.machines, endpoint.failure = name, variant, machines, None


def _released(at: Passing, endpoint: Endpoint) -> bool:
    """Managed scaling gives back what stands idle, down to its floor."""
    components = at.hosting.components_of(endpoint)
    changed = False
    for machine in list(endpoint.machines):
        if at.now < machine.ready_at or not is_idle(machine, endpoint, components):
            machine.idle_since = None
            continue
        if machine.idle_since is None:
            machine.idle_since = at.now
        scaling = endpoint.scaling
        rested = at.now >= machine.idle_since + at.clock.here(durations.IDLE_RELEASE)
        if scaling and rested and len(endpoint.machines) > scaling.get("MinInstanceCount", 1):
            endpoint.machines.remove(machine)
            changed = True
    return changed


# ---- inference components


def _component(at: Passing, component: Component) -> bool:
    if component.status == "Deleting":
        return _deleted(at, component)
    if component.status not in ("Creating", "Updating"):
        return False
    if component.base is not None:
        return _adapter(at, component)
    if component.due is not None and at.now < component.due:
        return False
    component.due = None
    starting = next((copy for copy in component.copies if not copy.running), None)
    if starting is not None:
        return _start(at, component, starting)
    wanted = [copy for copy in component.copies if copy.version == component.version]
    old = [copy for copy in component.copies if copy.version != component.version]
    if old and (len(wanted) % _batch(component) == 0 or len(wanted) >= component.desired):
        surplus = len(component.copies) - max(component.desired, len(wanted))
        if surplus > 0:
            return _stop(at, component, old[:surplus])
    if len(wanted) < component.desired:
        return _place(at, component)
    if len(wanted) > component.desired:
        return _stop(at, component, wanted[component.desired :])
    component.status, component.modified, component.previous = "InService", at.now, None
    if component.rolling is not None:
        component.last_deployment, component.rolling = component.rolling, None
    return True


def _place(at: Passing, component: Component) -> bool:
    endpoint = at.hosting.endpoints[component.endpoint_name]
    if endpoint.status != "InService":
        return False
    up = [machine for machine in endpoint.machines if machine.ready_at <= at.now]
    on_endpoint = at.hosting.components_of(endpoint)
    specification = component.specification
    strategy = specification.request.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD")
    machine = machine_for(specification.need, up, on_endpoint, strategy)
    if machine is None:
        return _no_room(at, component, endpoint)
    machine.idle_since = None
    never = at.faults.strike(FaultKind.COPY_NEVER_STARTS, component.name) is not None
    timeout = specification.startup_timeout_seconds or durations.DEFAULT_STARTUP_TIMEOUT
    running_at = None if never else at.in_(durations.COPY_START)
    copy = Copy(machine.id, component.version, at.now, running_at, gives_up_at=at.in_(timeout))
    component.copies.append(copy)
    at.log(component, copy, f"starting {specification.image}")
    if never:
        at.log(component, copy, "Error: the container ended with exit code 1")
    return True


def _no_room(at: Passing, component: Component, endpoint: Endpoint) -> bool:
    """Managed scaling brings an instance, up to its ceiling; without it that is the end."""
    coming = [machine for machine in endpoint.machines if machine.ready_at > at.now]
    if coming:
        return False
    scaling = endpoint.scaling
    if scaling and len(endpoint.machines) < scaling.get("MaxInstanceCount", len(endpoint.machines)):
        if at.faults.strike(FaultKind.INSUFFICIENT_CAPACITY, endpoint.name):
            return _fail(at, component, NO_CAPACITY)
        new = Machine(endpoint.variant["InstanceType"], ready_at=at.in_(durations.INSTANCE_START))
        endpoint.machines.append(new)
        return True
    return _fail(at, component, NO_ROOM)


def _start(at: Passing, component: Component, copy: Copy) -> bool:
    if copy.running_at is not None and copy.running_at < copy.gives_up_at:
        if at.now < copy.running_at:
            return False
        copy.running = True
        at.log(component, copy, "the copy is ready")
        new = sum(copy.version == component.version for copy in component.copies)
        if component.rolling and (new % _batch(component) == 0 or new == component.desired):
            component.due = at.in_(component.rolling.get("RollingUpdatePolicy", {}).get("WaitIntervalInSeconds", 0))
        return True
    if at.now < copy.gives_up_at:
        return False
    at.log(component, copy, "Error: not ready within the start-up timeout")
    return _fail(at, component, NEVER_STARTED)


def _fail(at: Passing, component: Component, reason: str) -> bool:
    """A creation ends; an update goes back to what served before it."""
    component.modified, component.failure, component.rolling = at.now, reason, None
    if component.previous is None:
        component.status, component.copies = "Failed", component.running
        return True
    component.version, component.desired = component.previous
    component.previous = None
    component.copies = [copy for copy in component.copies if copy.version == component.version and copy.running]
    # The copies that were stopped already come back one after another; those that are left serve meanwhile.
    component.status = "InService" if len(component.copies) == component.desired else "Updating"
    if component.status == "Updating":
        component.previous = (component.version, len(component.copies))
    return True


def _stop(at: Passing, component: Component, copies: list[Copy]) -> bool:
    component.copies = [copy for copy in component.copies if copy not in copies]
    component.due = at.in_(durations.COPY_STOP)
    return True


def _adapter(at: Passing, component: Component) -> bool:
    if component.due is not None and at.now < component.due:
        return False
    component.status, component.due, component.modified = "InService", None, at.now
    return True


def _deleted(at: Passing, component: Component) -> bool:
    if component.due is None or at.now < component.due:
        return False
    del at.hosting.components[component.name]
    at.hosting.tags.pop(component.arn, None)
    return True


def _batch(component: Component) -> int:
    """Copies that a roll starts before it stops as many."""
    size = (component.rolling or {}).get("RollingUpdatePolicy", {}).get("MaximumBatchSize")
    if size is None:
        return 1
    if size["Type"] == "COPY_COUNT":
        return int(size["Value"])
    return max(1, component.desired * int(size["Value"]) // 100)
