"""Rules about models, endpoint configurations and timeouts: settings that fail to deploy or to update."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.containers import Model
from replicas.endpoint.identity import Number, Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import text_of
from replicas.endpoint.variants import Configuration, Instances
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

_SHORTEST_SECONDS, _LONGEST_SECONDS = 60, 3600


@rule(
    "role-missing",
    checks="An endpoint config for inference components has no ExecutionRoleArn.",
    why="CreateEndpointConfig refuses a variant without a model unless the config has a role",
    source="SageMaker API reference, CreateEndpointConfig, ExecutionRoleArn",
    enforced=enforced_by("CreateEndpointConfig", "documented", "developer guide, inference components"),
)
def role_missing(topology: Topology) -> Iterator[Case]:
    """An endpoint configuration with components must have an execution role: the components use it."""
    hosting = {variant.configuration.subject for variant in topology.variants if variant.components}
    for configuration in topology.configurations:
        if configuration.has_role:
            continue
        for_components = [variant for variant in configuration.variants if not variant.names_model]
        if configuration.subject in hosting:
            yield Case(subject=configuration.subject)
        elif for_components:
            numbers = {"variant": text_of(for_components[0].name)}
            yield Case(subject=configuration.subject, kind="without model", numbers=numbers)


@rule(
    "model-on-variant",
    checks="A variant with inference components names a model.",
    why="a variant with a model is a single-model endpoint, which accepts no components",
    source="SageMaker developer guide, inference components",
    enforced=enforced_by("CreateInferenceComponent", "assumed", "AWS publishes no message for this refusal"),
)
def model_on_variant(topology: Topology) -> Iterator[Case]:
    """A variant with inference components must not name a model."""
    for variant in topology.variants:
        if variant.components and variant.settings.has_model:
            yield Case(subject=variant.configuration.subject, numbers={"variant": text_of(variant.settings.name)})


_COMPONENTS_ONLY = "ManagedInstanceScaling is only supported for inference component endpoints"
_REFUSED_TEST = "hashicorp/terraform-provider-aws pull request 45926: an acceptance test that AWS refused"


@rule(
    "zero-instances-with-model",
    checks="A variant that names a model has MinInstanceCount=0.",
    why="only endpoints with inference components can scale to zero instances",
    source=_REFUSED_TEST,
    enforced=enforced_by("CreateEndpointConfig", "quoted", f"'{_COMPONENTS_ONLY}' ({_REFUSED_TEST})"),
)
def zero_instances_with_model(topology: Topology) -> Iterator[Case]:
    """A variant that serves a model itself must keep at least one instance."""
    for configuration, variant in topology.configured_variants:
        if variant.has_model and variant.instances.is_scaled and variant.instances.least == 0:
            yield Case(subject=configuration.subject, numbers={"variant": text_of(variant.name)})


@rule(
    "fixed-name",
    checks="A model or endpoint config has a fixed name, so it cannot be replaced.",
    why="every change replaces the resource, and CloudFormation creates the new one while the old one still "
    "has the name",
    source="CloudFormation schemas of 2026-10-20: every property of both types except the tags is create-only",
)
def fixed_name(topology: Topology) -> Iterator[Case]:
    """A model or endpoint configuration must not have a fixed name, because its replacement needs another name."""
    owners: list[Model | Configuration] = [*topology.models, *topology.configurations]
    for owner in owners:
        if owner.fixed_name is not None:
            yield Case(subject=owner.subject, kind=owner.subject.kind, numbers={"name": owner.fixed_name})


@rule(
    "scaling-range",
    checks="MaxInstanceCount is below InitialInstanceCount or MinInstanceCount, or InitialInstanceCount is "
    "below MinInstanceCount.",
    why="SageMaker refuses an InitialInstanceCount outside the range",
    source="SageMaker API reference, ProductionVariantManagedInstanceScaling",
    enforced=enforced_by("CreateEndpointConfig", "assumed", "AWS publishes no message for this refusal"),
)
def scaling_range(topology: Topology) -> Iterator[Case]:
    """MinInstanceCount, InitialInstanceCount and MaxInstanceCount must be in ascending order."""
    for configuration, variant in topology.configured_variants:
        yield from _range_of(configuration.subject, variant.instances)


def _range_of(subject: Subject, instances: Instances) -> Iterator[Case]:
    if not instances.is_scaled:
        return
    start, least, most = instances.initial, instances.least, instances.most
    for kind, bound in (("start", start), ("fewest", least)):
        if isinstance(most, Fraction) and isinstance(bound, Fraction) and most < bound:
            yield Case(subject=subject, kind=kind, numbers={"most": _plain(most), "bound": _plain(bound)})
            return
    if isinstance(start, Fraction) and isinstance(least, Fraction) and start < least:
        numbers = {"start": _plain(start), "least": _plain(least)}
        yield Case(subject=subject, kind="start below fewest", numbers=numbers)


@rule(
    "startup-timeout",
    checks="The timeout of the model download or of the container start is outside 60 to 3,600 seconds.",
    why="SageMaker accepts {shortest} to {longest} seconds",
    source="CloudFormation schema of 2026-10-20",
    enforced=(
        *enforced_by("CreateInferenceComponent", "documented", "botocore 1.44.5, 60 to 3600"),
        *enforced_by("CreateEndpointConfig", "documented", "botocore 1.44.5, 60 to 3600"),
    ),
)
def startup_timeout(topology: Topology) -> Iterator[Case]:
    """The timeouts of the model download and of the container start must be 60 to 3,600 seconds."""
    settings: list[tuple[Subject, str, Number]] = []
    for component in topology.components:
        for specification in component.specifications:
            settings.append((component.subject, "download", specification.download_seconds))
            settings.append((component.subject, "startup", specification.startup_seconds))
    for configuration, variant in topology.configured_variants:
        settings.append((configuration.subject, "download", variant.download_seconds))
        settings.append((configuration.subject, "startup", variant.startup_seconds))
    for subject, kind, seconds in settings:
        if isinstance(seconds, Fraction) and not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
            nearest = _SHORTEST_SECONDS if seconds < _SHORTEST_SECONDS else _LONGEST_SECONDS
            numbers = {
                "seconds": _plain(seconds),
                "nearest": nearest,
                "shortest": _SHORTEST_SECONDS,
                "longest": _LONGEST_SECONDS,
            }
            yield Case(subject=subject, kind=kind, numbers=numbers)


def _plain(number: Fraction) -> str:
    return f"{float(number):g}"
