"""Scale-in strategy CONSOLIDATION: move copies to fewer instances, so that managed scaling can release the other
instances.

AWS documents the cooldown, the largest step and that components keep their placement settings, but not how
copies move. In the embedded AWS, a new copy starts before the old copy stops, and the copies of an instance move only
if all of them fit on other instances.
"""

from __future__ import annotations

from embedded_aws.sagemaker import durations
from embedded_aws.sagemaker.passing import Passing
from embedded_aws.sagemaker.placement import machine_for
from embedded_aws.sagemaker.state import Component, Copy, Endpoint, Machine

_DEFAULT_COOLDOWN_MINUTES = 20
_DEFAULT_STEP = 1


def consolidate(at: Passing, endpoint: Endpoint) -> bool:
    """Finish started moves, or begin to empty instances if the scale-in policy and its cooldown allow it.

    Return whether the state changed.
    """
    components = at.hosting.components_of(endpoint)
    if any(_finish_move(at, component) for component in components):
        return True
    policy = (endpoint.scaling or {}).get("ScaleInPolicy", {})
    if policy.get("Strategy") != "CONSOLIDATION" or endpoint.status != "InService":
        return False
    if any(component.status != "InService" for component in components) or _is_moving(components):
        return False
    last = max([endpoint.modified, *(component.modified for component in components)])
    if at.now < last + at.clock.here(60 * policy.get("CooldownInMinutes", _DEFAULT_COOLDOWN_MINUTES)):
        return False
    floor = endpoint.scaling.get("MinInstanceCount", 1) if endpoint.scaling else len(endpoint.machines)
    steps = min(policy.get("MaximumStepSize", _DEFAULT_STEP), len(endpoint.machines) - floor)
    emptied = sum(_begin_emptying(at, endpoint, components) for _ in range(max(0, steps)))
    if emptied:
        endpoint.modified = at.now
    return emptied > 0


def forget(component: Component) -> None:
    """Cancel the unfinished moves of a component, because an update begins."""
    component.copies = [copy for copy in component.copies if copy.running or copy.replaces is None]


def _finish_move(at: Passing, component: Component) -> bool:
    for copy in component.copies:
        if copy.replaces and not copy.running and copy.running_at is not None and copy.running_at <= at.now:
            copy.running = True
            at.log(component, copy, "the copy is ready")
            component.copies = [other for other in component.copies if other.id != copy.replaces]
            copy.replaces = None
            return True
    return False


def _is_moving(components: list[Component]) -> bool:
    return any(copy.replaces for component in components for copy in component.copies)


def _begin_emptying(at: Passing, endpoint: Endpoint, components: list[Component]) -> bool:
    """Begin to empty the instance that has the fewest copies: start a replacement of each copy on another instance.

    Return False, and start nothing, if not all of the replacements fit or no instance has copies.
    """
    staying = [machine for machine in endpoint.machines if not machine.leaving and machine.ready_at <= at.now]
    machine = min(staying, key=lambda candidate: len(_copies_on(candidate, components)), default=None)
    if machine is None or not _copies_on(machine, components):
        return False
    others = [other for other in staying if other is not machine]
    begun: list[tuple[Component, Copy]] = []
    for component, copy in _copies_on(machine, components):
        strategy = component.specification.request.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD")
        target = machine_for(component.target_version, others, components, strategy)
        specification = component.target_version.on(target.instance_type) if target else None
        if target is None or specification is None:
            for owner, started in begun:
                owner.copies.remove(started)
            return False
        ready, gives_up = at.in_(durations.COPY_START), at.in_(durations.DEFAULT_STARTUP_TIMEOUT)
        new = Copy(target.id, component.version, specification, at.now, ready, gives_up, replaces=copy.id)
        component.copies.append(new)
        begun.append((component, new))
    machine.leaving = True
    return True


def _copies_on(machine: Machine, components: list[Component]) -> list[tuple[Component, Copy]]:
    return [(component, copy) for component in components for copy in component.copies if copy.machine_id == machine.id]
