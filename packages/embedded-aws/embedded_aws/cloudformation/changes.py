"""What an update would change: the difference between what is deployed and a new template.

A change is told in the shape that DescribeChangeSet answers with. `Static` are changes that are known now,
`Dynamic` those that depend on what an update makes of another resource.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedded_aws.cloudformation.checks import needs_of
from embedded_aws.cloudformation.desired import evaluation_of, properties_of, shown, value_of
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.intrinsics import Evaluation, Unresolved, unresolved_in
from embedded_aws.cloudformation.references import mentions
from embedded_aws.cloudformation.schemas import Schema, schema_of
from embedded_aws.cloudformation.state import Resource, Stack, Wanted

_ABSENT = object()


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The top-level properties that differ, in the order of the schema's user: new ones first as written."""
    names = dict.fromkeys([*after, *before])
    return [name for name in names if before.get(name, _ABSENT) != after.get(name, _ABSENT)]


def recreation(schema: Schema, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Whether changing a property takes a new physical resource: Always, Conditionally or Never."""
    for word, paths in (("Always", schema.create_only), ("Conditionally", schema.conditional_create_only)):
        for first, *rest in paths:
            if first == name and _at(before.get(name), rest) != _at(after.get(name), rest):
                return word
    return "Never"


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(value, Unresolved):
            return value
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


class Comparison:
    """A stack beside a new template."""

    def __init__(self, stack: Stack, wanted: Wanted, region: str, imported: Callable[[str], str]) -> None:
        self._stack = stack
        self._wanted = wanted
        self._region = region
        self._deployed = {name: one for name, one in stack.resources.items() if one.live and one.physical_id}
        self._fate: dict[str, str] = {}
        """What happens to a resource of the new template: Add, True, Conditional, False (as Replacement) or keep."""
        self.evaluation = evaluation_of(wanted, stack, region, lookup=self._lookup, imported=imported)
        self.properties: dict[str, dict[str, Any]] = {}
        """The new properties by logical id, with `Unresolved` where they are known only later."""
        self.changes: list[dict[str, Any]] = []
        self._compare()

    def outputs_differ(self) -> bool:
        """Whether outputs change although no resource does."""
        old, new = self._stack.wanted.template, self._wanted.template
        if old.section("Outputs") != new.section("Outputs"):
            return True
        return bool(list(unresolved_in(self.evaluation.value(_values(self.evaluation, new.section("Outputs"))))))

    def _compare(self) -> None:
        present = self.evaluation.present()
        for logical_id in needs_of(present):
            definition = present[logical_id]
            self.properties[logical_id] = properties_of(
                logical_id, definition, self.evaluation, self._wanted, self._stack, self._region
            )
            deployed = self._deployed.get(logical_id)
            if deployed is None:
                self._fate[logical_id] = "Add"
                self.changes.append(self._added(logical_id, definition))
                continue
            if deployed.type != definition["Type"]:
                raise invalid(
                    "Update of resource type is not permitted. The new template modifies resource type of the "
                    f"following resources: [{logical_id}]"
                )
            change = self._modified(deployed, definition)
            self._fate[logical_id] = change["ResourceChange"]["Replacement"] if change else "keep"
            if change:
                self.changes.append(change)
        for logical_id, deployed in self._deployed.items():
            if logical_id not in present:
                self.changes.append(self._removed(deployed))

    def _lookup(self, logical_id: str, attribute: str | None) -> Any:
        match self._fate.get(logical_id):
            case "Add" | "True":
                return Unresolved(logical_id, attribute)
            case "Conditional":
                return Unresolved(logical_id, attribute, certain=False)
            case "False" if attribute and not self._is_lasting(logical_id, attribute):
                return Unresolved(logical_id, attribute, certain=False)
        return value_of(self._deployed, logical_id, attribute)

    def _is_lasting(self, logical_id: str, attribute: str) -> bool:
        """Whether an attribute stays as long as the resource does: identifiers and what cannot change in place."""
        schema = schema_of(self._deployed[logical_id].type, self._region)
        return (attribute,) in schema.create_only | schema.identifiers

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

    def _modified(self, deployed: Resource, definition: Mapping[str, Any]) -> dict[str, Any] | None:
        after = self.properties[deployed.logical_id]
        schema = schema_of(deployed.type, self._region)
        details = [
            detail
            for name in differing(deployed.properties, after)
            for detail in self._details(
                deployed, definition, name, recreation(schema, name, deployed.properties, after)
            )
        ]
        scope = [
            "Tags" if schema.tag_property and detail["Target"].get("Name") == schema.tag_property else "Properties"
            for detail in details
        ]
        for key, known in (
            ("Metadata", deployed.metadata),
            ("DeletionPolicy", deployed.deletion_policy),
            ("UpdateReplacePolicy", deployed.replace_policy),
        ):
            default = None if key == "Metadata" else "Delete"
            if definition.get(key, default) != known:
                scope.append(key)
                target = {"Attribute": key, "RequiresRecreation": "Never"}
                details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
        if not details:
            return None
        change: dict[str, Any] = {
            "Action": "Modify",
            "LogicalResourceId": deployed.logical_id,
            "PhysicalResourceId": deployed.physical_id,
            "ResourceType": deployed.type,
            "Replacement": _replacement(details),
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
        self, deployed: Resource, definition: Mapping[str, Any], name: str, word: str
    ) -> Iterator[dict[str, Any]]:
        before = deployed.properties.get(name, _ABSENT)
        after = self.properties[deployed.logical_id].get(name, _ABSENT)
        target: dict[str, Any] = {
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": word,
            "Path": f"/Properties/{name}",
            "AttributeChangeType": "Add" if before is _ABSENT else "Remove" if after is _ABSENT else "Modify",
        }
        if before is not _ABSENT:
            target["BeforeValue"] = self._plain(before)
        if after is not _ABSENT:
            target["AfterValue"] = self._plain(after)
        pending = list(dict.fromkeys(unresolved_in(after)))
        for one in pending:
            yield {
                "Target": target,
                "Evaluation": "Static" if one.certain else "Dynamic",
                "ChangeSource": "ResourceAttribute" if one.attribute else "ResourceReference",
                "CausingEntity": f"{one.logical_id}.{one.attribute}" if one.attribute else one.logical_id,
            }
        old = self._stack.wanted.template.resources.get(deployed.logical_id, {}).get("Properties", {})
        new = definition.get("Properties", {})
        if old.get(name) != new.get(name):
            yield {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}
        elif not pending:
            known = self._wanted.template.section("Parameters")
            used = [one for one, _ in mentions({name: new.get(name)}) if one in known]
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
        text = shown(value, self._wanted, self._stack.wanted)
        return str(json.loads(text)) if isinstance(value, str) else text

    def _context(self, properties: Any, metadata: Any) -> str:
        content = {"Properties": properties}
        if metadata is not None:
            content["Metadata"] = metadata
        return shown(content, self._wanted, self._stack.wanted)


def _values(evaluation: Evaluation, outputs: Mapping[str, Any]) -> list[Any]:
    return [
        one["Value"] for one in outputs.values() if "Condition" not in one or evaluation.condition(one["Condition"])
    ]


def _replacement(details: list[dict[str, Any]]) -> str:
    words = {(detail["Target"]["RequiresRecreation"], detail["Evaluation"]) for detail in details}
    if ("Always", "Static") in words:
        return "True"
    if ("Always", "Dynamic") in words or any(word == "Conditionally" for word, _ in words):
        return "Conditional"
    return "False"


def without_values(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change as it is answered when nobody asked for the values of properties."""
    resource = {key: value for key, value in change["ResourceChange"].items() if not key.endswith("Context")}
    hidden = ("Path", "BeforeValue", "AfterValue", "AttributeChangeType")
    resource["Details"] = [
        {**detail, "Target": {key: value for key, value in detail["Target"].items() if key not in hidden}}
        for detail in resource["Details"]
    ]
    return {**change, "ResourceChange": resource}
