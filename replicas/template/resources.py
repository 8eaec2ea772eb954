"""The resources of a template, with their properties evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from replicas.endpoint.identity import Text
from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, at, text_of
from replicas.names import ResourceType
from replicas.template.evaluation import Resolver

T = TypeVar("T")


@dataclass(frozen=True)
class Resource:
    """A resource whose condition is not false, with its properties evaluated."""

    logical_id: str
    type: str
    properties: Value
    condition: Unknown | None = None
    """Unknown condition of the resource; None if the resource is certainly created."""

    def get(self, *path: str) -> Value:
        """Return the property at a path; None if it is absent, `Unknown` if its value or its presence is not known."""
        return at(self.properties, *path)


class Resources:
    """The resources of a template whose condition is not false. Never raises: malformed resources are left out."""

    def __init__(self, template: Mapping[str, Any], resolver: Resolver) -> None:
        self.template = template
        self.resolver = resolver
        declared = template.get("Resources")
        self._declared: Mapping[Any, Any] = declared if isinstance(declared, Mapping) else {}
        self._evaluated: dict[Any, Resource | None] = {}
        self._by_type: dict[tuple[str, ...], list[Resource]] = {}
        self._derived: dict[str, Any] = {}

    def __iter__(self) -> Any:
        """Iterate over all logical ids of the template."""
        return iter(self._declared)

    def get(self, logical_id: Any) -> Resource | None:
        """Return a resource; None if its condition is false or it is malformed."""
        if logical_id not in self._evaluated:
            self._evaluated[logical_id] = self._evaluate(logical_id)
        return self._evaluated[logical_id]

    def of_type(self, *types: str) -> list[Resource]:
        """Return the resources of given types, such as `AWS::CloudWatch::Alarm`, in the order of the template."""
        if types not in self._by_type:
            resources = [
                self.get(logical_id)
                for logical_id, body in self._declared.items()
                if isinstance(body, Mapping) and body.get("Type") in types
            ]
            self._by_type[types] = [resource for resource in resources if resource]
        return self._by_type[types]

    def of_sagemaker(self, name: str) -> list[Resource]:
        """Return the resources of a SageMaker type, such as `Model`."""
        return self.of_type(ResourceType.SAGEMAKER + name)

    def derived(self, name: str, read: Callable[[], T]) -> T:
        """Return a value derived from all resources; it is computed once per name."""
        if name not in self._derived:
            self._derived[name] = read()
        value: T = self._derived[name]
        return value

    def _evaluate(self, logical_id: Any) -> Resource | None:
        body = self._declared.get(logical_id)
        if not isinstance(body, Mapping):
            return None
        exists = self.resolver.condition(body["Condition"]) if "Condition" in body else True
        if exists is False:
            return None
        properties = self.resolver.resolve(body.get("Properties"))
        condition = exists if isinstance(exists, Unknown) else None
        return Resource(str(logical_id), str(body.get("Type")), properties, condition)


def named(value: Value, resources: Sequence[Resource], name_property: str) -> Resource | None:
    """Return the resource that a value refers to by a `Reference` or by its name; None if no resource matches."""
    if isinstance(value, Reference):
        for resource in resources:
            if resource.logical_id == value.logical_id:
                return resource
    text = text_of(value)
    if value is None or ANYTHING in text:
        return None
    return next((resource for resource in resources if text_of(resource.get(name_property)) == text), None)


def text_in(value: Value) -> Text:
    """Read a value as text. A reference to a resource becomes `Unknown`, because it is known only at deployment."""
    if value is None or isinstance(value, str | Unknown):
        return value
    if isinstance(value, Reference):
        return Unknown("it is known only at deployment", text=text_of(value))
    return text_of(value) if isinstance(value, bool | int | float) else Unknown("it is not a text")


def truth_in(value: Value) -> bool | Unknown:
    """Read a boolean as CloudFormation does: the texts `true` and `false` count too."""
    return value if isinstance(value, Unknown) else text_of(value).lower() == "true"
