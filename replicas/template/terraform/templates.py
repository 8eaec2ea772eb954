"""A Terraform plan as a CloudFormation template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology, Unread
from replicas.endpoint.values import Unknown, Value
from replicas.errors import ProofError
from replicas.template.endpoints import topology_of
from replicas.template.evaluation import Resolver
from replicas.template.terraform.plans import Plan
from replicas.template.terraform.translation import Note, Translation
from replicas.template.terraform.types import SENSITIVE
from replicas.template.world import World

_PLAN = "Terraform"
"""Subject of questions about the whole Terraform plan."""


class TerraformTemplate(dict[str, Any]):
    """The resources of a Terraform plan as a template, with the information that a template cannot hold."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """Translate the JSON of `terraform show -json`. Raises `ProofError` if its format is not supported."""
        plan = Plan(content)
        translation = Translation(plan)
        super().__init__(Resources=translation.resources)
        self.addresses: Mapping[str, str] = translation.addresses
        """Address of each resource, by its logical id."""
        regions = plan.regions
        self.region = next(iter(regions)) if len(regions) == 1 else None
        """Region of all resources; None if the plan does not state it."""
        if len(regions - {None}) > 1:
            named = ", ".join(sorted(filter(None, regions)))
            raise ProofError(
                f"the resources of the Terraform plan are in several regions, {named}, but only one region can be "
                f"checked: create a plan for each region (terraform plan -target=ADDRESS)"
            )
        notes = list(translation.notes)
        if not plan.is_whole:
            notes.append(Note(_PLAN, "the resources that are deferred", "Terraform plans them after this apply"))
        self._notes = notes
        self._open_waits = translation.open_waits

    def topology(self, region: str | None) -> Topology:
        """Return the endpoint model of the plan."""
        topology = topology_of(self, _PlanResolver(self, region), region)
        unread = [
            Unread(subject=Subject(kind="resource", name=note.name), question=note.question, why=note.why)
            for note in self._notes
        ]
        waits = [each for each in topology.wiring.waits if each.subject.name not in self._open_waits]
        open_waits = [each for each in topology.wiring.waits if each.subject.name in self._open_waits]
        unread += [
            Unread(
                subject=each.subject,
                question=f"whether it depends on {each.awaited.name}",
                why="it uses a local value, `each` or a dynamic block, whose references the plan does not show",
            )
            for each in open_waits
        ]
        wiring = replace(topology.wiring, waits=tuple(waits))
        return replace(topology, unread=(*topology.unread, *unread), wiring=wiring)


class _PlanResolver(Resolver):
    def __init__(self, template: Mapping[str, Any], region: str | None) -> None:
        super().__init__(template, region=region, parameters={})
        self.world = _PlanWorld(region)


class _PlanWorld(World):
    def other_function(self, name: str) -> Value:
        return Unknown("Terraform marks it as sensitive" if name == SENSITIVE else "it is known after the apply")
