"""Settings of SageMaker resources for which no source documents whether they are accepted, alone or with inference
components.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Unread
from replicas.endpoint.values import Value, at, list_of, text_of
from replicas.endpoint.variants import Variant
from replicas.template.resources import Resource, Resources

_FEATURES = ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig")
"""Properties of an endpoint configuration. `ServerlessConfig` is not listed, because a rule refuses it."""
_UPDATE = "DeploymentConfig"
"""Property of an endpoint: how an update replaces its instances."""
_WITHOUT_ROLE = (
    "the API reference of CreateModel does not require a role, but says that SageMaker assumes it to read the image "
    "and the weights: set ExecutionRoleArn"
)
_WITHOUT_RESERVATION = (
    "capacity-reservations-only launches instances in a reservation, and no source says in which one without "
    "MlReservationArn"
)
_MODEL_DATA, _IMAGE = ("ModelDataUrl", "ModelDataSource"), ("Image", "ModelPackageName")
"""Properties of a container that name its weights, and its image, in two ways."""
_MODEL = ("ModelName", "Container")
"""Properties of the specification of a component that name what it serves in two ways."""
_TAGS = "each key may be given once, and keys that begin with aws: are reserved for AWS: change or remove them"
_WHY = "neither AWS's documentation nor a published error message says whether this combination is accepted"


def open_combinations(resources: Resources, variants: Sequence[Variant]) -> Iterator[Unread]:
    """Yield a question that is not judged for each feature that a configuration or model in use has, and whose support
    is undocumented.
    """
    hosting = {variant.configuration.subject.name for variant in variants if variant.components}
    for configuration in resources.of_sagemaker("EndpointConfig"):
        if configuration.logical_id in hosting:
            yield from (_open(configuration, name) for name in _FEATURES if configuration.get(name) not in (None, []))
        yield from _reservations(configuration)
    updated = {variant.endpoint.name for variant in variants if variant.endpoint and variant.components}
    for endpoint in resources.of_sagemaker("Endpoint"):
        if endpoint.logical_id in updated and endpoint.get(_UPDATE) is not None:
            yield _open(endpoint, _UPDATE)
    serving = {
        specification.model.subject.name
        for variant in variants
        for component in variant.components
        for specification in component.specifications
        if specification.model
    }
    alone = {variant.settings.model.name for variant in variants if variant.settings.model}
    for model in resources.of_sagemaker("Model"):
        if model.logical_id in serving:
            yield from (_open(model, feature) for feature in _features_of(model))
        if model.logical_id in serving | alone and model.get("ExecutionRoleArn") is None:
            yield _question(model, "whether SageMaker takes a model without an ExecutionRoleArn", _WITHOUT_ROLE)
        yield from _alternatives(model, _containers_of(model), (_MODEL_DATA, _IMAGE))
        yield from _images(model)
    for component in resources.of_sagemaker("InferenceComponent"):
        specifications = [component.get("Specification"), *list_of(component.get("Specifications"))]
        yield from _alternatives(component, specifications, (_MODEL,))
    for kind in ("Model", "EndpointConfig", "Endpoint", "InferenceComponent"):
        for resource in resources.of_sagemaker(kind):
            yield from _tags(resource)


def _containers_of(model: Resource) -> list[Value]:
    return [model.get("PrimaryContainer"), *list_of(model.get("Containers"))]


def _alternatives(resource: Resource, places: list[Value], pairs: tuple[tuple[str, str], ...]) -> Iterator[Unread]:
    """Yield the pairs of alternatives of which a resource gives both in one place."""
    for one, other in pairs:
        if any(at(place, one) is not None and at(place, other) is not None for place in places):
            yield _question(resource, f"whether SageMaker takes {one} together with {other}", _WHY)


def _images(model: Resource) -> Iterator[Unread]:
    """Yield image names without a registry, and registries of a VPC without the VPC."""
    for container in _containers_of(model):
        image = text_of(at(container, "Image") or "")
        if image and "/" not in image:
            yield _question(model, f"whether SageMaker takes the image {image} without a registry", _WHY)
        if text_of(at(container, "ImageConfig", "RepositoryAccessMode") or "") == "Vpc" and not model.get("VpcConfig"):
            question = "whether SageMaker reaches a registry in a VPC if the model has no VpcConfig"
            yield _question(model, question, _WHY)


def _tags(resource: Resource) -> Iterator[Unread]:
    """Yield tag keys that are reserved or given twice."""
    keys = [text_of(at(tag, "Key") or "") for tag in list_of(resource.get("Tags"))]
    wrong = [key for key in dict.fromkeys(keys) if key.lower().startswith("aws:") or keys.count(key) > 1]
    if wrong:
        yield _question(resource, f"whether CloudFormation takes the tag keys {', '.join(wrong)}", _TAGS)


def _reservations(configuration: Resource) -> Iterator[Unread]:
    """Yield the variants that start only in a capacity reservation and name none."""
    for variant in list_of(configuration.get("ProductionVariants")):
        given = at(variant, "CapacityReservationConfig")
        if at(given, "CapacityReservationPreference") is not None and at(given, "MlReservationArn") is None:
            yield _question(configuration, "in which capacity reservation the instances start", _WITHOUT_RESERVATION)


def _features_of(model: Resource) -> Iterator[str]:
    several = list_of(model.get("Containers"))
    if len(several) > 1:
        yield f"an inference pipeline of {len(several)} containers"
    if "MultiModel" in [text_of(at(container, "Mode")) for container in _containers_of(model)]:
        yield "a container with Mode=MultiModel"


def _open(resource: Resource, feature: str) -> Unread:
    return _question(resource, f"whether SageMaker supports {feature} together with inference components", _WHY)


def _question(resource: Resource, question: str, why: str) -> Unread:
    return Unread(subject=Subject(kind="resource", name=resource.logical_id), question=question, why=why)
