"""Creates, scales, rolls, rolls back and deletes inference components, in steps of one copy."""

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


def advance_component(at: Passing, component: Component) -> bool:
    """Apply the next step of a component if it is due. Return whether the state changed."""
    if component.status == "Deleting":
        return _finish_deletion(at, component)
    if component.status not in ("Creating", "Updating"):
        return False
    if component.base is not None:
        return _start_adapter(at, component)
    reason = _rollback_reason(at, component)
    if reason:
        return _fail(at, component, reason)
    if component.due is not None and at.now < component.due:
        return False
    component.due = None
    starting = next((copy for copy in component.copies if not copy.running), None)
    if starting is not None:
        return _start(at, component, starting)
    target_copies = [copy for copy in component.copies if copy.version == component.version]
    others = [copy for copy in component.copies if copy.version != component.version]
    if others and (len(target_copies) % _batch(component) == 0 or len(target_copies) >= component.desired):
        surplus = len(component.copies) - max(component.desired, len(target_copies))
        if surplus > 0:
            return _stop(at, component, others[:surplus])
    if len(target_copies) < component.desired:
        return _place(at, component, others)
    if len(target_copies) > component.desired:
        return _stop(at, component, target_copies[component.desired :])
    component.status, component.modified = "InService", at.now
    component.previous, component.returning = None, False
    _clear_rolling(component)
    return True


def _rollback_reason(at: Passing, component: Component) -> str | None:
    """Return the reason to roll back a rolling update (an alarm or the time limit); None without a reason."""
    if component.rolling is None or component.returning:
        return None
    alarms = at.alarming(alarm_names(component.rolling))
    if alarms:
        return f"The update was rolled back because of alarms in state ALARM: {', '.join(alarms)}."
    if component.rolling_until is not None and at.now >= component.rolling_until:
        return TIMED_OUT
    return None


def _place(at: Passing, component: Component, others: list[Copy]) -> bool:
    endpoint = at.hosting.endpoints[component.endpoint_name]
    if endpoint.status != "InService":
        return False
    up = [machine for machine in endpoint.machines if machine.ready_at <= at.now and not machine.leaving]
    strategy = component.specification.request.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD")
    machine = machine_for(component.target_version, up, at.hosting.components_of(endpoint), strategy)
    if machine is None:
        if component.returning and others:  # stop a copy of the failed version to make room for the former version
            return _stop(at, component, others[:1])
        return _add_instance(at, component, endpoint)
    machine.idle_since = None
    specification = component.target_version.on(machine.instance_type)
    assert specification is not None  # noqa: S101 (machine_for checks that it fits)
    never_starts = at.faults.strike(FaultKind.COPY_NEVER_STARTS, component.name) is not None
    timeout = specification.startup_timeout_seconds or durations.DEFAULT_STARTUP_TIMEOUT
    running_at = None if never_starts else at.in_(durations.COPY_START)
    copy = Copy(machine.id, component.version, specification, at.now, running_at, gives_up_at=at.in_(timeout))
    component.copies.append(copy)
    at.log(component, copy, f"starting {specification.image}")
    if never_starts:
        at.log(component, copy, "Error: the container ended with exit code 1")
    return True


def _add_instance(at: Passing, component: Component, endpoint: Endpoint) -> bool:
    """Add an instance by managed scaling, up to MaxInstanceCount. If that is impossible, fail."""
    if any(machine.ready_at > at.now for machine in endpoint.machines):
        return False
    leaving = next((machine for machine in endpoint.machines if machine.leaving), None)
    if leaving is not None:  # the instance was about to be released, but is needed again
        leaving.leaving = False
        return True
    scaling = endpoint.scaling
    types = [name for name in endpoint.instance_types if fits_empty(component.target_version, name)]
    if not types or not scaling or len(endpoint.machines) >= scaling.get("MaxInstanceCount", len(endpoint.machines)):
        return _fail(at, component, NO_ROOM)
    for instance_type in types:
        if not at.lacks(endpoint, instance_type):
            endpoint.machines.append(Machine(instance_type, ready_at=at.in_(durations.INSTANCE_START)))
            return True
    return _fail(at, component, NO_CAPACITY)


def _start(at: Passing, component: Component, copy: Copy) -> bool:
    if copy.running_at is not None and copy.running_at < copy.gives_up_at:
        health = at.health(component, copy)
        if health == "failed":
            return _fail(at, component, NEVER_STARTED)
        if health == "starting" or at.now < copy.running_at:
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
    """Fail a creation, or roll an update back to the former version and number of copies, in batches."""
    component.modified, component.due = at.now, None
    component.copies = component.running
    if component.previous is not None:
        component.version, component.desired = component.previous
        component.previous, component.returning, component.failure = None, True, reason
        return True
    if component.returning:  # the rollback fails too: the remaining copies of the former version serve
        component.copies = [copy for copy in component.copies if copy.version == component.version]
        component.desired, component.returning = len(component.copies), False
        component.status = "InService" if component.copies else "Failed"
        component.failure = f"{component.failure} {reason}"
    else:
        component.status, component.failure = "Failed", reason
    _clear_rolling(component)
    return True


def _clear_rolling(component: Component) -> None:
    if component.rolling is not None:
        component.last_deployment = component.rolling
    component.rolling, component.rolling_until = None, None


def _stop(at: Passing, component: Component, copies: list[Copy]) -> bool:
    component.copies = [copy for copy in component.copies if copy not in copies]
    component.due = at.in_(durations.COPY_STOP)
    return True


def _start_adapter(at: Passing, component: Component) -> bool:
    if component.due is not None and at.now < component.due:
        return False
    component.status, component.due, component.modified = "InService", None, at.now
    return True


def _finish_deletion(at: Passing, component: Component) -> bool:
    if component.due is None or at.now < component.due:
        return False
    del at.hosting.components[component.name]
    at.hosting.tags.pop(component.arn, None)
    return True


def _batch(component: Component) -> int:
    """Return the number of copies that a roll replaces at a time. Default: 1 copy; all copies for a rollback."""
    policy = (component.rolling or {}).get("RollingUpdatePolicy", {})
    size = policy.get("RollbackMaximumBatchSize" if component.returning else "MaximumBatchSize")
    if size is None:
        return max(1, component.desired) if component.returning else 1
    return copies_in(size, component.desired)
