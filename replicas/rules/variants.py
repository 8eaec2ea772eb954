"""Rules about production variants: invalid or unused instances, storage, pools and routing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from replicas.catalogue.instances import instance_types
from replicas.endpoint.components import Claims
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import text_of
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

_CREATE = "CreateEndpointConfig"
_WITHOUT_VOLUME = re.compile(r"ml\.(?:g5|g6|p5|trn1|p3\.|[a-z]+\d+[a-z]*d)")
"""Instance families that refuse a volume size: the families of the SageMaker SDK (`volume_size_supported`), and p3, for
which a source quotes the refusal."""


@rule(
    "volume-on-local-storage",
    checks="VolumeSizeInGB is set for instances with local NVMe storage.",
    why="CreateEndpointConfig refuses VolumeSizeInGB: 'VolumeSize parameter is not allowed for the selected Instance "
    "type'",
    source="autogluon/autogluon-cloud pull request 50; aws/sagemaker-python-sdk pull request 4828; sagemaker 2.257.7, "
    "volume_size_supported",
    enforced=enforced_by(
        _CREATE,
        "quoted",
        "'VolumeSize parameter is not allowed for the selected Instance type' (autogluon/autogluon-cloud, pull request "
        "50)",
    ),
)
def volume_on_local_storage(topology: Topology) -> Iterator[Case]:
    """A variant with local storage must not request a volume (warning for families without a quoted refusal)."""
    for configuration, variant in topology.configured_variants:
        for name in variant.instances.type_names if variant.has_volume else ():
            is_known = _WITHOUT_VOLUME.match(name) is not None
            instance = instance_types().get(name)
            if is_known or (instance is not None and instance.nvme_gb > 0):
                yield Case(subject=configuration.subject, numbers={"instance_type": name}, certain=is_known)


@rule(
    "variant-twice",
    checks="Two variants of an endpoint config have the same name.",
    why="requests, components and scaling name a variant, so SageMaker refuses a name that exists",
    source="mlflow/mlflow pull request 6486: SageMaker refuses a variant name that exists",
    enforced=enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
)
def variant_twice(topology: Topology) -> Iterator[Case]:
    """The variants of a configuration must have different names."""
    for configuration in topology.configurations:
        names = Counter(variant.name for variant in configuration.variants if isinstance(variant.name, str))
        for name in (name for name, count in names.items() if count > 1):
            yield Case(subject=configuration.subject, numbers={"variant": name})


@rule(
    "serverless-variant",
    checks="A serverless variant hosts inference components, or does not name a model.",
    why="a serverless variant has no instances for copies; it serves the one model that it names",
    source="SageMaker API reference, ProductionVariant, ServerlessConfig: 'Specifies a serverless endpoint "
    "configuration instead of an instance-based endpoint configuration'",
    enforced=enforced_by(_CREATE, "documented", "API reference, ProductionVariant, ServerlessConfig"),
)
def serverless_variant(topology: Topology) -> Iterator[Case]:
    """A variant that hosts components must have instances."""
    hosting = {
        (variant.configuration.subject, text_of(variant.settings.name))
        for variant in topology.variants
        if variant.components
    }
    for configuration, variant in topology.configured_variants:
        hosts = (configuration.subject, text_of(variant.name)) in hosting
        if variant.is_serverless and (hosts or not variant.names_model):
            yield Case(subject=configuration.subject, numbers={"variant": text_of(variant.name)})


@rule(
    "variant-without-instances",
    checks="A variant has no instance type, no number of instances, or both an instance type and pools.",
    why="SageMaker cannot start instances without their type and number",
    source="sagemaker 2.257.7: 'Must specify instance type and instance count unless using serverless inference'",
    enforced=enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
)
def variant_without_instances(topology: Topology) -> Iterator[Case]:
    """A variant must have an instance type or pools, and a number of instances."""
    for configuration, variant in topology.configured_variants:
        instances, has_pools = variant.instances, bool(variant.instances.pool_entries or variant.instances.pools)
        kind = ""
        if variant.is_serverless:
            continue
        if instances.instance_type is None and not has_pools:
            kind = "type"
        elif instances.instance_type is not None and has_pools:
            kind = "both"
        elif instances.initial is None:
            kind = "count"
        if kind:
            yield Case(subject=configuration.subject, kind=kind, numbers={"variant": text_of(variant.name)})


@rule(
    "pool-twice",
    checks="Two instance pools of a variant have the same instance type or the same priority.",
    why="SageMaker tries the pools in the order of their priorities",
    source="SageMaker API reference, InstancePool, Priority",
    enforced=enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
)
def pool_twice(topology: Topology) -> Iterator[Case]:
    """Each pool must have a different instance type and a different priority."""
    for configuration, variant in topology.configured_variants:
        for index, setting in enumerate(("InstanceType", "Priority")):
            given = [entry[index] for entry in variant.instances.pool_entries if "${" not in entry[index]]
            twice = sorted({value for value in given if given.count(value) > 1})
            if twice:
                numbers = {"variant": text_of(variant.name), "setting": setting, "value": twice[0]}
                yield Case(subject=configuration.subject, numbers=numbers)


@rule(
    "pool-names-model",
    checks="An instance pool names a model, but its variant hosts inference components.",
    why="ModelNameOverride replaces the model of the variant, and a variant with components has no model",
    source="SageMaker API reference, InstancePool, ModelNameOverride",
    enforced=enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
)
def pool_names_model(topology: Topology) -> Iterator[Case]:
    """The pools of a variant that names no model must not name models."""
    for configuration, variant in topology.configured_variants:
        if variant.instances.pools_name_models and not variant.names_model:
            yield Case(subject=configuration.subject, numbers={"variant": text_of(variant.name)})


@rule(
    "routing-mismatch",
    checks="The routing strategy of a variant does not match its prefix-aware settings or instance pools (warning).",
    why="{why}",
    source="aws-samples, README on instance pools for inference components; SageMaker API reference, "
    "ProductionVariantRoutingConfig, PrefixAwareRoutingConfig",
    enforced=enforced_by(
        _CREATE, "documented", "API reference, ProductionVariantRoutingConfig, PrefixAwareRoutingConfig"
    ),
)
def routing_mismatch(topology: Topology) -> Iterator[Case]:
    """Instance pools need LEAST_OUTSTANDING_REQUESTS, and prefix-aware settings need PREFIX_AWARE."""
    for configuration, variant in topology.configured_variants:
        if variant.routing is not None and not isinstance(variant.routing, str):
            continue
        wrong = [
            (variant.has_prefix_routing, "PREFIX_AWARE", "PrefixAwareRoutingConfig requires the strategy PREFIX_AWARE"),
            (
                bool(variant.instances.pool_entries),
                "LEAST_OUTSTANDING_REQUESTS",
                "instance pools require the strategy LEAST_OUTSTANDING_REQUESTS",
            ),
        ]
        for applies, right, why in wrong:
            if applies and variant.routing != right:
                numbers = {"given": variant.routing or "not given", "right": right, "why": why}
                is_documented = right == "PREFIX_AWARE"
                yield Case(subject=configuration.subject, numbers=numbers, certain=is_documented)


@rule(
    "variant-without-components",
    severity="warning",
    checks="A variant of an endpoint with components hosts neither a component nor a model (warning).",
    why="the instances of the variant are paid for but serve nothing",
)
def variant_without_components(topology: Topology) -> Iterator[Case]:
    """Each variant of an endpoint with components must host a component or a model."""
    busy = {variant.endpoint for variant in topology.variants if variant.components}
    undecided = {
        component.endpoint for component in topology.hosting_components if not isinstance(component.variant_name, str)
    }
    for variant in topology.variants:
        is_idle = not variant.components and not variant.settings.names_model
        if is_idle and variant.endpoint in busy - undecided and not variant.settings.is_serverless:
            numbers = {"variant": text_of(variant.settings.name)}
            yield Case(subject=variant.configuration.subject, numbers=numbers)


@rule(
    "instances-scaled-twice",
    severity="warning",
    checks="ManagedInstanceScaling and a scalable target change the instances of the same variant (warning).",
    why="SageMaker scales instances by copies, Application Auto Scaling by another metric: each reverts the "
    "other's changes",
    source="SageMaker API reference, ProductionVariantManagedInstanceScaling; Application Auto Scaling API reference, "
    "ScalableDimension, sagemaker:variant:DesiredInstanceCount",
)
def instances_scaled_twice(topology: Topology) -> Iterator[Case]:
    """Either ManagedInstanceScaling or a scalable target must scale the instances of a variant, not both."""
    for target in topology.instance_targets:
        for variant in topology.variants:
            is_same = variant.endpoint == target.endpoint and text_of(variant.settings.name) == target.variant_name
            if is_same and variant.instances.is_scaled:
                yield Case(subject=target.subject, numbers={"variant": target.variant_name})


@rule(
    "memory-range",
    severity="warning",
    checks="MaxMemoryRequiredInMb is below MinMemoryRequiredInMb (warning).",
    why="a copy reserves more memory than it may use; AWS does not document whether SageMaker refuses this",
    source="SageMaker API reference, InferenceComponentComputeResourceRequirements",
)
def memory_range(topology: Topology) -> Iterator[Case]:
    """The memory that a copy may use must not be below the memory that it reserves."""
    for component in topology.hosting_components:
        for specification in component.specifications:
            claims = specification.claims
            if not isinstance(claims, Claims):
                continue
            least, most = claims.memory_mib, claims.most_memory_mib
            if isinstance(least, Fraction) and isinstance(most, Fraction) and most < least:
                numbers = {"least": f"{float(least):g}", "most": f"{float(most):g}"}
                yield Case(subject=component.subject, numbers=numbers)
