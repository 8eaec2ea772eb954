"""Containers that a template declares, in models and in inference components."""

from __future__ import annotations

from collections.abc import Mapping

from replicas.endpoint.containers import Container, Model
from replicas.endpoint.identity import Subject
from replicas.endpoint.values import ANYTHING, Unknown, Value, at, list_of, text_of
from replicas.template.resources import Resource, Resources, named, text_in, truth_in


def models_of(resources: Resources) -> tuple[Model, ...]:
    """Return all models of a template."""
    return tuple(_model(resource) for resource in resources.of_sagemaker("Model"))


def container_of(properties: Value) -> Container:
    """Read the declaration of a container."""
    environment = at(properties, "Environment")
    unknown = environment if isinstance(environment, Unknown) else None
    if environment is not None and unknown is None and not isinstance(environment, Mapping):
        unknown = Unknown("the environment is no object")
    return Container(
        image=at(properties, "Image"),
        environment=environment if isinstance(environment, Mapping) else {},
        unknown=unknown,
        from_vpc_registry=text_of(at(properties, "ImageConfig", "RepositoryAccessMode")) == "Vpc",
    )


def container_of_model(
    name: Value, resources: Resources, models: Mapping[str, Model]
) -> tuple[Container, Model | None]:
    """Return the container of a named model, and the model. Outside of the template, the container is unknown."""
    if name is None:
        return Container(), None
    resource = named(name, resources.of_sagemaker("Model"), "ModelName")
    if resource is None:
        outside = Unknown("the model is not in the template")
        return Container(image=outside, unknown=name if isinstance(name, Unknown) else outside), None
    model = models[resource.logical_id]
    return model.container, model


def fixed_name(value: Value) -> str | None:
    """Return a name that is the same in every deployment of the template; None for any other value."""
    if isinstance(value, Unknown):
        # A name made of the stack's name and region is fixed; a parameter may change with every deployment.
        placeholders = value.text.count("${")
        is_fixed = ANYTHING not in value.text and 0 < placeholders == value.text.count("${AWS::")
        return value.text if is_fixed else None
    return value if isinstance(value, str) else None


def _model(resource: Resource) -> Model:
    # A model declares its containers in PrimaryContainer or in Containers.
    declared = [*list_of(resource.get("PrimaryContainer")), *list_of(resource.get("Containers"))]
    return Model(
        subject=Subject(kind="model", name=resource.logical_id),
        containers=tuple(map(container_of, declared)),
        fixed_name=fixed_name(text_in(resource.get("ModelName"))),
        isolated=truth_in(resource.get("EnableNetworkIsolation")),
        in_vpc=resource.get("VpcConfig") is not None,
        is_tagged=bool(resource.get("Tags")),
    )
