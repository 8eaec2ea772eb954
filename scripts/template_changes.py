"""What changes between two sets of CloudFormation templates, and which of it touches serving. Pure: no process, no file.

Whether CloudFormation replaces a resource is read from the templates and from the create-only properties of its type, not
from any tool's text. Of the two types that serve, as their CloudFormation schemas say:

| type                               | create-only properties |
|------------------------------------|------------------------|
| AWS::SageMaker::Endpoint           | EndpointName           |
| AWS::SageMaker::InferenceComponent | none                   |

An inference component is bound to its name, endpoint and variant all the same: `UpdateInferenceComponent` takes a new value
for none of them (botocore 1.44.5). Moving one is therefore a removal and a creation under another logical id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Template = Mapping[str, Any]
Resource = Mapping[str, Any]

ENDPOINT = "AWS::SageMaker::Endpoint"
COMPONENT = "AWS::SageMaker::InferenceComponent"
SERVING = {ENDPOINT: "endpoint", COMPONENT: "inference component"}
NAME_PROPERTY = {ENDPOINT: "EndpointName", COMPONENT: "InferenceComponentName"}
COMPONENT_IDENTITY = ("InferenceComponentName", "EndpointName", "VariantName")


class Status(StrEnum):
    """What happens to a stack."""

    NEW = "new"
    REMOVED = "removed"
    CHANGED = "changed"


class Fate(StrEnum):
    """What happens to a resource that serves."""

    REPLACED = "is replaced"
    REMOVED = "is removed"
    MOVED = "is removed and created again under another logical id"
    STUCK = "changes in a way that SageMaker has no call for"


@dataclass(frozen=True)
class Stack:
    """A synthesised stack: its template, and its environment as `aws://ACCOUNT/REGION`."""

    template: Template
    environment: str = "aws://unknown-account/unknown-region"


@dataclass(frozen=True)
class ServingChange:
    """A change that requests can feel.

    `type` is a key of `SERVING`, `logical_id` is that of the old template, `meaning` is for the one who deploys.
    """

    type: str
    logical_id: str
    fate: Fate
    meaning: str


@dataclass(frozen=True)
class StackChange:
    """A stack that is not the same in both revisions. `environments` holds the old and the new one where they differ."""

    name: str
    status: Status
    serving: tuple[ServingChange, ...] = ()
    environments: tuple[str, str] | None = None
    has_endpoint: bool = False


def compare(old: Mapping[str, Stack], new: Mapping[str, Stack]) -> list[StackChange]:
    """Return the stacks that differ, by name: those of `new` in their order, then the removed ones."""
    changes: list[StackChange] = []
    for name, stack in new.items():
        before = old.get(name)
        if before is None:
            changes.append(StackChange(name, Status.NEW, has_endpoint=_has_endpoint(stack)))
        elif not same(before.template, stack.template) or before.environment != stack.environment:
            serving = tuple(serving_changes(before.template, stack.template))
            moved = (before.environment, stack.environment) if before.environment != stack.environment else None
            changes.append(StackChange(name, Status.CHANGED, serving, moved, _has_endpoint(stack)))
    for name, stack in old.items():
        if name not in new:
            changes.append(StackChange(name, Status.REMOVED, has_endpoint=_has_endpoint(stack)))
    return changes


def same(left: object, right: object) -> bool:
    """Whether two pieces of JSON are equal. Unlike with Python's `==`, `1` and `true` are not."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def serving_changes(old: Template, new: Template) -> list[ServingChange]:
    """Return what happens to the endpoints and inference components of a stack, in the order of the old template."""
    before, after = _serving(old), _serving(new)
    kept = {key for key in before if key in after and after[key]["Type"] == before[key]["Type"]}
    replaced = {key for key in kept if before[key]["Type"] == ENDPOINT and _differ("EndpointName", before[key], after[key])}
    created = {key: resource for key, resource in after.items() if key not in kept}
    successors = _successors({key: resource for key, resource in before.items() if key not in kept}, created)
    changes: list[ServingChange] = []
    for key, resource in before.items():
        if key in replaced:
            changes.append(_replaced(key, resource, after[key]))
        elif key in successors:
            changes.append(_moved(key, resource, successors[key], created[successors[key]]))
        elif key not in kept:
            changes.append(_removed(key, resource))
        elif resource["Type"] == COMPONENT:
            changes.extend(_stuck(key, resource, after[key], replaced))
    return changes


