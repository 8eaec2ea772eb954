"""Selection of a component of a plan by name."""

from __future__ import annotations

from replicas.errors import UsageError
from replicas.planning.plans import ComponentPlan, EndpointPlan


def component_named(plan: EndpointPlan, name: str | None) -> ComponentPlan:
    """Return the component with this name; without a name, the only component of the plan.

    Raises:
        UsageError: the plan has no such component, or several components and no name is given.

    """
    names = [component.name for component in plan.components]
    if name is None and len(names) == 1:
        return plan.components[0]
    if name not in names:
        fault = f"{plan.name} has no component {name!r}" if name else f"{plan.name} has {len(names)} components"
        raise UsageError(f"{fault}: use --component {' or '.join(names)}")
    return plan.components[names.index(name)]
