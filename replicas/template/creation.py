"""The order in which CloudFormation certainly creates the resources of a template."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.template.evaluation import section
from replicas.template.faults import Fault
from replicas.template.references import direct_needs, in_order
from replicas.template.resources import Resources


class CreationOrder:
    """The order of creation that follows from `DependsOn`, `Ref` and `Fn::GetAtt`, also indirectly."""

    def __init__(self, resources: Resources, subjects: Mapping[str, Subject] | None = None) -> None:
        """Read the order of a template.

        `subjects` are the resources that `after` can return, by logical id.
        """
        self._needs = resources.derived("direct needs", lambda: _needs_in(resources.template))
        self._subjects = subjects or {}
        self.waiting_for = cache(self._waiting_for)
        """Cached function that returns the logical ids of the resources that depend on a resource."""

    def after(self, logical_id: str) -> frozenset[Subject]:
        """Return the subjects that depend on a resource.

        The result is empty for a template with a cycle, which is never deployed.
        """
        waiting = self.waiting_for(logical_id) if not self._has_cycle else ()
        return frozenset(self._subjects[dependent] for dependent in waiting if dependent in self._subjects)

    def _waiting_for(self, logical_id: str) -> frozenset[str]:
        visited, pending = set(), [logical_id]
        while pending:
            for dependent in self._dependents.get(pending.pop(), ()):
                if dependent not in visited:
                    visited.add(dependent)
                    pending.append(dependent)
        return frozenset(visited)

    @cached_property
    def _has_cycle(self) -> bool:
        return isinstance(in_order(self._needs), Fault)

    @cached_property
    def _dependents(self) -> Mapping[str, list[str]]:
        dependents: dict[str, list[str]] = {}
        for logical_id, needed in self._needs.items():
            for name in needed:
                dependents.setdefault(name, []).append(logical_id)
        return dependents


def _needs_in(template: Mapping[str, Any]) -> dict[str, list[str]]:
    declared = section(template, "Resources")
    return direct_needs({str(name): body for name, body in declared.items() if isinstance(body, Mapping)})
