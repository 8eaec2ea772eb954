"""Drift detection: compares the properties in a template with the live properties. Makes no AWS call.

Only properties in the template are compared. Values known only at deployment, such as secrets, are never compared or
shown.
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
"""Properties that are not compared: they do not affect how a resource serves."""


@dataclass(frozen=True)
class Wanted:
    """A SageMaker resource as the template declares it."""

    logical_id: str
    kind: str
    name: str
    """Physical name."""
    properties: Mapping[str, Any]


def wanted_resources(
    template: Mapping[str, Any], physical_ids: Mapping[str, str], *, region: str, parameters: Mapping[str, str]
) -> list[Wanted]:
    """Return the SageMaker resources of a deployed template, with references replaced by physical names.

    `physical_ids` are the stack's physical ids by logical id.
    """
    resolver = Resolver(template, region=region, parameters=parameters)
    names = {logical_id: name_of(physical_id) for logical_id, physical_id in physical_ids.items()}
    return [
        Wanted(logical_id, body["Type"], names[logical_id], _named(resolver.resolve(body.get("Properties", {})), names))
        for logical_id, body in template.get("Resources", {}).items()
        if body.get("Type") in KINDS and logical_id in names
    ]


def name_of(physical_id: str) -> str:
    """Return the name at the end of an ARN. A name is returned unchanged."""
    return physical_id.rpartition("/")[2] if physical_id.startswith("arn:") else physical_id


def differences(declared: Wanted, live: Mapping[str, Any], skip: Collection[str] = ()) -> Iterator[Difference]:
    """Yield the differences between a resource in a template and its live properties, named as in CloudFormation."""
    skipped = {*_UPDATE_POLICY, *skip}
    properties = {key: value for key, value in declared.properties.items() if key not in skipped}
    for path, expected, actual in _compared("", properties, live):
        yield Difference(declared.logical_id, path, _shown(expected), _shown(actual))


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Reference):
        return names.get(value.logical_id, Unknown("the resource is not in the stack"))
    if isinstance(value, Mapping):
        return {key: _named(item, names) for key, item in value.items()}
    return [_named(item, names) for item in value] if isinstance(value, list) else value


def _compared(path: str, expected: Any, actual: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, Unknown):
        return
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, item in expected.items():
            yield from _compared(f"{path}.{key}" if path else key, item, actual.get(key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (expected_item, actual_item) in enumerate(zip(expected, actual, strict=True)):
            yield from _compared(f"{path}[{index}]", expected_item, actual_item)
    elif not same(expected, actual):
        yield path, expected, actual


def same(expected: Any, actual: Any) -> bool:
    """Compare as CloudFormation does: `8`, `8.0` and `"8"` are equal, and so are a name and an ARN ending with it."""
    try:
        return float(expected) == float(actual)
    except (TypeError, ValueError):
        pass
    if isinstance(expected, bool) or isinstance(actual, bool):
        return str(expected).lower() == str(actual).lower()
    return bool(
        expected == actual or (isinstance(actual, str) and actual.startswith("arn:") and name_of(actual) == expected)
    )


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)
