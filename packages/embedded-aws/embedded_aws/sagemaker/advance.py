"""Advances endpoints, instances and copies to the current time, using only the state, the clock, faults and alarms."""

from __future__ import annotations

from embedded_aws.sagemaker import consolidation, durations, rolls
from embedded_aws.sagemaker.passing import NO_CAPACITY, Passing
from embedded_aws.sagemaker.placement import NO_ROOM, is_idle, move_all
from embedded_aws.sagemaker.state import Endpoint, Machine, instance_types_of


def advance(at: Passing) -> None:
    """Apply all changes that are due, until none is left."""
    hosting = at.hosting
    while any(_advance_endpoint(at, endpoint) for endpoint in list(hosting.endpoints.values())) or any(
        rolls.advance_component(at, component) for component in list(hosting.components.values())
    ):
        pass


def _advance_endpoint(at: Passing, endpoint: Endpoint) -> bool:
    changed = _release_idle(at, endpoint) or consolidation.consolidate(at, endpoint)
    if endpoint.due is None or at.now < endpoint.due:
        return changed
    endpoint.due, endpoint.modified = None, at.now
    match endpoint.status:
        case "Creating":
            _finish_creation(at, endpoint)
        case "Updating":
            _finish_update(at, endpoint)
        case "Deleting":
            del at.hosting.endpoints[endpoint.name]
            at.hosting.tags.pop(endpoint.arn, None)
    return True


def _finish_creation(at: Passing, endpoint: Endpoint) -> None:
    """Finish a creation. Without capacity for the instance type, start instances of the next pool, or fail."""
    if not at.lacks(endpoint, endpoint.machines[0].instance_type):
        endpoint.status = "InService"
        return
    machines = _next_pool_machines(at, endpoint, instance_types_of(endpoint.variant), endpoint.machines)
    if machines:
        endpoint.machines = machines
    else:
        endpoint.status, endpoint.failure, endpoint.machines = "Failed", NO_CAPACITY, []


def _next_pool_machines(at: Passing, endpoint: Endpoint, types: list[str], machines: list[Machine]) -> list[Machine]:
    """Return instances of the next pool's type, as many as in `machines`, which start now.

    The result is empty if there is no further pool.
    """
    endpoint.pool += 1
    if endpoint.pool >= len(types):
        return []
    endpoint.due = at.in_(durations.INSTANCE_START)
    return [Machine(types[endpoint.pool], endpoint.due) for _ in machines]


def _finish_update(at: Passing, endpoint: Endpoint) -> None:
    """Finish an endpoint update: move all copies to the new instances, or keep the old configuration.

    AWS does not document how an endpoint update treats inference components. The strict interpretation is that the new
    instances must have room for all copies at once.
    """
    assert endpoint.next_config is not None  # noqa: S101 (set while the status is Updating)
    name, variant, machines = endpoint.next_config
    components = [component for component in at.hosting.components_of(endpoint) if component.base is None]
    lacking = at.lacks(endpoint, machines[0].instance_type)
    if lacking:
        others = _next_pool_machines(at, endpoint, instance_types_of(variant), machines)
        if others:
            endpoint.next_config = (name, variant, others)
            return
    endpoint.status, endpoint.next_config = "InService", None
    if lacking:
        endpoint.failure = NO_CAPACITY
    elif any(component.status in ("Creating", "Updating") for component in components):
        endpoint.failure = "Inference components of the endpoint were being changed during its update."
    elif not move_all(components, machines):
        endpoint.failure = NO_ROOM
    else:
        endpoint.config_name, endpoint.variant, endpoint.machines, endpoint.failure = name, variant, machines, None


def _release_idle(at: Passing, endpoint: Endpoint) -> bool:
    """Release idle instances, down to MinInstanceCount of the managed instance scaling."""
    components = at.hosting.components_of(endpoint)
    changed = False
    for machine in list(endpoint.machines):
        if at.now < machine.ready_at or not is_idle(machine, endpoint, components):
            machine.idle_since = None
            continue
        if machine.idle_since is None:
            machine.idle_since = at.now
        scaling = endpoint.scaling
        may_release = machine.leaving or at.now >= machine.idle_since + at.clock.here(durations.IDLE_RELEASE)
        if scaling and may_release and len(endpoint.machines) > scaling.get("MinInstanceCount", 1):
            endpoint.machines.remove(machine)
            changed = True
    return changed
