"""A Terraform plan as a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology, Unread
from replicas.endpoint.values import Unknown, Value
from replicas.template.endpoints import topology_of
from replicas.template.evaluation import Resolver
from replicas.template.terraform.plans import Plan
from replicas.template.terraform.translation import Note, Translation
from replicas.template.terraform.types import SENSITIVE
from replicas.template.world import World

_PLAN = "Terraform"
"""Name by which a question about the whole plan is listed."""


class TerraformTemplate(dict[str, Any]):
    """The resources of a plan in the form of a template, with what CloudFormation's form has no place for."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """Translate the JSON of `terraform show -json`. Raises `ProofError` if it is not read."""
        plan = Plan(content)
        translation = Translation(plan)
        super().__init__(Resources=translation.resources)
        self.addresses: Mapping[str, str] = translation.addresses
        """Address of each resource, by its logical id."""
        self.region = plan.region
        notes = list(translation.notes)
        if not plan.is_whole:
            notes.append(Note(_PLAN, "the resources that are deferred", "Terraform plans them after this apply"))
        self._notes = notes

    def topology(self, region: str | None) -> Topology:
        """Read the endpoint model."""
        topology = topology_of(self, _PlanResolver(self, region), region)
        unread = [
            Unread(subject=Subject(kind="resource", name=note.name), question=note.question, why=note.why)
            for note in self._notes
        ]
        return Topology(**{**topology.__dict__, "unread": (*topology.unread, *unread)})


class _PlanResolver(Resolver):
    def __init__(self, template: Mapping[str, Any], region: str | None) -> None:
        super().__init__(template, region=region, parameters={})
        self.world = _PlanWorld(region)


class _PlanWorld(World):
    def other_function(self, name: str) -> Value:
        return Unknown("Terraform marks it as sensitive" if name == SENSITIVE else "it is known after the apply")
