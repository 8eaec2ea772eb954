"""Rules about a single inference component: its resource requirements, copies and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from replicas.endpoint.components import Claims, Component, Specification
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import ANYTHING, Unknown, text_of
from replicas.endpoint.variants import Endpoint
from replicas.engines import engine_of_image
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.demands import has_no_accelerators
from replicas.rules.finding import Case

_LEAST_CPUS = Fraction(1, 4)
_LEAST_MEMORY_MIB = 128

_CREATE = "CreateInferenceComponent"


@rule(
    "claims-missing",
    checks="A component that hosts a model has no ComputeResourceRequirements.",
    why="a component without BaseInferenceComponentName hosts a model, and SageMaker must know the resources of a copy",
    source="SageMaker API reference, InferenceComponentSpecification",
    enforced=enforced_by(_CREATE, "documented", "API reference, InferenceComponentSpecification"),
)
def claims_missing(topology: Topology) -> Iterator[Case]:
    """A component that hosts a model must reserve resources."""
    for component, specification in _hosting(topology):
        if specification.claims is None:
            yield Case(subject=component.subject)


@rule(
    "memory-missing",
    checks="A component has no MinMemoryRequiredInMb.",
    why="the property is optional in CloudFormation, but CreateInferenceComponent requires it",
    source="botocore 1.44.5, InferenceComponentComputeResourceRequirements: MinMemoryRequiredInMb is required",
    enforced=enforced_by(_CREATE, "documented", "botocore 1.44.5, InferenceComponentComputeResourceRequirements"),
)
def memory_missing(topology: Topology) -> Iterator[Case]:
    """The resource requirements of a component must include the memory of a copy."""
    for component, claims in _claims(topology):
        if claims.memory_mib is None:
            yield Case(subject=component.subject)


@rule(
    "accelerators-not-whole",
    checks="The number of reserved accelerators is not a whole number of at least 1.",
    why="a copy reserves whole accelerators",
    source="CloudFormation schema of 2026-10-20: minimum 1",
    enforced=enforced_by(_CREATE, "documented", "botocore 1.44.5, NumberOfAcceleratorDevicesRequired: minimum 1"),
)
def accelerators_not_whole(topology: Topology) -> Iterator[Case]:
    """The number of reserved accelerators must be a whole number of at least 1."""
    for component, claims in _claims(topology):
        count = claims.accelerators
        if isinstance(count, Fraction) and (count < 1 or count.denominator != 1):
            yield Case(subject=component.subject, numbers={"accelerators": _plain(count)})


@rule(
    "claim-too-small",
    checks="The reserved CPU or memory is below SageMaker's minimum.",
    why="SageMaker accepts {allowed}",
    source="CloudFormation schema of 2026-10-20: minimum 0.25 cores and 128 MiB",
    enforced=enforced_by(_CREATE, "documented", "botocore 1.44.5: minimum 0.25 cores and 128 MiB"),
)
def claim_too_small(topology: Topology) -> Iterator[Case]:
    """Reserved CPUs must be at least 0.25, and reserved memory must be a whole number of at least 128 MiB."""
    for component, claims in _claims(topology):
        if isinstance(claims.cpus, Fraction) and claims.cpus < _LEAST_CPUS:
            numbers = {"value": _plain(claims.cpus), "allowed": "0.25 cores or more"}
            yield Case(subject=component.subject, kind="cpus", numbers=numbers)
        memory = claims.memory_mib
        if isinstance(memory, Fraction) and (memory < _LEAST_MEMORY_MIB or memory.denominator != 1):
            numbers = {"value": _plain(memory), "allowed": "whole MiB, 128 or more"}
            yield Case(subject=component.subject, kind="memory", numbers=numbers)


@rule(
    "accelerators-on-cpu",
    checks="A component reserves accelerators on an instance type without accelerators.",
    why="{instance_type} has no accelerators, so no copy can be placed",
    source="sagemaker-serve 1.27.0, model_builder.py: CPU instances omit the field",
    enforced=enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
)
def accelerators_on_cpu(topology: Topology) -> Iterator[Case]:
    """A component on a CPU instance must not reserve accelerators."""
    for variant in topology.variants:
        instance_type = variant.instances.type_name
        if instance_type is None or not has_no_accelerators(instance_type):
            continue
        for component, specification in _specifications(variant.components):
            count = specification.claims.accelerators if isinstance(specification.claims, Claims) else None
            if isinstance(count, Fraction) and count > 0:
                numbers = {"accelerators": _plain(count), "instance_type": instance_type}
                yield Case(subject=component.subject, numbers=numbers)


@rule(
    "accelerators-missing",
    severity="warning",
    checks="The image serves LLMs on GPUs, but its component reserves no accelerators (warning).",
    why="the copy gets no GPU, and the server in this image exits without a GPU",
)
def accelerators_missing(topology: Topology) -> Iterator[Case]:
    """A component whose LLM server needs GPUs must reserve accelerators, because a copy gets only reserved ones."""
    for component, specification in _hosting(topology):
        repository, tag = specification.container.repository, specification.container.tag or ""
        if not repository or not engine_of_image(repository) or "cpu" in tag or "neuron" in tag:
            continue
        if isinstance(specification.claims, Claims) and specification.claims.accelerators is None:
            yield Case(subject=component.subject, numbers={"repository": repository})


@rule(
    "copies-missing",
    checks="A component that hosts a model has no CopyCount.",
    why="SageMaker does not know how many copies to place",
    source="SageMaker API reference, CreateInferenceComponent",
    enforced=enforced_by(_CREATE, "documented", "API reference, CreateInferenceComponent, RuntimeConfig"),
)
def copies_missing(topology: Topology) -> Iterator[Case]:
    """A component that hosts a model must state its number of copies."""
    for component in topology.hosting_components:
        if component.copies is None:
            yield Case(subject=component.subject)


@rule(
    "copies-below-one",
    checks="A component is created with fewer than 1 copy.",
    why="the CloudFormation schema allows 0, but SageMaker creates no component with fewer than 1 copy",
    source="stdapi-ai/stdapi.ai issue 43, 27 August 2026",
    enforced=enforced_by(
        _CREATE, "quoted", "'Inference components copy count an integer larger than 0' (stdapi-ai/stdapi.ai issue 43)"
    ),
)
def copies_below_one(topology: Topology) -> Iterator[Case]:
    """A component must be created with at least 1 copy."""
    for component in topology.hosting_components:
        copies = component.copies
        if isinstance(copies, Fraction) and (copies < 1 or copies.denominator != 1):
            yield Case(subject=component.subject, numbers={"copies": _plain(copies)})


@rule(
    "variant-missing",
    severity="warning",
    checks="A component that hosts a model names no variant (warning).",
    why="only an adapter inherits its variant (from its base component); a component that hosts a model must name one",
    source="SageMaker API reference, CreateInferenceComponent, VariantName",
)
def variant_missing(topology: Topology) -> Iterator[Case]:
    """A component that hosts a model must name a variant."""
    for component in topology.hosting_components:
        if component.variant_name is None:
            yield Case(subject=component.subject)


@rule(
    "variant-unknown",
    checks="A component, or a scalable target of instances, names a variant that its endpoint does not have.",
    why="no instance belongs to that variant, so AWS refuses the component or the target",
    enforced=(
        *enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
        *enforced_by("RegisterScalableTarget", "assumed", "AWS publishes no message for this refusal"),
    ),
)
def variant_unknown(topology: Topology) -> Iterator[Case]:
    """The variant that a component or a scalable target names must exist on its endpoint."""
    for endpoint in topology.endpoints:
        configuration = topology.configuration(endpoint.configuration)
        names = [text_of(variant.name) for variant in configuration.variants] if configuration else []
        if not names or any("${" in name for name in names):
            continue
        for component in topology.hosting_components:
            variant_name = component.variant_name
            if component.endpoint == endpoint.subject and isinstance(variant_name, str) and variant_name not in names:
                yield Case(subject=component.subject, numbers={"variant": variant_name, "variants": names})
        for target in topology.instance_targets:
            name = target.variant_name
            if target.endpoint == endpoint.subject and "${" not in name and name not in names:
                yield Case(subject=target.subject, kind="scaled", numbers={"variant": name, "variants": names})


@rule(
    "name-taken",
    checks="Two inference components, or two endpoints, have the same name.",
    why="a name is unique in the account and region, so SageMaker refuses the second resource",
    source="SageMaker API reference, CreateInferenceComponent, InferenceComponentName; CreateEndpoint, EndpointName",
    enforced=(
        *enforced_by(_CREATE, "documented", "API reference: 'A unique name to assign to the inference component'"),
        *enforced_by("CreateEndpoint", "documented", "API reference, EndpointName: 'The name must be unique'"),
    ),
)
def name_taken(topology: Topology) -> Iterator[Case]:
    """Two components, or two endpoints, must not have the same name. CreateEndpoint ignores the case of letters."""
    named: list[tuple[Component | Endpoint, str]] = [
        *((component, text_of(component.name)) for component in topology.components),
        *((endpoint, text_of(endpoint.name).lower()) for endpoint in topology.endpoints),
    ]
    owners: dict[tuple[str, str], Subject] = {}
    for resource, name in named:
        # Resources with unknown conditions may never exist at the same time.
        if resource.name is None or ANYTHING in name or resource.exists is not None:
            continue
        key = resource.subject.kind, name
        if key in owners:
            numbers = {"name": text_of(resource.name), "owner": owners[key]}
            yield Case(
                subject=resource.subject, kind="" if isinstance(resource, Component) else "endpoint", numbers=numbers
            )
        owners.setdefault(key, resource.subject)


def _hosting(topology: Topology) -> Iterator[tuple[Component, Specification]]:
    return _specifications(topology.hosting_components)


def _claims(topology: Topology) -> Iterator[tuple[Component, Claims]]:
    for component, specification in _hosting(topology):
        if specification.claims is not None and not isinstance(specification.claims, Unknown):
            yield component, specification.claims


def _specifications(components: Iterable[Component]) -> Iterator[tuple[Component, Specification]]:
    for component in components:
        for specification in component.specifications:
            yield component, specification


def _plain(number: Fraction) -> str:
    return f"{float(number):g}"
