"""Placement of copies on instances. Copies do not share accelerators, and no instance is over-committed."""

from __future__ import annotations

from collections.abc import Sequence

from embedded_aws.sagemaker.state import Component, Endpoint, Machine, Version
from replicas.endpoint.packing import Resources, place
from replicas.rules.hosting import host_types

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference "
    "component."
)


def machine_for(
    version: Version, machines: Sequence[Machine], components: Sequence[Component], strategy: str
) -> Machine | None:
    """Return the instance for one more copy; None if no instance has enough free resources.

    SPREAD (the default) selects the instance with the most free accelerators, BINPACK the instance with the fewest.
    """
    free = [(free_resources(machine, components), machine) for machine in machines]
    fitting = [(room.accelerators, machine) for room, machine in free if _fits(version, machine, room)]
    if not fitting:
        return None
    choose = min if strategy == "BINPACK" else max
    return choose(fitting, key=lambda entry: entry[0])[1]


def fits_empty(version: Version, instance_type: str) -> bool:
    """Return whether a copy fits on an empty instance of a type."""
    specification = version.on(instance_type)
    return specification is not None and host_types()[instance_type].claimable.holds(specification.need) >= 1


def _fits(version: Version, machine: Machine, room: Resources) -> bool:
    specification = version.on(machine.instance_type)
    return specification is not None and room.holds(specification.need) >= 1


def free_resources(machine: Machine, components: Sequence[Component]) -> Resources:
    """Return the resources of an instance that are not reserved by copies."""
    room = host_types()[machine.instance_type].claimable
    for component in components:
        for copy in component.copies:
            if copy.machine_id == machine.id:
                room = room.less(copy.specification.need, 1)
    return room


def move_all(components: Sequence[Component], machines: Sequence[Machine]) -> bool:
    """Move all copies to the given instances. If not all copies fit, move none and return False."""
    instance_type = machines[0].instance_type
    specifications = [component.target_version.on(instance_type) for component in components]
    if None in specifications:
        return False
    resolved = [specification for specification in specifications if specification is not None]
    counts = tuple(len(component.copies) for component in components)
    host = host_types()[instance_type].claimable
    placement = place([specification.need for specification in resolved], counts, host, len(machines))
    if not placement.fits:
        return False
    rows = placement.rows
    for index, component in enumerate(components):
        targets = [machine.id for machine, row in zip(machines, rows, strict=True) for _ in range(row[index])]
        for copy, target in zip(component.copies, targets, strict=True):
            copy.machine_id, copy.specification = target, resolved[index]
    return True


def is_idle(machine: Machine, endpoint: Endpoint, components: Sequence[Component]) -> bool:
    """Return whether an instance of the endpoint has no copies."""
    used = {copy.machine_id for component in components for copy in component.copies}
    return machine in endpoint.machines and machine.id not in used
