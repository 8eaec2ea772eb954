"""Containers that a template declares, in models and in inference components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from replicas.endpoint.containers import Container, DataSource, Model, NamedModel
from replicas.endpoint.identity import Subject
from replicas.endpoint.values import ANYTHING, Unknown, Value, at, list_of, text_of
from replicas.names import ResourceType
from replicas.template.access import role_in
from replicas.template.resources import Resource, Resources, named, text_in, truth_in

_SERVING = (f"{ResourceType.SAGEMAKER}Model", f"{ResourceType.SAGEMAKER}InferenceComponent")


def models_of(resources: Resources) -> tuple[Model, ...]:
    """Return all models of a template."""
    return tuple(_model(resource, resources) for resource in resources.of_sagemaker("Model"))


def container_of(properties: Value) -> Container:
    """Read the declaration of a container."""
    environment = at(properties, "Environment")
    unknown = environment if isinstance(environment, Unknown) else None
    if environment is not None and unknown is None and not isinstance(environment, Mapping):
        unknown = Unknown("the environment is not an object")
    return Container(
        image=at(properties, "Image"),
        environment=environment if isinstance(environment, Mapping) else {},
        unknown=unknown,
        from_vpc_registry=text_of(at(properties, "ImageConfig", "RepositoryAccessMode")) == "Vpc",
        data=tuple(_data_of(properties)),
    )


def container_of_model(
    name: Value, resources: Resources, models: Mapping[str, Model]
) -> tuple[Container, Model | None]:
    """Return the container of a named model, and the model. For a model outside the template, both are unknown."""
    if name is None:
        return Container(), None
    resource = named(name, resources.of_sagemaker("Model"), "ModelName")
    if resource is None:
        outside = Unknown("the model is not in the template")
        return Container(image=outside, unknown=name if isinstance(name, Unknown) else outside), None
    model = models[resource.logical_id]
    return model.container, model


def fixed_name(value: Value) -> str | None:
    """Return a name that is the same in every deployment of the template; None for other values."""
    if isinstance(value, Unknown):
        # A name that contains the stack name and region is fixed. A parameter may change with every deployment.
        placeholders = value.text.count("${")
        is_fixed = ANYTHING not in value.text and 0 < placeholders == value.text.count("${AWS::")
        return value.text if is_fixed else None
    return value if isinstance(value, str) else None


def named_models_of(resources: Resources) -> dict[str, NamedModel]:
    """Return the models that the template names under `Metadata`, `replicas`, `model`, by the resource's logical id."""
    return {
        resource.logical_id: NamedModel(name=model)
        for resource in resources.of_type(*_SERVING)
        for model in [at(resources.template["Resources"][resource.logical_id], "Metadata", "replicas", "model")]
        if isinstance(model, str)
    }


def _data_of(properties: Value) -> Iterator[DataSource]:
    """Yield the locations in S3 that the declaration of a container names."""
    for archive in ("ModelDataUrl", "ArtifactUrl"):
        address = at(properties, archive)
        if address is not None:
            text = text_of(address)
            yield DataSource(address=text, is_prefix=not text.endswith(".tar.gz"))
    several = list_of(at(properties, "AdditionalModelDataSources"))
    for source in [at(properties, "ModelDataSource"), *several]:
        place = at(source, "S3DataSource")
        if at(place, "S3Uri") is not None:
            yield DataSource(
                address=text_of(at(place, "S3Uri")),
                is_prefix=text_of(at(place, "S3DataType")) != "S3Object",
                data_type=text_of(at(place, "S3DataType")),
                compression=text_of(at(place, "CompressionType")),
                is_from_hub=at(place, "HubAccessConfig") is not None or at(place, "ModelAccessConfig") is not None,
            )


def _model(resource: Resource, resources: Resources) -> Model:
    # A model declares its containers in PrimaryContainer or in Containers.
    forms = [resource.get("PrimaryContainer"), resource.get("Containers")]
    declared = [container for form in forms for container in list_of(form)]
    return Model(
        subject=Subject(kind="model", name=resource.logical_id),
        containers=tuple(map(container_of, declared)),
        fixed_name=fixed_name(text_in(resource.get("ModelName"))),
        isolated=truth_in(resource.get("EnableNetworkIsolation")),
        in_vpc=resource.get("VpcConfig") is not None,
        role=role_in(resource.get("ExecutionRoleArn"), resources),
        role_text=text_in(resource.get("ExecutionRoleArn")),
        is_tagged=bool(resource.get("Tags")),
        container_forms=_count(forms),
    )


def _count(forms: list[Value]) -> int | None:
    """Return the number of values that are given; None if it is unknown whether one of the values is given."""
    return None if any(isinstance(form, Unknown) for form in forms) else sum(form is not None for form in forms)
