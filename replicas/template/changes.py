"""Changes between two sets of CloudFormation templates, and their effect on serving.

The functions start no process and read no file.

`differences` determines the effect on each resource from the CloudFormation schemas. This module describes the effect
on an endpoint in service. The schema of an inference component has no create-only properties, but its name, endpoint
and variant cannot change, because `UpdateInferenceComponent` (botocore 1.44.5) does not accept them. To move a
component, remove it and create it under another logical id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replicas.escaping import code_span
from replicas.names import REFUSED_STACK, ResourceType
from replicas.template.assertions import refusal_of
from replicas.template.differences import differences
from replicas.template.evaluation import Resolver
from replicas.template.references import names_in
from replicas.template.schemas import Recreation
from replicas.template.updates import Outcome, ResourceChange, same

Template = Mapping[str, Any]
Resource = Mapping[str, Any]

ENDPOINT = ResourceType.ENDPOINT
COMPONENT = ResourceType.COMPONENT
SERVING = {ENDPOINT: "endpoint", COMPONENT: "inference component"}
NAME_PROPERTY = {ENDPOINT: "EndpointName", COMPONENT: "InferenceComponentName"}
KEPT = "The old resource is kept (DeletionPolicy): it keeps serving, and is billed, outside of the stack."
STAYS = "refused: the new template cannot be deployed, and the deployed stack does not change"
NAMELESS = "no entry has this name: it was removed or renamed, or is refused and its name cannot be read"
COMPONENT_IDENTITY = ("InferenceComponentName", "EndpointName", "VariantName")


class Status(StrEnum):
    """Effect of a change on a stack."""

    CHANGED = "changed"
    NEW = "new"
    REMOVED = "removed"
    REFUSED = "refused"


class Fate(StrEnum):
    """Effect of a change on an endpoint or inference component."""

    REPLACED = "is replaced"
    UNSURE = "may be replaced"
    REMOVED = "is removed"
    MOVED = "is removed and created again under another logical id"
    STUCK = "changes in a way that no call of SageMaker's API supports"


@dataclass(frozen=True)
class Stack:
    """A synthesised stack: its template, and its environment as `aws://ACCOUNT/REGION`."""

    template: Template
    environment: str = "aws://unknown-account/unknown-region"


@dataclass(frozen=True)
class ServingChange:
    """A change that affects requests.

    `type` is a key of `SERVING`, `logical_id` is from the old template, and `meaning` explains the effect to the user.
    """

    type: str
    logical_id: str
    fate: Fate
    meaning: str

    @property
    def headline(self) -> str:
        """What happens, such as "endpoint `Endpoint` is replaced"."""
        return f"{SERVING[self.type]} {quote(self.logical_id)} {self.fate}"


@dataclass(frozen=True)
class StackChange:
    """A stack that differs between two revisions. `environments` is (old, new) if the environments differ."""

    name: str
    status: Status
    serving: tuple[ServingChange, ...] = ()
    environments: tuple[str, str] | None = None
    has_endpoint: bool = False
    refusal: str = ""
    """Reason why the new or the old template can never be deployed."""

    @property
    def is_present(self) -> bool:
        """True if the new revision has a stack with this name."""
        return self.status is not Status.REMOVED and self.refusal != NAMELESS

    @property
    def note(self) -> str:
        """One line about effects that the diff of the templates does not show; empty if it shows all effects."""
        if self.status is Status.NEW:
            return "new stack"
        if self.status is Status.REFUSED:
            return f"{STAYS} ({quote(self.refusal)})"
        if self.refusal:
            return (
                f"refused in the base revision ({quote(self.refusal)}): the deployed template is not known, "
                "so no effect is judged"
            )
        what = "its endpoint keeps" if self.has_endpoint else "its resources keep"
        if self.status is Status.REMOVED:
            return f"removed stack: {what} running until `cdk destroy` of the base revision"
        if self.environments:
            old, new = map(quote, self.environments)
            return (
                f"deployed to {new} instead of {old}: if that is another account or region, the old stack "
                f"remains, and {what} running"
            )
        return ""


def compare(old: Mapping[str, Stack], new: Mapping[str, Stack]) -> list[StackChange]:
    """Return the stacks that differ: first the stacks of `new` in their order, then the removed stacks.

    A stack whose new template CloudFormation can never deploy has the status `REFUSED`. No changes of its resources are
    listed.
    """
    changes: list[StackChange] = []
    for name, stack in new.items():
        before = old.get(name)
        if refusal := refusal_of(stack.template):
            changes.append(StackChange(name, Status.REFUSED, refusal=refusal))
        elif before is not None and (refusal := refusal_of(before.template)):
            changes.append(StackChange(name, Status.CHANGED, refusal=refusal))
        elif before is None:
            changes.append(StackChange(name, Status.NEW, has_endpoint=_has_endpoint(stack)))
        elif not same(before.template, stack.template) or before.environment != stack.environment:
            serving = tuple(serving_changes(before.template, stack.template))
            moved = (before.environment, stack.environment) if before.environment != stack.environment else None
            changes.append(StackChange(name, Status.CHANGED, serving, moved, _has_endpoint(stack)))
    nameless = any(name.startswith(REFUSED_STACK) and name not in old for name in new)
    for name, stack in old.items():
        if name in new:
            continue
        if nameless and not name.startswith(REFUSED_STACK):
            changes.append(StackChange(name, Status.REFUSED, refusal=NAMELESS))
        elif not refusal_of(stack.template):
            changes.append(StackChange(name, Status.REMOVED, has_endpoint=_has_endpoint(stack)))
    return changes


def serving_changes(old: Template, new: Template) -> list[ServingChange]:
    """Return the effects on the endpoints and inference components of a stack, in the order of the old template."""
    planned = differences(old, new)
    before, after = _serving(old), _serving(new)
    remaining = {key for key in before if key in after and after[key]["Type"] == before[key]["Type"]}
    created = {key: resource for key, resource in after.items() if key not in remaining}
    new_endpoints = {
        key
        for key, change in planned.items()
        if change.type == ENDPOINT and change.certain_outcome in (Outcome.CREATED, Outcome.REPLACED)
    }
    successors = _successors({key: resource for key, resource in before.items() if key not in remaining}, created)
    changes: list[ServingChange] = []
    for key, resource in before.items():
        if key in successors:
            changes.append(_moved(key, resource, successors[key], created[successors[key]], new_endpoints))
        elif key not in remaining:
            changes.append(_removed(key, resource))
        elif resource["Type"] == COMPONENT:
            changes.extend(_stuck(planned[key]))
        elif planned[key].certain_outcome in (Outcome.REPLACED, Outcome.MAY_BE_REPLACED):
            changes.append(_replaced(planned[key], resource, after[key]))
    return changes


def _replaced(change: ResourceChange, old: Resource, new: Resource) -> ServingChange:
    end = (
        "The old endpoint is kept (UpdateReplacePolicy) and is billed until someone deletes it."
        if _retained(new, "UpdateReplacePolicy")
        else "The old endpoint is deleted when the rest of the update has succeeded."
    )
    reasons = [
        f"{changed.name} is create-only ({_shown(old, changed.name)} -> {_shown(new, changed.name)})"
        for changed in change.properties
        if changed.recreation is not Recreation.NEVER
    ]
    fate = Fate.REPLACED if change.certain_outcome is Outcome.REPLACED else Fate.UNSURE
    meaning = f"{' and '.join(reasons)}: a new endpoint is created and callers must move to it. {end}"
    return ServingChange(ENDPOINT, change.logical_id, fate, meaning)


def _shown(resource: Resource, name: str) -> str:
    value = _property(resource, name)
    return "a generated name" if value is None else quote(value)


def _moved(key: str, old: Resource, successor: str, new: Resource, new_endpoints: set[str]) -> ServingChange:
    if _retained(old, "DeletionPolicy"):
        meaning = f"{quote(successor)} is created in addition. {KEPT}"
    elif old["Type"] == ENDPOINT:
        meaning = f"{quote(successor)} is created and callers must move to it; then requests to the old one fail."
    elif names_in(_property(new, "EndpointName")) & new_endpoints:
        meaning = (
            f"{quote(successor)} is created on the new endpoint, which needs additional instances; "
            "then requests to the old one fail."
        )
    else:
        meaning = (
            f"{quote(successor)} is created before {quote(key)} is deleted, which needs free accelerators for both; "
            "then requests to the old one fail."
        )
    name, new_name = _names(old, new)
    if name is not None and same(name, new_name):
        meaning += f" Both are named {quote(name)}: the creation fails as long as the old one exists."
    return ServingChange(old["Type"], key, Fate.MOVED, meaning)


def _removed(key: str, old: Resource) -> ServingChange:
    gone = "It is deleted without a replacement: requests to it fail."
    return ServingChange(old["Type"], key, Fate.REMOVED, KEPT if _retained(old, "DeletionPolicy") else gone)


def _stuck(change: ResourceChange) -> list[ServingChange]:
    bound = change.changed(*COMPONENT_IDENTITY)
    stated = [changed.name for changed in bound if not changed.pending]
    if stated:
        reason = f"The component keeps its logical id but gets another {' and another '.join(stated)}"
    elif bound:
        reason = "Its endpoint is replaced, but the component keeps its logical id"
    else:
        return []
    meaning = (
        f"{reason}. CloudFormation treats this as an update in place, but UpdateInferenceComponent can neither "
        f"rename nor move a component: give it another logical id."
    )
    return [ServingChange(COMPONENT, change.logical_id, Fate.STUCK, meaning)]


def _successors(gone: Mapping[str, Resource], created: Mapping[str, Resource]) -> dict[str, str]:
    """Pair removed resources with the most similar created resources of their type. No resource is in two pairs."""
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
    """Return the number of properties that are equal in both resources."""
    names = left.get("Properties", {}).keys() & right.get("Properties", {}).keys()
    return sum(not _differ(name, left, right) for name in names)


def _serving(template: Template) -> dict[str, Resource]:
    """Return the endpoints and inference components of a template, except those whose condition is false."""
    present = Resolver(template, region=None, parameters={}).present()
    return {key: value for key, value in present.items() if value.get("Type") in SERVING}


def _has_endpoint(stack: Stack) -> bool:
    return any(resource["Type"] == ENDPOINT for resource in _serving(stack.template).values())


def _property(resource: Resource, name: str) -> Any:
    return resource.get("Properties", {}).get(name)


def _names(old: Resource, new: Resource) -> tuple[Any, Any]:
    """Return the fixed names of an old and a new resource of the same type; None for a generated name."""
    return _property(old, NAME_PROPERTY[old["Type"]]), _property(new, NAME_PROPERTY[old["Type"]])


def _differ(name: str, left: Resource, right: Resource) -> bool:
    return not same(_property(left, name), _property(right, name))


def _retained(resource: Resource, policy: str) -> bool:
    return str(resource.get(policy, "Delete")).startswith("Retain")


def quote(value: Any) -> str:
    """Return a name or value as a Markdown code span."""
    return code_span(value if isinstance(value, str) else json.dumps(value))
