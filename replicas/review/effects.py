"""What an update does in place: what rolls, scales, moves to another configuration. Pure: no process, no file.

What happens to each resource is the answer of `replicas.template.differences`; this module puts it into sentences.
Endpoints and components that are replaced, removed or stuck are in `replicas.template.changes`; docs/updates.md has the
same kinds for each property.
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
"""Changed properties that a line names."""


class Kind(StrEnum):
    """What happens to what serves, or beside it."""

    ENDPOINT_UPDATE = "endpoint update"
    ROLL = "roll"
    COPIES = "copies"
    NEXT_ROLL = "how the next roll goes"
    ONE_MORE = "one more component"
    BESIDE = "beside it"


@dataclass(frozen=True)
class Effect:
    """One thing that an update does, and the resource that it does it to."""

    kind: Kind
    logical_id: str
    sentence: str


def effects(old: Template, new: Template) -> list[Effect]:
    """What an update from one template to the other does to what both have, and what it adds; the gravest first."""
    planned = differences(old, new)
    before, after = _resources(old), _resources(new)
    unsorted = [
        *_endpoint_updates(planned, before, after),
        *_components(planned, before, after),
        *_beside(planned, before, after),
    ]
    return sorted(unsorted, key=lambda effect: list(Kind).index(effect.kind))


def changed_paths(old: Any, new: Any, path: str = "") -> list[str]:
    """The places where two pieces of JSON differ, down to the last mapping or list of one length that both have."""
    if same(old, new):
        return []
    found = []
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_function(old) and not _is_function(new):
        for key in dict.fromkeys([*old, *new]):
            place = f"{path}.{key}" if path else str(key)
            found += changed_paths(old[key], new[key], place) if key in old and key in new else [place]
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            found += changed_paths(*pair, f"{path}[{index}]")
    return found or [path]


def _endpoint_updates(
    planned: Planned, before: Mapping[str, Resource], after: Mapping[str, Resource]
) -> Iterator[Effect]:
    """Endpoints that stay and move to another configuration."""
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
                path for each in rolling for path in changed_paths(old.get(each.name), new.get(each.name), each.name)
            ]
            replaced = {cause.logical_id for each in rolling for cause in each.pending if cause.certain}
            paths += [f"{name}: {path}" for name in sorted(replaced) for path in _replacing_paths(name, before, after)]
            yield Effect(Kind.ROLL, key, f"inference component {quote(key)} rolls: {_listed(paths)}")
        for each in change.changed("RuntimeConfig"):
            copies = " to ".join(_count(side) for side in (each.before, each.after))
            yield Effect(Kind.COPIES, key, f"inference component {quote(key)} goes from {copies} copies in place")
        if change.changed("DeploymentConfig"):
            what = f"inference component {quote(key)}: nothing now, its next roll goes another way"
            yield Effect(Kind.NEXT_ROLL, key, what)
    # A component that is deleted may have a created one as its successor.
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
            what = f"stays as it is, with another {' and another '.join(change.policies)}"
        yield Effect(Kind.BESIDE, key, f"{quote(change.type.rpartition('::')[2])} {quote(key)} {what}")


def _paths_of_referenced(
    kind: str,
    name: str,
    old: Resource,
    new: Resource,
    before: Mapping[str, Resource],
    after: Mapping[str, Resource],
) -> list[str]:
    """Where the resource of a type that a property names differs from the one that it named before."""
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
    """The places that replace a resource which both templates have."""
    if key not in before or key not in after:
        return []  # then the component names another one, which is a change of its own
    return changed_paths(_replacing(before[key]), _replacing(after[key]))


def _replacing(resource: Resource) -> dict[str, Any]:
    """The create-only properties of a resource."""
    names = create_only(str(resource["Type"]))
    return {name: value for name, value in _properties(resource).items() if name in names}


def _resources(template: Template) -> dict[str, Resource]:
    found = template.get("Resources", {})
    return {key: each for key, each in found.items() if isinstance(each, Mapping) and isinstance(each.get("Type"), str)}


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
