"""Reads a template into the endpoint model: endpoints with their configurations, components and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicas.endpoint.components import Adapter, Batch, Claims, Component, Roll, Specification
from replicas.endpoint.containers import Model
from replicas.endpoint.identity import Subject, Text
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, at, number_at, text_of, whole_at
from replicas.endpoint.variants import Configuration, Endpoint, Instances, Variant, VariantSettings
from replicas.names import ResourceType
from replicas.template.access import role_in, roles_of, texts_of
from replicas.template.alarms import alarms_of, metrics_of
from replicas.template.captures import captures_of
from replicas.template.combinations import open_combinations
from replicas.template.containers import container_of, container_of_model, fixed_name, models_of, named_models_of
from replicas.template.evaluation import Resolver
from replicas.template.policies import aliases_of, protected_in
from replicas.template.resources import Resource, Resources, named, text_in, truth_in
from replicas.template.scaling import instance_targets_of, is_name_of, silent_metrics, targets_of, watched_metrics
from replicas.template.scaling_policies import open_policies, policies_of
from replicas.template.unread import unread_of
from replicas.template.wiring import wiring_of

_LONGEST_TYPE = 100
"""Maximum length of an instance type name in characters. Real names have about 20."""
_MOST_VARIANTS = 10
"""SageMaker API reference, CreateEndpointConfig, ProductionVariants: at most 10 items."""


def topology_of(template: Mapping[str, Any], resolver: Resolver, region: str | None = None) -> Topology:
    """Read a template into the endpoint model. Never raises; malformed resources are ignored."""
    return topology_of_resources(Resources(template, resolver), region)


def topology_of_resources(resources: Resources, region: str | None = None) -> Topology:
    """Read evaluated resources into the endpoint model."""
    reader = _Reader(resources)
    variants = tuple(reader.variants())
    return Topology(
        variants=variants,
        components=reader.components,
        endpoints=reader.endpoints,
        configurations=tuple(reader.configurations.values()),
        models=tuple(reader.models.values()),
        targets=targets_of(resources),
        instance_targets=instance_targets_of(resources),
        policies=policies_of(resources),
        alarms=alarms_of(resources),
        metrics=tuple(metrics_of(resources)),
        roles=tuple(roles_of(resources)),
        protected=tuple(protected_in(resources)),
        aliases=aliases_of(resources),
        texts=tuple(texts_of(resources.template)),
        unread=(*unread_of(resources), *open_combinations(resources, variants), *open_policies(resources)),
        wiring=wiring_of(resources),
        named_models=named_models_of(resources),
        region=region,
    )


class _Reader:
    """Reads one template."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self.models: dict[str, Model] = {model.subject.name: model for model in models_of(resources)}
        self.configurations = {
            resource.logical_id: self._configuration(resource) for resource in resources.of_sagemaker("EndpointConfig")
        }
        self.endpoints = tuple(map(self._endpoint, resources.of_sagemaker("Endpoint")))
        self.components = tuple(map(self._component, resources.of_sagemaker("InferenceComponent")))

    def variants(self) -> Sequence[Variant]:
        """Return every variant of every endpoint, with the components on it."""
        return [
            Variant(
                endpoint=endpoint.subject,
                configuration=configuration,
                settings=settings,
                components=tuple(
                    component
                    for component in self.components
                    if component.endpoint == endpoint.subject
                    and component.adapter is None
                    and _is_on(component, settings, only=len(configuration.variants) == 1)
                ),
            )
            for endpoint in self.endpoints
            if endpoint.configuration
            for configuration in [self.configurations[endpoint.configuration.name]]
            for settings in configuration.variants
        ]

    def _endpoint(self, resource: Resource) -> Endpoint:
        given = resource.get("EndpointConfigName")
        configuration = named(given, self._resources.of_sagemaker("EndpointConfig"), "EndpointConfigName")
        return Endpoint(
            subject=Subject(kind="endpoint", name=resource.logical_id),
            configuration=self.configurations[configuration.logical_id].subject if configuration else None,
            configuration_text=text_in(given),
            name=text_in(resource.get("EndpointName")),
            exists=resource.condition,
            is_tagged=bool(resource.get("Tags")),
        )

    def _configuration(self, resource: Resource) -> Configuration:
        variants = resource.get("ProductionVariants")
        if isinstance(variants, list) and len(variants) > _MOST_VARIANTS:
            variants = Unknown(
                f"CreateEndpointConfig accepts at most {_MOST_VARIANTS} variants, and the configuration has "
                f"{len(variants)}"
            )
        return Configuration(
            subject=Subject(kind="configuration", name=resource.logical_id),
            variants=tuple(map(self._settings, variants)) if isinstance(variants, list) else (),
            has_role=resource.get("ExecutionRoleArn") is not None,
            role=role_in(resource.get("ExecutionRoleArn"), self._resources),
            role_text=text_in(resource.get("ExecutionRoleArn")),
            fixed_name=fixed_name(text_in(resource.get("EndpointConfigName"))),
            isolated=truth_in(resource.get("EnableNetworkIsolation")),
            in_vpc=resource.get("VpcConfig") is not None,
            has_key=resource.get("KmsKeyId") is not None,
            key=text_in(resource.get("KmsKeyId")),
            captures=tuple(captures_of(resource, self._resources)),
            is_tagged=bool(resource.get("Tags")),
            unknown=text_in(variants) if not isinstance(variants, list) else None,
        )

    def _settings(self, variant: Value) -> VariantSettings:
        model = at(variant, "ModelName")
        container, served = container_of_model(model, self._resources, self.models)
        return VariantSettings(
            name=text_in(at(variant, "VariantName")),
            instances=_instances(variant),
            has_model=model is not None and not isinstance(model, Unknown),
            model=served.subject if served else None,
            container=container if model is not None else None,
            names_model=model is not None,
            ami=text_in(at(variant, "InferenceAmiVersion")),
            startup_seconds=whole_at(variant, "ContainerStartupHealthCheckTimeoutInSeconds"),
            download_seconds=whole_at(variant, "ModelDataDownloadTimeoutInSeconds"),
            opens_shell=truth_in(at(variant, "EnableSSMAccess")) is True,
            has_volume=at(variant, "VolumeSizeInGB") is not None,
            is_serverless=at(variant, "ServerlessConfig") is not None,
            routing=text_in(at(variant, "RoutingConfig", "RoutingStrategy")),
            has_prefix_routing=at(variant, "RoutingConfig", "PrefixAwareRoutingConfig") is not None,
        )

    def _component(self, resource: Resource) -> Component:
        endpoints = self._resources.of_sagemaker("Endpoint")
        name, arn = resource.get("EndpointName"), resource.get("EndpointArn")
        endpoint = named(name, endpoints, "EndpointName") or named(arn, endpoints, "EndpointName")
        several = resource.get("Specifications")
        specifications = several if isinstance(several, list) else [resource.get("Specification")]
        return Component(
            subject=Subject(kind="component", name=resource.logical_id),
            endpoint=Subject(kind="endpoint", name=endpoint.logical_id) if endpoint else None,
            specifications=tuple(map(self._specification, specifications)),
            copies=whole_at(resource.properties, "RuntimeConfig", "CopyCount"),
            name=text_in(resource.get("InferenceComponentName")),
            endpoint_text=text_in(name or arn),
            variant_name=text_in(resource.get("VariantName")),
            exists=resource.condition,
            adapter=self._adapter(resource),
            roll=_roll(resource),
            watched_metrics=watched_metrics(resource, self._resources),
            silent_metrics=silent_metrics(resource, self._resources),
            is_tagged=bool(resource.get("Tags")),
            has_both_forms=isinstance(several, list) and isinstance(resource.get("Specification"), Mapping),
        )

    def _specification(self, properties: Value) -> Specification:
        own = at(properties, "Container")
        container, model = container_of_model(at(properties, "ModelName"), self._resources, self.models)
        return Specification(
            instance_type=_type_in(at(properties, "InstanceType")),
            claims=_claims(at(properties, "ComputeResourceRequirements")),
            container=container.under(container_of(own)),
            own_container=container_of(own) if own is not None else None,
            model=model,
            startup_seconds=whole_at(properties, "StartupParameters", "ContainerStartupHealthCheckTimeoutInSeconds"),
            download_seconds=whole_at(properties, "StartupParameters", "ModelDataDownloadTimeoutInSeconds"),
        )

    def _adapter(self, resource: Resource) -> Adapter | None:
        specification = resource.get("Specification")
        if not isinstance(specification, Mapping) or "BaseInferenceComponentName" not in specification:
            return None
        given = specification["BaseInferenceComponentName"]
        components = self._resources.of_sagemaker("InferenceComponent")
        base = next((component for component in components if is_name_of(given, component)), None)
        other = self._resources.get(given.logical_id) if isinstance(given, Reference) else None
        return Adapter(
            base=Subject(kind="component", name=base.logical_id) if base else None,
            base_text=text_of(given),
            # A resource of another service, such as a custom resource, may return the name of a component outside the
            # template.
            base_is_foreign=base is None and other is not None and other.type.startswith(ResourceType.SAGEMAKER),
            artifact=text_in(at(specification, "Container", "ArtifactUrl")),
            claims_resources=at(specification, "ComputeResourceRequirements") is not None,
        )


