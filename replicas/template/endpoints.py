"""The endpoints of a template: which config, variants, components and models belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, at, text_of
from replicas.names import ResourceType
from replicas.template.evaluation import Resolver

_SAGEMAKER = ResourceType.SAGEMAKER
_IMAGE = re.compile(r"(?:.*/)?(?P<repository>[^/:@]+)(?::(?P<tag>[^/:@]+))?(?:@.*)?")


@dataclass(frozen=True)
class Resource:
    """A resource that is created, with its properties worked out."""

    logical_id: str
    type: str
    properties: Value
    condition: Unknown | None = None
    """Why it is not known whether the resource is created; None where it surely is."""

    def get(self, *path: str) -> Value:
        """A property; None where it is absent, `Unknown` where that cannot be told."""
        return at(self.properties, *path)


@dataclass(frozen=True)
class Container:
    """An image and the environment it runs in."""

    image: Value
    environment: Mapping[str, Value]
    unknown: Unknown | None = None
    """Why the environment may hold more than `environment`; None where it is complete."""

    @property
    def repository(self) -> str | None:
        """The last part of the repository's name; None where it is not known."""
        return self._part("repository")

    @property
    def tag(self) -> str | None:
        """The image's tag; None where there is none or it is not known."""
        return self._part("tag")

    def variable(self, name: str) -> str | Unknown | None:
        """A variable's text; None where it is surely not set."""
        if name not in self.environment:
            return self.unknown
        value = self.environment[name]
        return value if isinstance(value, Unknown) else text_of(value)

    def _part(self, name: str) -> str | None:
        found = _IMAGE.fullmatch(text_of(self.image))
        part = found[name] if found else None
        return None if part is None or "{" in part else part


@dataclass(frozen=True)
class Specification:
    """What a component runs and claims. Claims are per copy, as the template gives them."""

    instance_type: Value
    compute: Value
    container: Container
    own_environment: Value
    startup: Value
    model: Resource | None = None
    """The model that it names; None where that is not in the template."""


@dataclass(frozen=True)
class Component:
    """An inference component."""

    resource: Resource
    endpoint: Resource | None
    """None where the endpoint is not in the template."""
    variant_name: Value
    specifications: tuple[Specification, ...]
    """More than one with instance pools."""

    @property
    def logical_id(self) -> str:
        """Its id in the template."""
        return self.resource.logical_id

    @property
    def has_told_specifications(self) -> bool:
        """True where it is known for which instance types it says something."""
        return all(entry.instance_type is None or isinstance(entry.instance_type, str) for entry in self.specifications)

    @property
    def is_adapter(self) -> bool:
        """True for an adapter, which claims nothing and follows its base component."""
        specification = self.resource.get("Specification")
        return isinstance(specification, Mapping) and "BaseInferenceComponentName" in specification


@dataclass(frozen=True)
class Variant:
    """One production variant of one endpoint, with the components on it (none on a single-model endpoint)."""

    endpoint: Resource
    config: Resource
    properties: Value
    components: tuple[Component, ...]
    container: Container | None
    """Of the model that the variant itself names."""

    @property
    def name(self) -> Value:
        """VariantName."""
        return at(self.properties, "VariantName")


@dataclass(frozen=True)
class View:
    """All that the rules look at."""

    template: Mapping[str, Any]
    resolver: Resolver
    resources: Mapping[str, Resource]
    """Of SageMaker's types, those whose condition is not false."""
    components: tuple[Component, ...]
    variants: tuple[Variant, ...]

    def of_type(self, name: str) -> list[Resource]:
        """Resources of a SageMaker type, such as `Model`."""
        return [resource for resource in self.resources.values() if resource.type == _SAGEMAKER + name]

    def config_of(self, endpoint: Resource) -> Resource | None:
        """The endpoint config of an endpoint; None where it is not in the template."""
        return named(endpoint.get("EndpointConfigName"), self.of_type("EndpointConfig"), "EndpointConfigName")

    def created(self, type_name: str) -> list[Resource]:
        """Resources of any type, such as `AWS::CloudWatch::Alarm`, whose condition is not false."""
        found = [
            self.resolve(logical_id)
            for logical_id, body in self.template["Resources"].items()
            if isinstance(body, Mapping) and body.get("Type") == type_name
        ]
        return [resource for resource in found if resource]

    def resolve(self, logical_id: str) -> Resource | None:
        """Any resource of the template with its properties; None where it is not created, or malformed."""
        return _resource(logical_id, self.template["Resources"].get(logical_id), self.resolver)


