"""Effects of an update in place: rolling updates, scaling, new configurations. Starts no process and reads no file.

`replicas.template.differences` decides what happens to each resource; this module describes it in sentences.
`replicas.template.changes` covers endpoints and components that are replaced, removed or cannot be updated.
docs/updates.md lists the effect of each property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replicas.endpoint.values import Value, at, text_of
from replicas.names import ResourceType
from replicas.template.changes import COMPONENT, ENDPOINT, Resource, Template, quote
from replicas.template.differences import differences
from replicas.template.references import names_in
from replicas.template.schemas import create_only
from replicas.template.updates import ROLLING, Outcome, ResourceChange, same

CONFIGURATION = ResourceType.ENDPOINT_CONFIG
MODEL = ResourceType.MODEL
Planned = Mapping[str, ResourceChange]
_SHOWN = 6
"""Maximum number of changed properties in one line."""


class Kind(StrEnum):
    """Effect of an update on resources that serve, or on other resources."""

    ENDPOINT_UPDATE = "endpoint update"
    ROLL = "roll"
    COPIES = "copies"
    NEXT_ROLL = "the settings of the next rolling update"
    ONE_MORE = "one more component"
    BESIDE = "beside it"


@dataclass(frozen=True)
class Effect:
    """One effect of an update on one resource."""

    kind: Kind
    logical_id: str
    sentence: str


def effects(old: Template, new: Template) -> list[Effect]:
    """Return the effects of an update on existing and new resources, the most severe first."""
    planned = differences(old, new)
    before, after = _resources(old), _resources(new)
    unsorted = [
        *_endpoint_updates(planned, before, after),
        *_components(planned, before, after),
        *_beside(planned, before, after),
    ]
    return sorted(unsorted, key=lambda effect: list(Kind).index(effect.kind))


def changed_paths(old: Any, new: Any, path: str = "") -> list[str]:
    """Return the paths at which two JSON values differ. Objects, and lists of equal length, are compared by member."""
    if same(old, new):
        return []
    paths = []
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_function(old) and not _is_function(new):
        for key in dict.fromkeys([*old, *new]):
            place = f"{path}.{key}" if path else str(key)
            paths += changed_paths(old[key], new[key], place) if key in old and key in new else [place]
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            paths += changed_paths(*pair, f"{path}[{index}]")
    return paths or [path]


def _endpoint_updates(
    planned: Planned, before: Mapping[str, Resource], after: Mapping[str, Resource]
) -> Iterator[Effect]:
    """Yield the effects on endpoints that get another endpoint configuration in place."""
    for key, change in planned.items():
        if change.type == ENDPOINT and change.changed("EndpointConfigName"):
            paths = _paths_of_referenced(CONFIGURATION, "EndpointConfigName", before[key], after[key], before, after)
            what = f"endpoint {quote(key)} is updated to a new configuration: {_listed(paths)}"
            yield Effect(Kind.ENDPOINT_UPDATE, key, what)


def _components(planned: Planned, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterator[Effect]:
    components = {key: change for key, change in planned.items() if change.type == COMPONENT}
    for key, change in components.items():
        rolling = change.changed(*ROLLING[COMPONENT])
        old, new = (_properties(side[key]) if key in side else {} for side in (before, after))
        if rolling:
            paths = [
                path
                for rolled in rolling
                for path in changed_paths(old.get(rolled.name), new.get(rolled.name), rolled.name)
            ]
            replaced = {cause.logical_id for rolled in rolling for cause in rolled.pending if cause.certain}
            paths += [f"{name}: {path}" for name in sorted(replaced) for path in _replacing_paths(name, before, after)]
            yield Effect(Kind.ROLL, key, f"inference component {quote(key)} gets a rolling update: {_listed(paths)}")
        for runtime in change.changed("RuntimeConfig"):
            copies = " to ".join(_count(side) for side in (runtime.before, runtime.after))
            yield Effect(Kind.COPIES, key, f"inference component {quote(key)} goes from {copies} copies in place")
        if change.changed("DeploymentConfig"):
            what = (
                f"inference component {quote(key)}: no change now, but the settings of its next rolling update change"
            )
            yield Effect(Kind.NEXT_ROLL, key, what)
    # If a component is deleted, a created one may be its successor and not an additional component.
    if not any(change.outcome is Outcome.DELETED for change in components.values()):
        for key, change in components.items():
            if change.outcome is Outcome.CREATED:
                what = f"inference component {quote(key)} is created: it needs free accelerators"
                yield Effect(Kind.ONE_MORE, key, what)


def _beside(planned: Planned, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterator[Effect]:
    serving = {ENDPOINT, COMPONENT, CONFIGURATION, MODEL}
    for key in dict.fromkeys([*before, *after]):
        change = planned.get(key)
        if change is None or change.type in serving:
            continue
        outcome = change.certain_outcome
        what = f"is {outcome}"
        if outcome is Outcome.UNCHANGED:
            if not change.policies:
                continue
            what = f"is not changed, except for another {' and another '.join(change.policies)}"
        yield Effect(Kind.BESIDE, key, f"{quote(change.type.rpartition('::')[2])} {quote(key)} {what}")


def _paths_of_referenced(
    kind: str,
    name: str,
    old: Resource,
    new: Resource,
    before: Mapping[str, Resource],
    after: Mapping[str, Resource],
) -> list[str]:
    """Return the paths at which two resources differ.

    They are the resources to which a property refers before and after the change.
    """
    sides = [
        sorted(key for key in names_in(_properties(side).get(name)) if resources.get(key, {}).get("Type") == kind)
        for side, resources in ((old, before), (new, after))
    ]
    return [
        path
        for former, present in zip(*sides, strict=False)
        for path in changed_paths(_replacing(before[former]), _replacing(after[present]))
    ]


def _replacing_paths(key: str, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> list[str]:
    """Return the changed property paths that replace a resource; empty unless both templates contain the resource."""
    if key not in before or key not in after:
        return []  # the component refers to another resource, whose change is reported separately
    return changed_paths(_replacing(before[key]), _replacing(after[key]))


def _replacing(resource: Resource) -> dict[str, Any]:
    """Return the create-only properties of a resource."""
    names = create_only(str(resource["Type"]))
    return {name: value for name, value in _properties(resource).items() if name in names}


def _resources(template: Template) -> dict[str, Resource]:
    declared = template.get("Resources", {})
    return {
        key: resource
        for key, resource in declared.items()
        if isinstance(resource, Mapping) and isinstance(resource.get("Type"), str)
    }


def _properties(resource: Resource) -> Mapping[str, Any]:
    return resource.get("Properties") or {}


def _count(runtime: Value) -> str:
    copies = at(runtime, "CopyCount")
    return "an unstated number of" if copies is None else quote(text_of(copies))


def _is_function(value: Mapping[str, Any]) -> bool:
    return any(key == "Ref" or key.startswith("Fn::") for key in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(map(quote, paths[:_SHOWN])) or "another one"
    return f"{shown} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else shown
