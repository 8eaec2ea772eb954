"""What a stack's template asked for against what is live: pure comparison of two documents.

Only what the template says is compared, and of that only what can be known: a value that is worked out at the
deployment (a secret among them) is never compared and never shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replicas.endpoint.values import Reference, Unknown
from replicas.names import ResourceType
from replicas.status.status import Difference
from replicas.template.evaluation import Resolver

KINDS = {
    ResourceType.ENDPOINT,
    ResourceType.ENDPOINT_CONFIG,
    ResourceType.COMPONENT,
    ResourceType.MODEL,
}
_UPDATE_POLICY = ("DeploymentConfig", "Tags")
"""How to get there, and labels: not what serves."""


@dataclass(frozen=True)
class Wanted:
    """What a template says of one resource."""

    logical_id: str
    kind: str
    name: str
    """On AWS."""
    properties: Mapping[str, Any]


def wanted_resources(
    template: Mapping[str, Any], physical_ids: Mapping[str, str], *, region: str, parameters: Mapping[str, str]
) -> list[Wanted]:
    """The SageMaker resources of a deployed template, with references to each other as names.

    `physical_ids` are those of the stack, by logical id.
    """
    resolver = Resolver(template, region=region, parameters=parameters)
    names = {logical_id: name_of(physical_id) for logical_id, physical_id in physical_ids.items()}
    return [
        Wanted(logical_id, body["Type"], names[logical_id], _named(resolver.resolve(body.get("Properties", {})), names))
        for logical_id, body in template.get("Resources", {}).items()
        if body.get("Type") in KINDS and logical_id in names
    ]


def name_of(physical_id: str) -> str:
    """The name in an ARN, or what is a name already."""
    return physical_id.rpartition("/")[2] if physical_id.startswith("arn:") else physical_id


def differences(wanted: Wanted, live: Mapping[str, Any], skip: Collection[str] = ()) -> Iterator[Difference]:
    """Where a live resource, described in the template's property names, is not what the template says."""
    skipped = {*_UPDATE_POLICY, *skip}
    properties = {key: value for key, value in wanted.properties.items() if key not in skipped}
    for path, asked, found in _compared("", properties, live):
        yield Difference(wanted.logical_id, path, _shown(asked), _shown(found))


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Reference):
        return names.get(value.logical_id, Unknown("it is not in the stack"))
    if isinstance(value, Mapping):
        return {key: _named(item, names) for key, item in value.items()}
    return [_named(item, names) for item in value] if isinstance(value, list) else value


def _compared(path: str, asked: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(asked, Unknown):
        return
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        for key, item in asked.items():
            yield from _compared(f"{path}.{key}" if path else key, item, found.get(key))
    elif isinstance(asked, list) and isinstance(found, list) and len(asked) == len(found):
        for index, (one, other) in enumerate(zip(asked, found, strict=True)):
            yield from _compared(f"{path}[{index}]", one, other)
    elif not _same(asked, found):
        yield path, asked, found


def _same(asked: Any, found: Any) -> bool:
    """CloudFormation takes `8`, `8.0` and `"8"` for one another, and a name for an ARN that ends with it."""
    try:
        return float(asked) == float(found)
    except (TypeError, ValueError):
        pass
    if isinstance(asked, bool) or isinstance(found, bool):
        return str(asked).lower() == str(found).lower()
    return bool(asked == found or (isinstance(found, str) and found.startswith("arn:") and name_of(found) == asked))


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)
