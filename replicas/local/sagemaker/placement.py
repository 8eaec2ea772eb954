"""Which instance a copy goes to: accelerators are its own, and no instance gives more than it has."""

from __future__ import annotations

from collections.abc import Sequence

from replicas.local.sagemaker.state import Component, Endpoint, Machine
from replicas.sizing import claims
from replicas.sizing.instances import find_instance
from replicas.sizing.packing import Resources, place

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference "
    "component."
)


def machine_for(
    need: Resources, machines: Sequence[Machine], components: Sequence[Component], strategy: str
) -> Machine | None:
    """The instance for one more copy; None where none has room.

    SPREAD (the default) takes the one with most accelerators free, BINPACK the one with fewest.
    """
    free = [(left(machine, components), machine) for machine in machines]
    fitting = [(room.accelerators, machine) for room, machine in free if room.holds(need) >= 1]
    if not fitting:
        return None
    choose = min if strategy == "BINPACK" else max
    return choose(fitting, key=lambda entry: entry[0])[1]


def left(machine: Machine, components: Sequence[Component]) -> Resources:
    """What an instance still gives."""
    room = claims.host(find_instance(machine.instance_type))
    for component in components:
        for copy in component.copies:
            if copy.machine_id == machine.id:
                room = room.less(component.specifications[copy.version].need, 1)
    return room


def moved(components: Sequence[Component], machines: Sequence[Machine]) -> bool:
    """Put all copies on other instances, all or none; False where they do not fit."""
    needs = [component.specification.need for component in components]
    counts = tuple(len(component.copies) for component in components)
    host = claims.host(find_instance(machines[0].instance_type))
    placement = place(needs, counts, host, len(machines))
    if placement is None:
        return False
    for index, component in enumerate(components):
        targets = [machine.id for machine, found in zip(machines, placement, strict=False) for _ in range(found[index])]
        for copy, target in zip(component.copies, targets, strict=True):
            copy.machine_id = target
    return True


def is_idle(machine: Machine, endpoint: Endpoint, components: Sequence[Component]) -> bool:
    """True where no copy is on an instance that is up."""
    used = {copy.machine_id for component in components for copy in component.copies}
    return machine in endpoint.machines and machine.id not in used
