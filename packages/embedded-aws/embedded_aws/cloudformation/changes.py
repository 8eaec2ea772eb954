"""The changes that an update would make: the difference between the deployed stack and a new template.

Changes have the shape that DescribeChangeSet returns. A change is `Static` if it is certain now, and `Dynamic` if it
depends on the outcome of another resource's update.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedded_aws.cloudformation.checks import needs_of
from embedded_aws.cloudformation.desired import evaluation_of, properties_of, shown, value_of
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.evaluation import Evaluation
from embedded_aws.cloudformation.schemas import schema_of
from embedded_aws.cloudformation.state import DesiredState, Resource, Stack
from embedded_aws.evidence import ASSUMED
from replicas.endpoint.values import open_values
from replicas.template.references import mentions
from replicas.template.updates import Outcome, PropertyChange, ResourceChange, Update

_ABSENT = object()
_REPLACEMENT = {
    Outcome.REPLACED: "True",
    Outcome.MAY_BE_REPLACED: "Conditional",
    Outcome.ROLLED: "False",
    Outcome.UPDATED: "False",
    Outcome.UNCHANGED: "False",
}


class Comparison:
    """Compares a deployed stack with a new template."""

    def __init__(self, stack: Stack, desired: DesiredState, region: str, imported: Callable[[str], str]) -> None:
        self._stack = stack
        self._desired = desired
        self._region = region
        self._deployed = {
            name: resource for name, resource in stack.resources.items() if resource.live and resource.physical_id
        }
        self._update = Update(
            {name: (resource.type, resource.properties) for name, resource in self._deployed.items()},
            lambda logical_id, attribute: value_of(self._deployed, logical_id, attribute),
        )
        self.evaluation = evaluation_of(desired, stack, region, lookup=self._update.lookup, imported=imported)
        self.properties: dict[str, dict[str, Any]] = {}
        """New properties by logical id. A value that is known only during the deployment is `Pending` or `Unknown`."""
        self.changes: list[dict[str, Any]] = []
        self._compare()

    def outputs_differ(self) -> bool:
        """Return whether the outputs change, even if no resource does."""
        old, new = self._stack.desired.template, self._desired.template
        if old.section("Outputs") != new.section("Outputs"):
            return True
        values = self.evaluation.value(_values(self.evaluation, new.section("Outputs")))
        return any(True for _ in open_values(values))

    def _compare(self) -> None:
        present = self.evaluation.present()
        for logical_id in needs_of(present):
            definition = present[logical_id]
            self.properties[logical_id] = properties_of(
                logical_id, definition, self.evaluation, self._desired, self._stack, self._region
            )
            deployed = self._deployed.get(logical_id)
            if deployed is not None and deployed.type != definition["Type"]:
                raise invalid(
                    "Update of resource type is not permitted. The new template modifies resource type of the "
                    f"following resources: [{logical_id}]",
                    ASSUMED,
                )
            former = self._stack.desired.template.resources.get(logical_id, {}).get("Properties", {})
            present_now = definition.get("Properties", {})
            change = self._update.add(
                logical_id,
                str(definition["Type"]),
                self.properties[logical_id],
                stated=[name for name in (*former, *present_now) if former.get(name) != present_now.get(name)],
                policies=[] if deployed is None else _changed_policies(deployed, definition),
            )
            if deployed is None:
                self.changes.append(self._added(logical_id, definition))
            elif change.properties or change.policies:
                self.changes.append(self._modified(change, deployed, definition))
        for logical_id, deployed in self._deployed.items():
            if logical_id not in present:
                self.changes.append(self._removed(deployed))

    def _added(self, logical_id: str, definition: Mapping[str, Any]) -> dict[str, Any]:
        change: dict[str, Any] = {
            "Action": "Add",
            "LogicalResourceId": logical_id,
            "ResourceType": definition["Type"],
            "Scope": [],
            "Details": [],
            "AfterContext": self._context(self.properties[logical_id], definition.get("Metadata")),
        }
        return {"Type": "Resource", "ResourceChange": change}

    def _removed(self, deployed: Resource) -> dict[str, Any]:
        change: dict[str, Any] = {
            "Action": "Remove",
            "PolicyAction": "Retain" if deployed.deletion_policy == "Retain" else "Delete",
            "LogicalResourceId": deployed.logical_id,
            "PhysicalResourceId": deployed.physical_id,
            "ResourceType": deployed.type,
            "Scope": [],
            "Details": [],
            "BeforeContext": self._context(deployed.properties, deployed.metadata),
        }
        return {"Type": "Resource", "ResourceChange": change}

    def _modified(self, compared: ResourceChange, deployed: Resource, definition: Mapping[str, Any]) -> dict[str, Any]:
        after = self.properties[deployed.logical_id]
        schema = schema_of(deployed.type, self._region)
        details = [
            detail
            for property_change in compared.properties
            for detail in self._details(deployed, definition, property_change)
        ]
        scope = [
            "Tags" if schema.tag_property and detail["Target"].get("Name") == schema.tag_property else "Properties"
            for detail in details
        ]
        for key in compared.policies:
            scope.append(key)
            target = {"Attribute": key, "RequiresRecreation": "Never"}
            details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
        change: dict[str, Any] = {
            "Action": "Modify",
            "LogicalResourceId": deployed.logical_id,
            "PhysicalResourceId": deployed.physical_id,
            "ResourceType": deployed.type,
            "Replacement": _REPLACEMENT[compared.outcome],
            "Scope": list(dict.fromkeys(scope)),
            "Details": details,
            "BeforeContext": self._context(deployed.properties, deployed.metadata),
            "AfterContext": self._context(after, definition.get("Metadata")),
        }
        if change["Replacement"] == "True":
            retained = definition.get("UpdateReplacePolicy") == "Retain"
            change["PolicyAction"] = "ReplaceAndRetain" if retained else "ReplaceAndDelete"
        return {"Type": "Resource", "ResourceChange": change}

    def _details(
        self, deployed: Resource, definition: Mapping[str, Any], compared: PropertyChange
    ) -> Iterator[dict[str, Any]]:
        name = compared.name
        before = deployed.properties.get(name, _ABSENT)
        after = self.properties[deployed.logical_id].get(name, _ABSENT)
        target: dict[str, Any] = {
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": str(compared.recreation),
            "Path": f"/Properties/{name}",
            "AttributeChangeType": "Add" if before is _ABSENT else "Remove" if after is _ABSENT else "Modify",
        }
        if before is not _ABSENT:
            target["BeforeValue"] = self._plain(before)
        if after is not _ABSENT:
            target["AfterValue"] = self._plain(after)
        for source in compared.pending:
            yield {
                "Target": target,
                "Evaluation": "Static" if source.certain else "Dynamic",
                "ChangeSource": "ResourceAttribute" if source.attribute else "ResourceReference",
                "CausingEntity": f"{source.logical_id}.{source.attribute}" if source.attribute else source.logical_id,
            }
        if compared.stated:
            yield {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}
        elif not compared.pending:
            known = self._desired.template.section("Parameters")
            expression = definition.get("Properties", {}).get(name)
            used = [mentioned for mentioned, _ in mentions([expression]) if mentioned in known]
            for parameter in dict.fromkeys(used):
                yield {
                    "Target": target,
                    "Evaluation": "Static",
                    "ChangeSource": "ParameterReference",
                    "CausingEntity": parameter,
                }
            if not used:
                yield {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}

    def _plain(self, value: Any) -> str:
        text = shown(value, self._desired, self._stack.desired)
        return str(json.loads(text)) if isinstance(value, str) else text

    def _context(self, properties: Any, metadata: Any) -> str:
        content = {"Properties": properties}
        if metadata is not None:
            content["Metadata"] = metadata
        return shown(content, self._desired, self._stack.desired)


def _values(evaluation: Evaluation, outputs: Mapping[str, Any]) -> list[Any]:
    return [
        output["Value"]
        for output in outputs.values()
        if "Condition" not in output or evaluation.condition(output["Condition"])
    ]


def _changed_policies(deployed: Resource, definition: Mapping[str, Any]) -> list[str]:
    """Return the resource attributes (Metadata and policies) that differ from the deployed ones."""
    known = {
        "Metadata": (deployed.metadata, None),
        "DeletionPolicy": (deployed.deletion_policy, "Delete"),
        "UpdateReplacePolicy": (deployed.replace_policy, "Delete"),
    }
    return [key for key, (value, default) in known.items() if definition.get(key, default) != value]


def without_values(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change as DescribeChangeSet returns it without IncludePropertyValues."""
    resource = {key: value for key, value in change["ResourceChange"].items() if not key.endswith("Context")}
    hidden = ("Path", "BeforeValue", "AfterValue", "AttributeChangeType")
    resource["Details"] = [
        {**detail, "Target": {key: value for key, value in detail["Target"].items() if key not in hidden}}
        for detail in resource["Details"]
    ]
    return {**change, "ResourceChange": resource}