def _type_in(value: Value) -> Text:
    """Read the name of an instance type. A string that is longer than any real name becomes `Unknown`."""
    name = text_in(value)
    return Unknown("it is not an instance type") if isinstance(name, str) and len(name) > _LONGEST_TYPE else name


def _instances(variant: Value) -> Instances:
    scaling = at(variant, "ManagedInstanceScaling")
    pools = at(variant, "InstancePools")
    listed = pools if isinstance(pools, list) else []
    types = [at(pool, "InstanceType") for pool in listed] if isinstance(pools, list) else [pools]
    return Instances(
        instance_type=_type_in(at(variant, "InstanceType")),
        initial=whole_at(variant, "InitialInstanceCount"),
        is_scaled=scaling is not None and text_of(at(scaling, "Status")) != "DISABLED",
        least=whole_at(scaling, "MinInstanceCount"),
        most=whole_at(scaling, "MaxInstanceCount"),
        pools=tuple(dict.fromkeys(name for name in types if isinstance(name, str))),
        unknown_pools=next((name for name in types if isinstance(name, Unknown)), None),
        pool_entries=tuple((text_of(at(pool, "InstanceType")), text_of(at(pool, "Priority"))) for pool in listed),
        pools_name_models=any(at(pool, "ModelNameOverride") is not None for pool in listed),
    )