def _replaced(key: str, old: Resource, new: Resource) -> ServingChange:
    end = (
        "The old endpoint is kept (UpdateReplacePolicy) and costs until someone deletes it."
        if _retained(new, "UpdateReplacePolicy")
        else "The old one is deleted when the rest of the update has succeeded."
    )
    names = f"{_show(_property(old, 'EndpointName'))} -> {_show(_property(new, 'EndpointName'))}"
    meaning = f"EndpointName is create-only ({names}): a new endpoint is created, and callers must move to it. {end}"
    return ServingChange(ENDPOINT, key, Fate.REPLACED, meaning)


def _moved(key: str, old: Resource, successor: str, new: Resource) -> ServingChange:
    kind = old["Type"]
    retained = _retained(old, "DeletionPolicy")
    if kind == COMPONENT:
        meaning = (
            f"{successor} is created before {key} is deleted, which needs free accelerators for both; "
            "then requests to the old one fail."
        )
    else:
        meaning = f"A new endpoint {successor} is created, and callers must move to it; then requests to the old one fail."
    if retained:
        meaning = (
            f"{successor} is created beside it. The old one is kept (DeletionPolicy): it serves and costs outside of the stack."
        )
    name = _property(old, NAME_PROPERTY[kind])
    if name is not None and same(name, _property(new, NAME_PROPERTY[kind])):
        meaning += f" Both are named {_show(name)}: the creation fails as long as the old one exists."
    return ServingChange(kind, key, Fate.MOVED, meaning)


def _removed(key: str, old: Resource) -> ServingChange:
    meaning = (
        "It is kept (DeletionPolicy): it serves and costs outside of the stack."
        if _retained(old, "DeletionPolicy")
        else "It is deleted and nothing takes its place: requests to it fail."
    )
    return ServingChange(old["Type"], key, Fate.REMOVED, meaning)


def _stuck(key: str, old: Resource, new: Resource, replaced: set[str]) -> list[ServingChange]:
    changed = [name for name in COMPONENT_IDENTITY if _differ(name, old, new)]
    if changed:
        reason = f"Under the same logical id it has another {' and another '.join(changed)}"
    elif _references(_property(new, "EndpointName")) & replaced:
        reason = "Its endpoint is replaced while its logical id stays"
    else:
        return []
    meaning = (
        f"{reason}. CloudFormation takes that for an update in place, but UpdateInferenceComponent can neither rename nor "
        "move a component: give it another logical id."
    )
    return [ServingChange(COMPONENT, key, Fate.STUCK, meaning)]


def _successors(gone: Mapping[str, Resource], created: Mapping[str, Resource]) -> dict[str, str]:
    """Pair each removed resource with the created one of its type that is most like it; each is used once."""
    ranked = sorted(
        (-_likeness(old, new), old_key, new_key)
        for old_key, old in gone.items()
        for new_key, new in created.items()
        if old["Type"] == new["Type"]
    )
    pairs: dict[str, str] = {}
    for _, old_key, new_key in ranked:
        if old_key not in pairs and new_key not in pairs.values():
            pairs[old_key] = new_key
    return pairs


def _likeness(left: Resource, right: Resource) -> int:
    """Return how many properties the two have in common."""
    names = left.get("Properties", {}).keys() & right.get("Properties", {}).keys()
    return sum(not _differ(name, left, right) for name in names)


def _serving(template: Template) -> dict[str, Resource]:
    resources = template.get("Resources", {})
    return {key: value for key, value in resources.items() if isinstance(value, Mapping) and value.get("Type") in SERVING}


def _has_endpoint(stack: Stack) -> bool:
    return any(resource["Type"] == ENDPOINT for resource in _serving(stack.template).values())


def _property(resource: Resource, name: str) -> Any:
    return resource.get("Properties", {}).get(name)


def _differ(name: str, left: Resource, right: Resource) -> bool:
    return not same(_property(left, name), _property(right, name))


def _retained(resource: Resource, policy: str) -> bool:
    return str(resource.get(policy, "Delete")).startswith("Retain")


def _references(value: Any) -> set[str]:
    """Return the logical ids that a property's value names by `Ref` or `Fn::GetAtt` (in templates of CDK, a list)."""
    if not isinstance(value, Mapping):
        return set()
    return {str(value["Ref"])} if "Ref" in value else {str(name) for name in value.get("Fn::GetAtt", [])[:1]}


def _show(value: Any) -> str:
    """Return a name as a reader wants it: a word as it is, an intrinsic function as JSON."""
    if value is None:
        return "a generated name"
    return value if isinstance(value, str) else json.dumps(value)
