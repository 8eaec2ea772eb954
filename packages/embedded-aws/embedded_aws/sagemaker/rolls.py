"""Copies of inference components: placed, started one after another, rolled to another version and back again."""

from __future__ import annotations

from embedded_aws.faults import FaultKind
from embedded_aws.sagemaker import durations
from embedded_aws.sagemaker.deployments import alarm_names, copies_in
from embedded_aws.sagemaker.passing import NO_CAPACITY, Passing
from embedded_aws.sagemaker.placement import NO_ROOM, fits_empty, machine_for
from embedded_aws.sagemaker.state import Component, Copy, Endpoint, Machine

NEVER_STARTED = (
    "The container for the inference component did not pass the ping health check. Please check CloudWatch logs for "
    "this inference component."
)
TIMED_OUT = "The update did not end within MaximumExecutionTimeoutInSeconds and was rolled back."


def moved_on(at: Passing, component: Component) -> bool:
    """Do the next thing that is due for a component; False where there is nothing to do yet."""
    if component.status == "Deleting":
        return _deleted(at, component)
    if component.status not in ("Creating", "Updating"):
        return False
    if component.base is not None:
        return _adapter(at, component)
    reason = _why_to_return(at, component)
    if reason:
        return _fail(at, component, reason)
    if component.due is not None and at.now < component.due:
        return False
    component.due = None
    starting = next((copy for copy in component.copies if not copy.running), None)
    if starting is not None:
        return _start(at, component, starting)
    wanted = [copy for copy in component.copies if copy.version == component.version]
    others = [copy for copy in component.copies if copy.version != component.version]
    if others and (len(wanted) % _batch(component) == 0 or len(wanted) >= component.desired):
        surplus = len(component.copies) - max(component.desired, len(wanted))
        if surplus > 0:
            return _stop(at, component, others[:surplus])
    if len(wanted) < component.desired:
        return _place(at, component, others)
    if len(wanted) > component.desired:
        return _stop(at, component, wanted[component.desired :])
    component.status, component.modified = "InService", at.now
    component.previous, component.returning = None, False
    _ended(component)
    return True


def _why_to_return(at: Passing, component: Component) -> str | None:
    """What ends a rolling update before its time: an alarm that was named for that, or its time limit."""
    if component.rolling is None or component.returning:
        return None
    alarms = at.alarming(alarm_names(component.rolling))
    if alarms:
        return f"The update was rolled back: in ALARM: {', '.join(alarms)}."
    if component.rolling_until is not None and at.now >= component.rolling_until:
        return TIMED_OUT
    return None


def _place(at: Passing, component: Component, others: list[Copy]) -> bool:
    endpoint = at.hosting.endpoints[component.endpoint_name]
    if endpoint.status != "InService":
        return False
    up = [machine for machine in endpoint.machines if machine.ready_at <= at.now and not machine.leaving]
    strategy = component.specification.request.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD")
    machine = machine_for(component.wanted, up, at.hosting.components_of(endpoint), strategy)
    if machine is None:
        if component.returning and others:  # what is to go makes room for what was there before
            return _stop(at, component, others[:1])
        return _no_room(at, component, endpoint)
    machine.idle_since = None
    specification = component.wanted.on(machine.instance_type)
    assert specification is not None  # noqa: S101 (it was placed there)
    never = at.faults.strike(FaultKind.COPY_NEVER_STARTS, component.name) is not None
    timeout = specification.startup_timeout_seconds or durations.DEFAULT_STARTUP_TIMEOUT
    running_at = None if never else at.in_(durations.COPY_START)
    copy = Copy(machine.id, component.version, specification, at.now, running_at, gives_up_at=at.in_(timeout))
    component.copies.append(copy)
    at.log(component, copy, f"starting {specification.image}")
    if never:
        at.log(component, copy, "Error: the container ended with exit code 1")
    return True


def _no_room(at: Passing, component: Component, endpoint: Endpoint) -> bool:
    """Managed scaling brings an instance, up to its ceiling; without it that is the end."""
    if any(machine.ready_at > at.now for machine in endpoint.machines):
        return False
    back = next((machine for machine in endpoint.machines if machine.leaving), None)
    if back is not None:  # it was to be released, but is needed again
        back.leaving = False
        return True
    scaling = endpoint.scaling
    types = [name for name in endpoint.instance_types if fits_empty(component.wanted, name)]
    if not types or not scaling or len(endpoint.machines) >= scaling.get("MaxInstanceCount", len(endpoint.machines)):
        return _fail(at, component, NO_ROOM)
    for instance_type in types:
        if not at.lacks(endpoint, instance_type):
            endpoint.machines.append(Machine(instance_type, ready_at=at.in_(durations.INSTANCE_START)))
            return True
    return _fail(at, component, NO_CAPACITY)


def _start(at: Passing, component: Component, copy: Copy) -> bool:
    if copy.running_at is not None and copy.running_at < copy.gives_up_at:
        if at.now < copy.running_at:
            return False
        copy.running = True
        at.log(component, copy, "the copy is ready")
        new = sum(copy.version == component.version for copy in component.copies)
        if component.rolling and not component.returning and _ends_batch(component, new):
            component.due = at.in_(component.rolling["RollingUpdatePolicy"].get("WaitIntervalInSeconds", 0))
        return True
    if at.now < copy.gives_up_at:
        return False
    at.log(component, copy, "Error: not ready within the start-up timeout")
    return _fail(at, component, NEVER_STARTED)


def _ends_batch(component: Component, new: int) -> bool:
    return new % _batch(component) == 0 or new == component.desired


def _fail(at: Passing, component: Component, reason: str) -> bool:
    """A creation ends; an update goes back to what served before it, in batches as it came."""
    component.modified, component.due = at.now, None
    component.copies = component.running
    if component.previous is not None:
        component.version, component.desired = component.previous
        component.previous, component.returning, component.failure = None, True, reason
        return True
    if component.returning:  # what was there before does not come back either: what is left of it serves
        component.copies = [copy for copy in component.copies if copy.version == component.version]
        component.desired, component.returning = len(component.copies), False
        component.status = "InService" if component.copies else "Failed"
        component.failure = f"{component.failure} {reason}"
    else:
        component.status, component.failure = "Failed", reason
    _ended(component)
    return True


def _ended(component: Component) -> None:
    if component.rolling is not None:
        component.last_deployment = component.rolling
    component.rolling, component.rolling_until = None, None


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
    """Copies that a roll starts before it stops as many; going back all of them, unless it is said otherwise."""
    policy = (component.rolling or {}).get("RollingUpdatePolicy", {})
    size = policy.get("RollbackMaximumBatchSize" if component.returning else "MaximumBatchSize")
    if size is None:
        return max(1, component.desired) if component.returning else 1
    return copies_in(size, component.desired)
