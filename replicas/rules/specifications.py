"""Rules about the specifications, containers and instance types of components and models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from replicas.endpoint.components import Component, Specification
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.rules.declaration import Enforcement, Evidence, enforced_by, rule
from replicas.rules.finding import Case


def _by_create_and_update(evidence: Evidence, source: str) -> tuple[Enforcement, ...]:
    return (
        *enforced_by("CreateInferenceComponent", evidence, source),
        *enforced_by("UpdateInferenceComponent", evidence, source),
    )


@rule(
    "model-containers",
    checks="A model has both PrimaryContainer and Containers.",
    why="SageMaker accepts one primary container or a list of containers, not both",
    source="aws/amazon-sagemaker-operator-for-k8s, pull request 164: 'SageMaker expects either a single primary "
    "container, xor a list of container definitions'",
    enforced=enforced_by("CreateModel", "documented", "aws/amazon-sagemaker-operator-for-k8s, pull request 164"),
)
def model_containers(topology: Topology) -> Iterator[Case]:
    """A model must not declare its containers in two properties."""
    for model in topology.models:
        if model.container_forms == 2:
            yield Case(subject=model.subject)


@rule(
    "specification-forms",
    checks="A component has both Specification and Specifications.",
    why="SageMaker accepts one specification, or a list with one for each instance type",
    source="botocore 1.44.5, CreateInferenceComponent, Specifications: 'either this parameter or the singular "
    "Specification parameter, but not both'",
    enforced=_by_create_and_update("documented", "botocore 1.44.5, CreateInferenceComponent, Specifications"),
)
def specification_forms(topology: Topology) -> Iterator[Case]:
    """A component must not have both Specification and Specifications."""
    for component in topology.components:
        if component.has_both_forms:
            yield Case(subject=component.subject)


@rule(
    "specification-types",
    checks="Two Specifications of a component have the same instance type, or one has no instance type, or one has a "
    "type that the variant does not have (warning if copies can still run).",
    why="SageMaker selects the specification of a copy by the type of its instance",
    source="botocore 1.44.5, InferenceComponentSpecification, InstanceType: 'Required when using the Specifications "
    "parameter with multiple entries'",
    enforced=_by_create_and_update("documented", "botocore 1.44.5, InferenceComponentSpecification, InstanceType"),
)
def specification_types(topology: Topology) -> Iterator[Case]:
    """Each of several specifications must be for a different instance type of the variant."""
    for component in topology.components:
        types = [specification.instance_type for specification in component.specifications]
        if len(types) > 1 and None in types:
            yield Case(subject=component.subject, kind="missing")
        known = Counter(name for name in types if isinstance(name, str))
        for name in (name for name, entries in known.items() if entries > 1):
            yield Case(subject=component.subject, kind="twice", numbers={"instance_type": name})
    for variant in topology.variants:
        hosts = variant.instances.type_names if variant.instances.unknown_pools is None else ()
        for component in variant.components if hosts else ():
            yield from _foreign(component, hosts)


def _foreign(component: Component, hosts: tuple[str, ...]) -> Iterator[Case]:
    """Yield the specifications for types that the variant does not have. The fault is certain if no copy can run."""
    types = [specification.instance_type for specification in component.specifications]
    certain = component.has_known_types and not any(name is None or name in hosts for name in types)
    for name in types:
        if isinstance(name, str) and name not in hosts:
            numbers = {"instance_type": name, "hosts": ", ".join(hosts)}
            yield Case(subject=component.subject, kind="foreign", numbers=numbers, certain=certain)


@rule(
    "container-missing",
    checks="A component has no Container with an Image, and names no model that has a container.",
    why="SageMaker has no image for the copies",
    source="SageMaker API reference, InferenceComponentSpecification: ModelName names a model with its container, "
    "Container has the image",
    enforced=_by_create_and_update("assumed", "AWS publishes no message for this refusal"),
)
def container_missing(topology: Topology) -> Iterator[Case]:
    """A component that hosts a model must have a model, or a container with an image."""
    for component in topology.hosting_components:
        for specification in component.specifications:
            if specification.claims is not None and _has_no_image(specification):
                yield Case(subject=component.subject, kind="model" if specification.model else "")
                break


def _has_no_image(specification: Specification) -> bool:
    container, model = specification.container, specification.model
    if container.image is not None or isinstance(container.unknown, Unknown):
        return False
    return model is None or model.container_forms == 0


@rule(
    "adapter-artifact",
    checks="An adapter has no Container with an ArtifactUrl.",
    why="an adapter consists of files, which the copies of its base component load from the ArtifactUrl",
    source="botocore 1.44.5, InferenceComponentSpecification, BaseInferenceComponentName: 'use the Container parameter "
    "to specify the location of the adapter artifacts'",
    enforced=_by_create_and_update("documented", "botocore 1.44.5, BaseInferenceComponentName"),
)
def adapter_artifact(topology: Topology) -> Iterator[Case]:
    """An adapter must have the location of its files."""
    for component in topology.components:
        adapter = component.adapter
        if adapter is not None and adapter.artifact is None:
            yield Case(subject=component.subject, numbers={"base": text_of(adapter.base_text)})
