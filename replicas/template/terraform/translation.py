"""Translates the resources of a Terraform plan to resources of a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicas.names import ResourceType
from replicas.template.schemas import Schema, property_schemas, resolved
from replicas.template.terraform.iam import iam_properties, read_json
from replicas.template.terraform.plans import Plan, PlannedResource
from replicas.template.terraform.types import (
    AFTER_APPLY,
    CLOUD_CONTROL,
    COMPONENT_NAME,
    MADE_BY_TERRAFORM,
    SENSITIVE,
    STACKS,
    TYPES,
    TypeNames,
    spelling,
)

_NO_TYPE = TypeNames(type="")
_WHOLE = frozenset(
    {"EndpointName", "EndpointArn", "EndpointConfigName", "ModelName", "ExecutionRoleArn", "InferenceComponentName"}
    | {"BaseInferenceComponentName", "ResourceId", "ScalableDimension", "ServiceNamespace"}
)
"""Properties that hold a single value. In other properties, an expression may embed a reference in a text."""
_MADE_BY: Mapping[str, str] = {
    "EndpointName": ResourceType.ENDPOINT,
    "EndpointConfigName": ResourceType.ENDPOINT_CONFIG,
    "ModelName": ResourceType.MODEL,
    "ExecutionRoleArn": ResourceType.ROLE,
    "BaseInferenceComponentName": ResourceType.COMPONENT,
}
"""Resource type whose name or ARN a property takes."""
_PAIRS: Mapping[str, tuple[str, str]] = {"Tags": ("Key", "Value"), "Dimensions": ("Name", "Value")}


@dataclass(frozen=True)
class Note:
    """A part of the Terraform plan that is not read."""

    name: str
    """Logical id of the resource."""
    question: str
    why: str


class Translation:
    """A Terraform plan translated to a template: resources, Terraform addresses, and the parts of the plan that are not
    read.
    """

    def __init__(self, plan: Plan) -> None:
        """Translate the resources of supported types; other types are left out."""
        self._plan = plan
        self.notes: list[Note] = []
        self.addresses: dict[str, str] = {}
        """Address of each resource, by its logical id."""
        self.open_waits: set[str] = set()
        """Logical ids of the resources that may have more dependencies than the plan shows."""
        self._ids: dict[str, str] = {}
        for resource in plan.resources:
            letters = "".join(character for character in resource.address.title() if character.isalnum())
            own = f"{letters}{len(self._ids)}" if letters in self.addresses else letters
            self._ids[resource.address] = own
            self.addresses[own] = resource.address
        self.resources = {
            self._ids[resource.address]: self._written(resource)
            for resource in plan.resources
            if resource.type in TYPES
        }
        self._attach()
        self._schedules()
        self._elsewhere()

    def _written(self, resource: PlannedResource) -> dict[str, Any]:
        names = TYPES[resource.type]
        if names.type.startswith(ResourceType.IAM):
            properties = iam_properties(resource, self._role_of(resource))
        else:
            properties = _Reader(self, resource, property_schemas()[names.type]).properties()
        written: dict[str, Any] = {"Type": names.type, "Properties": properties}
        needs = self._needs(resource)
        return {**written, "DependsOn": needs} if needs else written

    def _needs(self, origin: PlannedResource) -> list[str]:
        """Return the logical ids of the resources that Terraform creates before the resource `origin`."""
        awaited, is_all = self._plan.awaited(origin)
        if not is_all:
            self.open_waits.add(self._ids[origin.address])
        return [self._ids[each.address] for each in awaited if each.type in TYPES or each.type == CLOUD_CONTROL]

    def reference(self, expression: Any, origin: PlannedResource, name: str) -> Any:
        """Return the value of an expression after the apply: an attribute of a resource, or an unknown value."""
        mentions = [mention for mention in self._plan.mentions(expression, origin.module) if mention.attribute]
        if len(mentions) > 1:  # the expressions of a nested object are listed together
            made_by = [kind for kind, names in TYPES.items() if names.type == _MADE_BY.get(name)]
            mentions = [mention for mention in mentions if mention.base.partition(".")[0] in made_by]
        instances = self._plan.instances(mentions[0], origin) if len(mentions) == 1 and name in _WHOLE else []
        if len(instances) != 1 or instances[0].type not in TYPES:
            return {AFTER_APPLY: ""}
        made, attribute = instances[0], mentions[0].attribute or ""
        logical_id, known = self._ids[made.address], TYPES[made.type].made
        if attribute in known:
            given = known[attribute]
            return {"Ref": logical_id} if given is None else {"Fn::GetAtt": [logical_id, given]}
        if attribute == COMPONENT_NAME:
            arn = {"Fn::GetAtt": [logical_id, "InferenceComponentArn"]}
            return {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}
        if made.address != origin.address and attribute in made.expressions:
            return self.reference(made.expressions[attribute], made, name)
        return {AFTER_APPLY: ""}

    def _role_of(self, resource: PlannedResource) -> Any:
        """Return the role that a policy belongs to."""
        given = resource.values.get("role")
        roles = [
            role
            for mention in self._plan.mentions(resource.expressions.get("role"), resource.module)
            for role in self._plan.instances(mention, resource)
            if TYPES.get(role.type, _NO_TYPE).type == ResourceType.ROLE
        ]
        return {"Ref": self._ids[roles[0].address]} if roles else given

    def _attach(self) -> None:
        """Attach managed policies to roles: name the policy in the role, or the role in a policy of the plan."""
        for resource in self._plan.resources:
            if resource.type == "aws_iam_policy_attachment":
                self._attach_to_all(resource)
            if resource.type != "aws_iam_role_policy_attachment":
                continue
            role = self._role_of(resource)
            holders = [
                body["Properties"]
                for name, body in self.resources.items()
                if body["Type"] == ResourceType.ROLE
                and (role == {"Ref": name} or role == body["Properties"].get("RoleName"))
            ]
            policies = [
                self.resources[self._ids[policy.address]]["Properties"]
                for mention in self._plan.mentions(resource.expressions.get("policy_arn"), resource.module)
                for policy in self._plan.instances(mention, resource)
                if policy.type == "aws_iam_policy"
            ]
            for policy in policies:
                policy.setdefault("Roles", []).append(role)
            for properties in [] if policies else holders:
                given = resource.values.get("policy_arn")
                properties.setdefault("ManagedPolicyArns", []).append(given or {AFTER_APPLY: ""})

    def _attach_to_all(self, resource: PlannedResource) -> None:
        """Add the policy of an exclusive attachment to every role that it may name."""
        named = resource.values.get("roles") or ()
        for body in self.resources.values():
            is_unknown = bool(_keys(resource.unknown).get("roles"))
            if body["Type"] == ResourceType.ROLE and (is_unknown or body["Properties"].get("RoleName") in named):
                arn = resource.values.get("policy_arn") or {AFTER_APPLY: ""}
                body["Properties"].setdefault("ManagedPolicyArns", []).append(arn)

    def _schedules(self) -> None:
        """Add the scheduled actions of the provider `aws` to their targets, as CloudFormation declares them."""
        targets = [
            body["Properties"] for body in self.resources.values() if body["Type"] == ResourceType.SCALABLE_TARGET
        ]
        for resource in self._plan.resources:
            if resource.type != "aws_appautoscaling_scheduled_action":
                continue
            given = resource.values.get("resource_id")
            matching = [target for target in targets if given is not None and target.get("ResourceId") == given]
            action = (resource.values.get("scalable_target_action") or [{}])[0]
            bounds = {"MinCapacity": action.get("min_capacity"), "MaxCapacity": action.get("max_capacity")}
            for target in matching:
                target.setdefault("ScheduledActions", []).append(
                    {
                        "ScheduledActionName": resource.values.get("name"),
                        "Schedule": resource.values.get("schedule"),
                        "Timezone": resource.values.get("timezone") or "UTC",
                        "ScalableTargetAction": {
                            name: int(bound) for name, bound in bounds.items() if bound is not None
                        },
                    }
                )
            if not matching:
                self.addresses[self._ids[resource.address]] = resource.address
                why = "its resource_id is known after the apply, or belongs to a target that the plan does not have"
                self.notes.append(Note(self._ids[resource.address], "which target the scheduled action scales", why))

    def _elsewhere(self) -> None:
        """Read resources of the Cloud Control API; note the stacks of CloudFormation that the plan deploys."""
        for resource in self._plan.resources:
            own, kind = self._ids[resource.address], str(resource.values.get("type_name"))
            if resource.type in STACKS:
                self.notes.append(
                    Note(own, "which resources the stack deploys", "its template must be checked separately")
                )
            elif resource.type == CLOUD_CONTROL and kind in property_schemas():
                state = read_json(resource.values.get("desired_state"))
                if _keys(resource.sensitive).get("desired_state") is True:
                    self.notes.append(Note(own, f"the {kind}", "its desired_state is marked as sensitive"))
                elif isinstance(state, dict) and AFTER_APPLY not in state:
                    self.resources[own] = {"Type": kind, "Properties": state, "DependsOn": self._needs(resource)}
                else:
                    self.notes.append(Note(own, f"the {kind}", "its desired_state is known after the apply"))

    def id_of(self, resource: PlannedResource) -> str:
        """Return the logical id of a resource."""
        return self._ids[resource.address]


class _Reader:
    """Writes the properties of one resource by the schema of its type."""

    def __init__(self, translation: Translation, resource: PlannedResource, schema: Schema) -> None:
        self._translation = translation
        self._resource = resource
        self._schema = schema

    def properties(self) -> dict[str, Any]:
        resource = self._resource
        written: dict[str, Any] = self._object(
            self._schema, resource.values, resource.unknown, resource.sensitive, resource.expressions, top=True
        )
        return written

    def _object(
        self, schema: Schema, values: Any, unknown: Any, sensitive: Any, expressions: Any, *, top: bool = False
    ) -> dict[str, Any]:
        renamed = TYPES[self._resource.type].properties if top else {}
        by_spelling = {spelling(name): name for name in schema.get("properties", {})}
        written = {}
        for key in dict.fromkeys([*values, *(key for key in _keys(unknown) if key not in values)]):
            name = renamed.get(key) or by_spelling.get(spelling(key)) or by_spelling.get(f"{spelling(key)}s")
            value = values.get(key)
            is_unknown = _keys(unknown).get(key) is True
            if name is None or name not in schema.get("properties", {}):
                if value not in (None, [], {}, "", False) and not (top and key in MADE_BY_TERRAFORM):
                    self._not_read(key)
                continue
            is_listed = isinstance(expressions, Mapping) and "references" not in expressions
            if is_unknown and is_listed and key not in expressions:
                continue  # not in the configuration: a generated name, an ARN, a default of the service
            if is_unknown and not is_listed and name in self._schema.get("readOnlyProperties", ()):
                continue
            part = resolved(self._schema, schema["properties"][name])
            own = _keys(expressions).get(key) if is_listed else expressions
            below = (_keys(unknown).get(key), _keys(sensitive).get(key), own)
            item = self._value(name, part, value, *below)
            if item is not None:
                written[name] = item
        return written

    def _value(self, name: str, schema: Schema, value: Any, unknown: Any, sensitive: Any, expression: Any) -> Any:
        if unknown is True:
            return self._translation.reference(expression, self._resource, name)
        if value is None or value in ([], {}):
            return None
        if sensitive is True:
            return {SENSITIVE: ""}
        if name in _PAIRS and isinstance(value, Mapping):
            first, second = _PAIRS[name]
            return [
                {first: key, second: self._value(second, {}, item, _keys(unknown).get(key), None, None)}
                for key, item in {**dict.fromkeys(_keys(unknown)), **value}.items()
            ]
        if isinstance(value, list) and "properties" in schema:  # a block that may occur at most once
            return self._object(schema, value[0], *map(_first, (unknown, sensitive, expression)))
        if isinstance(value, list):
            inner = resolved(self._schema, schema.get("items", {}))
            lists = (_list(unknown), _list(sensitive), _list(expression))
            return [
                self._value("", inner, item, *(_item(given, place) for given in lists))
                for place, item in enumerate(value)
            ]
        if isinstance(value, Mapping) and "properties" in schema:
            return self._object(schema, value, unknown, sensitive, expression)
        if isinstance(value, Mapping):
            return {
                key: self._value(
                    "",
                    {},
                    value.get(key),
                    _keys(unknown).get(key),
                    _keys(sensitive).get(key),
                    _keys(expression).get(key),
                )
                for key in dict.fromkeys([*value, *_keys(unknown)])
            }
        return value

    def _not_read(self, key: str) -> None:
        why = f"{self._resource.type}.{key} is not read"
        self._translation.notes.append(Note(self._translation.id_of(self._resource), f"what {key} does", why))


def _keys(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _item(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None
