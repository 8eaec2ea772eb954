"""Lists the resources that a template needs but does not create. Makes no AWS call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Reference, Unknown, text_of
from replicas.endpoint.variants import Variant
from replicas.names import ResourceType
from replicas.template.endpoints import topology_of_resources
from replicas.template.evaluation import Resolver
from replicas.template.resources import Resources

_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:(?P<rest>[^}]+)\}\}")
_SECRET = re.compile(
    r"(?P<id>arn:[^:]+:secretsmanager:[^:]+:\d+:secret:[^:]+|[^:]+)(?::SecretString(?::(?P<key>[^:]*))?)?(?::.*)?"
)
_TOPIC = re.compile(r"arn:[^:]+:sns:[^:]+:\d{12}:[^:]+")
_KEY_PROPERTIES = ("kmskeyid", "kmsmasterkeyid", "kmskeyarn")
_WEIGHTS_PROPERTIES = ("S3Uri", "ModelDataUrl", "ArtifactUrl")
_OPEN = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Instances:
    """The instances that one variant declares."""

    logical_id: str
    """Logical id of the variant's endpoint configuration."""
    instance_type: str | None
    start: int | None
    ceiling: int | None


@dataclass
class Needs:
    """The resources that must exist before a template is deployed, without duplicates, in the order of the template."""

    instances: list[Instances] = field(default_factory=list)
    secrets: dict[tuple[str, str | None], None] = field(default_factory=dict)
    """Name or ARN of each secret, and the JSON key that is read; None for the whole string."""
    images: dict[str, None] = field(default_factory=dict)
    weights: dict[str, None] = field(default_factory=dict)
    subnets: dict[str, None] = field(default_factory=dict)
    security_groups: dict[str, None] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    topics: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    """Sentences about values that are known only at deployment."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The resources that a template declares in a region, and the endpoint topology built from them."""

    resources: Resources
    topology: Topology


def declared_in(template: Mapping[str, Any], region: str) -> Declared:
    """Evaluate a template for a region."""
    template = {"Resources": {}, **template}
    resources = Resources(template, Resolver(template, region=region, parameters={}))
    return Declared(resources=resources, topology=topology_of_resources(resources, region))


def needs_of(declared: Declared, account: str | None) -> Needs:
    """Return the existing resources that a template needs. `account` replaces AWS::AccountId."""
    reader = _Reader(account)
    for logical_id in declared.resources:
        resource = declared.resources.get(logical_id)
        if resource is not None and not resource.type.startswith(ResourceType.IAM):
            reader.read(logical_id, resource.properties)
    reader.needs.instances = [_instances(variant) for variant in declared.topology.variants]
    return reader.needs


def _instances(variant: Variant) -> Instances:
    instances = variant.instances
    return Instances(variant.configuration.subject.name, instances.type_name, instances.at_start, instances.at_most)


class _Reader:
    def __init__(self, account: str | None) -> None:
        self._account = account
        self.needs = Needs()

    def read(self, logical_id: str, properties: Any) -> None:
        """Add the resources that the properties of one resource name to `needs`."""
        for path, value in leaves(properties):
            name = next((key for key in reversed(path) if isinstance(key, str)), "")
            collection = self._list_of(name, path)
            text = self._text(value)
            for match in _DYNAMIC.finditer(text or ""):
                secret = _SECRET.fullmatch(match["rest"])
                if secret:
                    self.needs.secrets[secret["id"], secret["key"] or None] = None
            # A reference names a resource that the template itself creates.
            if collection is not None and not isinstance(value, Reference):
                if text is None or _DYNAMIC.search(text):
                    self.needs.unknown[f"{logical_id}: {name} is known only at deployment"] = None
                else:
                    collection[text] = None
            elif text is not None and _TOPIC.fullmatch(text):
                self.needs.topics[text] = None

    def _list_of(self, name: str, path: tuple[str | int, ...]) -> dict[str, None] | None:
        """Return the collection in which a property's value belongs; None if the property names no external
        resource.
        """
        if name.lower() in _KEY_PROPERTIES:
            return self.needs.keys
        if name in _WEIGHTS_PROPERTIES:
            return self.needs.weights
        if name == "Image":
            return self.needs.images
        if "VpcConfig" in path:
            return {"Subnets": self.needs.subnets, "SecurityGroupIds": self.needs.security_groups}.get(name)
        return None

    def _text(self, value: Any) -> str | None:
        """Return a value as text; None if any part of it is not known before deployment."""
        if not isinstance(value, (str, Unknown)):
            return None
        text = text_of(value)
        if self._account:
            text = text.replace("${AWS::AccountId}", self._account)
        return None if _OPEN.search(text) else text


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield each value in nested lists and dictionaries, with its path of keys and indexes."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value
