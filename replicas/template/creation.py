"""The order in which CloudFormation certainly creates the resources of a template."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from replicas.endpoint.identity import Subject
from replicas.template.evaluation import section
from replicas.template.faults import Fault
from replicas.template.references import needs_of
from replicas.template.resources import Resources


class CreationOrder:
    """Which of some resources are created after another, by `DependsOn`, `Ref` and `Fn::GetAtt`, also indirectly."""

    def __init__(self, resources: Resources, subjects: Mapping[str, Subject]) -> None:
        """Compare resources with the `subjects`, given by their logical ids."""
        self._template = resources.template
        self._subjects = subjects

    def after(self, logical_id: str) -> frozenset[Subject]:
        """Return the subjects that wait for a resource. Empty if the template has a cycle: it is never deployed."""
        found, pending = set(), [logical_id]
        while pending:
            for dependent in self._dependents.get(pending.pop(), ()):
                if dependent not in found:
                    found.add(dependent)
                    pending.append(dependent)
        return frozenset(self._subjects[dependent] for dependent in found if dependent in self._subjects)

    @cached_property
    def _dependents(self) -> dict[str, list[str]]:
        declared = section(self._template, "Resources")
        needs = needs_of({str(name): body for name, body in declared.items() if isinstance(body, Mapping)})
        dependents: dict[str, list[str]] = {}
        for logical_id, needed in () if isinstance(needs, Fault) else needs.items():
            for name in needed:
                dependents.setdefault(name, []).append(logical_id)
        return dependents
