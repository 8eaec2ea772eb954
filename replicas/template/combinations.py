"""SageMaker features for which no source documents whether they work with inference components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Unread
from replicas.endpoint.values import Value, at, text_of
from replicas.endpoint.variants import Variant
from replicas.template.resources import Resource, Resources

_FEATURES = ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig")
"""Properties of an endpoint configuration. `ServerlessConfig` is not listed, because a rule refuses it."""
_WHY = "neither AWS's documentation nor a published error message says whether this combination is accepted"


def open_combinations(resources: Resources, variants: Sequence[Variant]) -> Iterator[Unread]:
    """Yield a question that is not judged for each feature that a configuration or model in use has, and whose support
    is undocumented.
    """
    hosting = {variant.configuration.subject.name for variant in variants if variant.components}
    for configuration in resources.of_sagemaker("EndpointConfig"):
        if configuration.logical_id in hosting:
            yield from (_open(configuration, name) for name in _FEATURES if configuration.get(name) not in (None, []))
    serving = {
        specification.model.subject.name
        for variant in variants
        for component in variant.components
        for specification in component.specifications
        if specification.model
    }
    for model in resources.of_sagemaker("Model"):
        if model.logical_id in serving:
            yield from (_open(model, feature) for feature in _features_of(model))


def _features_of(model: Resource) -> Iterator[str]:
    containers: Value = model.get("Containers")
    several = containers if isinstance(containers, list) else []
    if len(several) > 1:
        yield f"an inference pipeline of {len(several)} containers"
    modes = [text_of(at(container, "Mode")) for container in (model.get("PrimaryContainer"), *several)]
    if "MultiModel" in modes:
        yield "a container with Mode=MultiModel"


def _open(resource: Resource, feature: str) -> Unread:
    subject = Subject(kind="resource", name=resource.logical_id)
    return Unread(
        subject=subject, question=f"whether SageMaker supports {feature} together with inference components", why=_WHY
    )
