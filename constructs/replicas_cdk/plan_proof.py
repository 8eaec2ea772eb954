"""Checks scaling ranges and adapters that an app adds to a planned component."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replicas import EndpointPlan
from replicas.deployment.unresolved import is_unresolved
from replicas.planning.additions import adapter_problems, adapter_warnings, range_problems


@dataclass(frozen=True, kw_only=True)
class ComponentProof:
    """Checks scaling ranges and adapters that are added to a component against its plan."""

    plan: EndpointPlan
    component: str
    """Name of the component in the plan."""
    added: dict[str, tuple[int, int]]
    """Scaling ranges added to components of the endpoint, as (minimum, maximum) by component name. All proofs of the
    endpoint share this dictionary."""

    def of_range(self, floor: int, ceiling: int) -> list[str]:
        """Return the reasons why the copies cannot scale between these numbers of copies; empty if they can."""
        tokens = [name for name, bound in (("min_copies", floor), ("max_copies", ceiling)) if is_unresolved(bound)]
        if tokens:
            return [f"{' and '.join(tokens)}: a CDK token cannot be checked against the plan: pass a literal number"]
        faults = range_problems(self.plan, self.component, floor=floor, ceiling=ceiling, added=self.added)
        if not faults:
            self.added[self.component] = (floor, ceiling)
        return faults

    def of_adapter(self, name: str, rank: int | None) -> list[str]:
        """Return the reasons why the engine cannot serve this adapter; empty if it can."""
        return adapter_problems(self.plan, self.component, name, rank=rank)

    def warnings_of_adapters(self, adapters: int) -> Iterator[str]:
        """Yield a warning if the component has more adapters than its plan has slots for."""
        return adapter_warnings(self.plan, self.component, adapters=adapters)
