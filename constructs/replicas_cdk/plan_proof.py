"""The proof of what is added to a planned component after its plan: a range of copies, an adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replicas import EndpointPlan
from replicas.deployment.unresolved import is_unresolved
from replicas.planning.additions import adapter_problems, adapter_warnings, range_problems


@dataclass(frozen=True, kw_only=True)
class ComponentProof:
    """Says whether the plan of a component holds what is added to the component."""

    plan: EndpointPlan
    component: str
    """Name of the component in the plan."""
    added: dict[str, tuple[int, int]]
    """Bounds that components of the endpoint were given after the plan, by name; all its proofs share them."""

    def of_range(self, floor: int, ceiling: int) -> list[str]:
        """Return why the copies cannot scale between these bounds; empty if they can."""
        tokens = [name for name, bound in (("min_copies", floor), ("max_copies", ceiling)) if is_unresolved(bound)]
        if tokens:
            return [f"{' and '.join(tokens)}: a token, and a plan proves numbers: a number"]
        faults = range_problems(self.plan, self.component, floor=floor, ceiling=ceiling, added=self.added)
        if not faults:
            self.added[self.component] = (floor, ceiling)
        return faults

    def of_adapter(self, name: str, rank: int | None) -> list[str]:
        """Return why the engine cannot serve this adapter; empty if it can."""
        return adapter_problems(self.plan, self.component, name, rank=rank)

    def warnings_of_adapters(self, adapters: int) -> Iterator[str]:
        """Yield what is slower with this number of adapters than with those of the plan."""
        return adapter_warnings(self.plan, self.component, adapters=adapters)
