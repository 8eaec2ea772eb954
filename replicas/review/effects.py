"""What an update does in place: what rolls, scales, moves to another configuration. Pure: no process, no file.

What is replaced, removed or stuck is in `template_changes`; docs/updates.md has the same kinds for each property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replicas.names import ResourceType
from replicas.template.changes import COMPONENT, ENDPOINT, Resource, Template, quote, references, same

CONFIGURATION = ResourceType.ENDPOINT_CONFIG
MODEL = ResourceType.MODEL
_SPECIFIED = ("Specification", "Specifications")
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
    before, after = _resources(old), _resources(new)
    found = [*_configurations(before, after), *_components(before, after), *_beside(before, after)]
    return sorted(found, key=lambda effect: list(Kind).index(effect.kind))


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


def _configurations(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterator[Effect]:
    """All of a configuration but its tags is create-only: any change is a new one, and an update of the endpoint."""
    olds, news = (_of(CONFIGURATION, resources) for resources in (before, after))
    for key, endpoint in _kept(ENDPOINT, before, after):
        pairs = zip(
            sorted(references(_properties(before[key]).get("EndpointConfigName"))),
            sorted(references(_properties(endpoint).get("EndpointConfigName"))),
            strict=False,
        )
        for old, new in pairs:
            paths = changed_paths(_untagged(olds.get(old, {})), _untagged(news.get(new, {})))
            if paths or old != new:
                what = f"endpoint {quote(key)} is updated to a new configuration: {_listed(paths)}"
                yield Effect(Kind.ENDPOINT_UPDATE, key, what)


def _components(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterator[Effect]:
    for key, component in _kept(COMPONENT, before, after):
        old, new = _properties(before[key]), _properties(component)
        paths = [path for name in _SPECIFIED for path in changed_paths(old.get(name), new.get(name), name)]
        paths += [
            f"{model}: {path}" for model in sorted(_models(component)) for path in _model_paths(model, before, after)
        ]
        if paths:
            yield Effect(Kind.ROLL, key, f"inference component {quote(key)} rolls: {_listed(paths)}")
        copies = [_properties_at(side, "RuntimeConfig", "CopyCount") for side in (old, new)]
        if not same(*copies):
            what = (
                f"inference component {quote(key)} goes from {quote(copies[0])} to {quote(copies[1])} copies in place"
            )
            yield Effect(Kind.COPIES, key, what)
        if not same(old.get("DeploymentConfig"), new.get("DeploymentConfig")):
            yield Effect(
                Kind.NEXT_ROLL, key, f"inference component {quote(key)}: nothing now, its next roll goes another way"
            )
    added = [key for key in _of(COMPONENT, after) if key not in before]
    if not [key for key in _of(COMPONENT, before) if key not in after]:  # else one of them may be its successor
        for key in added:
            yield Effect(Kind.ONE_MORE, key, f"inference component {quote(key)} is created: it needs free accelerators")


def _beside(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Iterator[Effect]:
    serving = {ENDPOINT, COMPONENT, CONFIGURATION, MODEL}
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        one = new or old
        if one is None or one["Type"] in serving or same(old, new):
            continue
        what = "is created" if old is None else "is deleted" if new is None else "is updated or replaced"
        yield Effect(Kind.BESIDE, key, f"{quote(str(one['Type']).rpartition('::')[2])} {quote(key)} {what}")


def _models(component: Resource) -> set[str]:
    """Logical ids of the models that a component serves."""
    properties = _properties(component)
    specifications = [properties.get("Specification"), *(properties.get("Specifications") or [])]
    return {name for each in specifications if each for name in references(each.get("ModelName"))}


def _model_paths(key: str, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> list[str]:
    """What makes another model of a model that both have: all of it but its tags is create-only."""
    if key not in before or key not in after:
        return []  # then the component names another one, which is a change of its own
    return changed_paths(_untagged(_properties(before[key])), _untagged(_properties(after[key])))


def _resources(template: Template) -> dict[str, Resource]:
    found = template.get("Resources", {})
    return {key: each for key, each in found.items() if isinstance(each, Mapping) and isinstance(each.get("Type"), str)}


def _of(kind: str, resources: Mapping[str, Resource]) -> dict[str, Mapping[str, Any]]:
    return {key: _properties(each) for key, each in resources.items() if each["Type"] == kind}


def _kept(kind: str, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> list[tuple[str, Resource]]:
    """The new resources of a type that the old template has, too."""
    return [
        (key, each) for key, each in after.items() if each["Type"] == kind and before.get(key, {}).get("Type") == kind
    ]


def _properties(resource: Resource) -> Mapping[str, Any]:
    return resource.get("Properties") or {}


def _properties_at(properties: Mapping[str, Any], *path: str) -> Any:
    found: Any = properties
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _untagged(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _is_function(value: Mapping[str, Any]) -> bool:
    return any(key == "Ref" or key.startswith("Fn::") for key in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(map(quote, paths[:_SHOWN])) or "another one"
    return f"{shown} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else shown