def view(template: Mapping[str, Any], resolver: Resolver) -> View:
    """Read a template. Never raises: what is malformed is left out."""
    declared = template.get("Resources")
    found = [
        _resource(logical_id, body, resolver)
        for logical_id, body in (declared.items() if isinstance(declared, Mapping) else ())
        if isinstance(body, Mapping) and str(body.get("Type")).startswith(_SAGEMAKER)
    ]
    resources = {resource.logical_id: resource for resource in found if resource}

    def of_type(name: str) -> list[Resource]:
        return [resource for resource in resources.values() if resource.type == _SAGEMAKER + name]

    models = of_type("Model")
    components = [_component(resource, of_type("Endpoint"), models) for resource in of_type("InferenceComponent")]
    variants = [
        variant
        for endpoint in of_type("Endpoint")
        for config in [named(endpoint.get("EndpointConfigName"), of_type("EndpointConfig"), "EndpointConfigName")]
        if config
        for variant in _variants(endpoint, config, components, models)
    ]
    return View(template, resolver, resources, tuple(components), tuple(variants))


def named(value: Value, resources: Sequence[Resource], name_property: str) -> Resource | None:
    """The resource a value names: by reference, or by a name that is written the same."""
    if isinstance(value, Reference):
        for resource in resources:
            if resource.logical_id == value.logical_id:
                return resource
    text = text_of(value)
    if value is None or ANYTHING in text:
        return None
    return next((resource for resource in resources if text_of(resource.get(name_property)) == text), None)


def container_of(model: Resource) -> Container:
    """The one container of a model."""
    found = model.get("PrimaryContainer")
    several = model.get("Containers")
    if found is None and isinstance(several, list) and len(several) == 1:
        found = several[0]
    return container_from(found)


def variants_of(config: Resource | None) -> list[Value]:
    """The production variants of an endpoint config; none where they are not known."""
    variants = config.get("ProductionVariants") if config else None
    return variants if isinstance(variants, list) else []


def _resource(logical_id: Any, body: Any, resolver: Resolver) -> Resource | None:
    if not isinstance(body, Mapping):
        return None
    exists = resolver.condition(body["Condition"]) if "Condition" in body else True
    if exists is False:
        return None
    properties = resolver.resolve(body.get("Properties"))
    condition = exists if isinstance(exists, Unknown) else None
    return Resource(str(logical_id), str(body.get("Type")), properties, condition)


def _component(resource: Resource, endpoints: list[Resource], models: list[Resource]) -> Component:
    endpoint = named(resource.get("EndpointName"), endpoints, "EndpointName")
    several = resource.get("Specifications")
    specifications = several if isinstance(several, list) else [resource.get("Specification")]
    return Component(
        resource,
        endpoint or named(resource.get("EndpointArn"), endpoints, "EndpointName"),
        resource.get("VariantName"),
        tuple(_specification(specification, models) for specification in specifications),
    )


def _specification(properties: Value, models: list[Resource]) -> Specification:
    own = container_from(at(properties, "Container"))
    return Specification(
        instance_type=at(properties, "InstanceType"),
        compute=at(properties, "ComputeResourceRequirements"),
        container=_merged(_model_container(at(properties, "ModelName"), models), own),
        own_environment=at(properties, "Container", "Environment"),
        startup=at(properties, "StartupParameters"),
        model=named(at(properties, "ModelName"), models, "ModelName"),
    )


def _model_container(name: Value, models: list[Resource]) -> Container:
    """The container of the model that is named; unknown where that model is not in the template."""
    if name is None:
        return Container(None, {})
    model = named(name, models, "ModelName")
    outside = Unknown("the model is not in the template")
    return container_of(model) if model else Container(outside, {}, name if isinstance(name, Unknown) else outside)


def container_from(properties: Value) -> Container:
    """The container that a template writes so."""
    environment = at(properties, "Environment")
    if isinstance(environment, Mapping):
        return Container(at(properties, "Image"), environment)
    odd = None if environment is None else Unknown("the environment is no object")
    return Container(at(properties, "Image"), {}, environment if isinstance(environment, Unknown) else odd)


def _merged(model: Container, own: Container) -> Container:
    """A component's own container over that of its model."""
    image = model.image if own.image is None else own.image
    return Container(image, {**model.environment, **own.environment}, own.unknown or model.unknown)


def _variants(
    endpoint: Resource, config: Resource, components: list[Component], models: list[Resource]
) -> list[Variant]:
    variants = variants_of(config)
    here = [component for component in components if component.endpoint is endpoint and not component.is_adapter]
    return [
        Variant(
            endpoint,
            config,
            variant,
            tuple(component for component in here if _is_on(component, variant, only=len(variants) == 1)),
            _model_container(model, models) if (model := at(variant, "ModelName")) is not None else None,
        )
        for variant in variants
    ]


def _is_on(component: Component, variant: Value, *, only: bool) -> bool:
    """True where a component names the variant, or where there is no other that it could be on."""
    wanted, name = component.variant_name, at(variant, "VariantName")
    if wanted is None or isinstance(wanted, Unknown) or isinstance(name, Unknown):
        return only or (wanted is not None and text_of(wanted) == text_of(name) and ANYTHING not in text_of(name))
    return text_of(wanted) == text_of(name)
