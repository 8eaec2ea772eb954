"""The resources of a template, with their properties evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicas.endpoint.identity import Text
from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, at, text_of
from replicas.names import ResourceType
from replicas.template.evaluation import Resolver


@dataclass(frozen=True)
class Resource:
    """A resource that is created, with its properties evaluated."""

    logical_id: str
    type: str
    properties: Value
    condition: Unknown | None = None
    """Why it is not known whether the resource is created; None where it surely is."""

    def get(self, *path: str) -> Value:
        """A property; None where it is absent, `Unknown` where that cannot be told."""
        return at(self.properties, *path)


class Resources:
    """The resources of a template whose condition is not false. Never raises: what is malformed is left out."""

    def __init__(self, template: Mapping[str, Any], resolver: Resolver) -> None:
        self.template = template
        self._resolver = resolver
        declared = template.get("Resources")
        self._declared: Mapping[Any, Any] = declared if isinstance(declared, Mapping) else {}
        self._evaluated: dict[Any, Resource | None] = {}

    def __iter__(self) -> Any:
        """Every logical id of the template."""
        return iter(self._declared)

    def get(self, logical_id: Any) -> Resource | None:
        """A resource; None where it is not created, or malformed."""
        if logical_id not in self._evaluated:
            self._evaluated[logical_id] = self._evaluate(logical_id)
        return self._evaluated[logical_id]

    def of_type(self, *types: str) -> list[Resource]:
        """Resources of some types, such as `AWS::CloudWatch::Alarm`, in the order of the template."""
        resources = [
            self.get(logical_id)
            for logical_id, body in self._declared.items()
            if isinstance(body, Mapping) and body.get("Type") in types
        ]
        return [resource for resource in resources if resource]

    def of_sagemaker(self, name: str) -> list[Resource]:
        """Resources of a SageMaker type, such as `Model`."""
        return self.of_type(ResourceType.SAGEMAKER + name)

    def _evaluate(self, logical_id: Any) -> Resource | None:
        body = self._declared.get(logical_id)
        if not isinstance(body, Mapping):
            return None
        exists = self._resolver.condition(body["Condition"]) if "Condition" in body else True
        if exists is False:
            return None
        properties = self._resolver.resolve(body.get("Properties"))
        condition = exists if isinstance(exists, Unknown) else None
        return Resource(str(logical_id), str(body.get("Type")), properties, condition)


def named(value: Value, resources: Sequence[Resource], name_property: str) -> Resource | None:
    """The resource that a value names: by reference, or by a name that is written the same."""
    if isinstance(value, Reference):
        for resource in resources:
            if resource.logical_id == value.logical_id:
                return resource
    text = text_of(value)
    if value is None or ANYTHING in text:
        return None
    return next((resource for resource in resources if text_of(resource.get(name_property)) == text), None)


def text_in(value: Value) -> Text:
    """A value where a text belongs: a reference to a resource is a text that is not known before the deployment."""
    if value is None or isinstance(value, str | Unknown):
        return value
    if isinstance(value, Reference):
        return Unknown("it is known at the deployment", text=text_of(value))
    return text_of(value) if isinstance(value, bool | int | float) else Unknown("it is no text")


def truth_in(value: Value) -> bool | Unknown:
    """A boolean as CloudFormation takes it: also one that is written as a text."""
    return value if isinstance(value, Unknown) else text_of(value).lower() == "true"