def _claims(compute: Value) -> Claims | Unknown | None:
    if compute is None or isinstance(compute, Unknown):
        return compute
    return Claims(
        accelerators=number_at(compute, "NumberOfAcceleratorDevicesRequired"),
        cpus=number_at(compute, "NumberOfCpuCoresRequired"),
        memory_mib=whole_at(compute, "MinMemoryRequiredInMb"),
        most_memory_mib=whole_at(compute, "MaxMemoryRequiredInMb"),
    )


def _roll(resource: Resource) -> Roll | None:
    policy = resource.get("DeploymentConfig", "RollingUpdatePolicy")
    if policy is None:
        return None
    alarms = resource.get("DeploymentConfig", "AutoRollbackConfiguration", "Alarms")
    return Roll(batch=_batch(at(policy, "MaximumBatchSize")), rolls_back=bool(alarms))


def _batch(size: Value) -> Batch | Unknown | None:
    if size is None or isinstance(size, Unknown):
        return size
    value, kind = whole_at(size, "Value"), text_of(at(size, "Type"))
    if value is None or isinstance(value, Unknown) or value <= 0:
        return value if isinstance(value, Unknown) else Unknown("it is not a number above 0")
    if kind == "COPY_COUNT":
        return Batch(copies=value)
    return Batch(share=value / 100) if kind == "CAPACITY_PERCENT" else Unknown(f"{kind} is not a valid unit")


def _is_on(component: Component, settings: VariantSettings, *, only: bool) -> bool:
    """True if a component names the variant, or if its endpoint has no other variant."""
    variant_name, name = component.variant_name, settings.name
    if variant_name is None or isinstance(variant_name, Unknown) or isinstance(name, Unknown):
        text = text_of(name)
        is_same = variant_name is not None and text_of(variant_name) == text and ANYTHING not in text
        return only or is_same
    return variant_name == text_of(name)
