"""Time passes: endpoints, instances and copies move on. A pure function of the state, the clock, faults and alarms."""

from __future__ import annotations

from embedded_aws.sagemaker import consolidation, durations, rolls
from embedded_aws.sagemaker.passing import NO_CAPACITY, Passing
from embedded_aws.sagemaker.placement import NO_ROOM, is_idle, moved
from embedded_aws.sagemaker.state import Endpoint, Machine, instance_types_of


def advance(at: Passing) -> None:
    """Do everything that is due, until nothing more is."""
    hosting = at.hosting
    while any(_endpoint(at, endpoint) for endpoint in list(hosting.endpoints.values())) or any(
        rolls.moved_on(at, component) for component in list(hosting.components.values())
    ):
        pass


def _endpoint(at: Passing, endpoint: Endpoint) -> bool:
    changed = _released(at, endpoint) or consolidation.consolidated(at, endpoint)
    if endpoint.due is None or at.now < endpoint.due:
        return changed
    endpoint.due, endpoint.modified = None, at.now
    match endpoint.status:
        case "Creating":
            _created(at, endpoint)
        case "Updating":
            _switch(at, endpoint)
        case "Deleting":
            del at.hosting.endpoints[endpoint.name]
            at.hosting.tags.pop(endpoint.arn, None)
    return True


def _created(at: Passing, endpoint: Endpoint) -> None:
    """The instances are up, or AWS has none of the type: then those of the next pool are started."""
    if not at.lacks(endpoint, endpoint.machines[0].instance_type):
        endpoint.status = "InService"
        return
    machines = _of_next_pool(at, endpoint, instance_types_of(endpoint.variant), endpoint.machines)
    if machines:
        endpoint.machines = machines
    else:
        endpoint.status, endpoint.failure, endpoint.machines = "Failed", NO_CAPACITY, []


def _of_next_pool(at: Passing, endpoint: Endpoint, types: list[str], machines: list[Machine]) -> list[Machine]:
    """As many instances of the next type, on their way; none where there is no other type."""
    endpoint.pool += 1
    if endpoint.pool >= len(types):
        return []
    endpoint.due = at.in_(durations.INSTANCE_START)
    return [Machine(types[endpoint.pool], endpoint.due) for _ in machines]


def _switch(at: Passing, endpoint: Endpoint) -> None:
    """The new instances are up: all copies move to them, or everything stays as it was.

    How the service treats an endpoint update with components attached is not documented: the strict reading is that
    the new instances must hold all copies at once.
    """
    assert endpoint.next_config is not None  # noqa: S101 (what Updating means)
    name, variant, machines = endpoint.next_config
    components = [component for component in at.hosting.components_of(endpoint) if component.base is None]
    lacking = at.lacks(endpoint, machines[0].instance_type)
    if lacking:
        others = _of_next_pool(at, endpoint, instance_types_of(variant), machines)
        if others:
            endpoint.next_config = (name, variant, others)
            return
    endpoint.status, endpoint.next_config = "InService", None
    if lacking:
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
        rested = machine.leaving or at.now >= machine.idle_since + at.clock.here(durations.IDLE_RELEASE)
        if scaling and rested and len(endpoint.machines) > scaling.get("MinInstanceCount", 1):
            endpoint.machines.remove(machine)
            changed = True
    return changed
