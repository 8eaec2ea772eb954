"""Converts live resources to CloudFormation properties, without values that the service sets by default. Makes no AWS
call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.adopt.container import without_secrets
from replicas.adopt.records import Json, LiveComponent, LiveEndpoint
from replicas.names import CopyTarget, ResourceType
from replicas.status.live import component_properties

_MODEL = ("PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation")
_CONFIGURATION = (
    "ProductionVariants",
    "ShadowProductionVariants",
    "DataCaptureConfig",
    "ExplainerConfig",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
    "KmsKeyId",
    "MetricsConfig",
)
_SPECIFICATION = (
    "InstanceType",
    "ModelName",
    "Container",
    "StartupParameters",
    "ComputeResourceRequirements",
    "BaseInferenceComponentName",
    "DataCacheConfig",
    "SchedulingConfig",
)
"""Fields of Describe responses that are also properties in CloudFormation's schemas."""

_SERVICE_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "EnableNetworkIsolation": (False,),
    "Mode": ("SingleModel",),
    "InitialVariantWeight": (1.0, 1),
    "EnableSSMAccess": (False,),
    "EnableEnhancedMetrics": (False,),
    "EnableDetailedObservability": (True,),
    "Environment": ({},),
    "MetricsConfig": ({},),
    "ManagedInstanceScaling": ({"Status": "DISABLED"},),
    "SchedulingConfig": (
        {
            "PlacementStrategy": "SPREAD",
            "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": 0},
        },
    ),
}
"""Default values of properties (SageMaker API reference, 2026-10). The weight of a single variant has no effect."""


def model_properties(model: Json) -> dict[str, Any]:
    """Return the properties of a model, without secrets in its variables."""
    return _without_defaults({key: model[key] for key in _MODEL if key in model})


def configuration_properties(configuration: Json) -> dict[str, Any]:
    """Return the properties of an endpoint configuration."""
    return _without_defaults({key: configuration[key] for key in _CONFIGURATION if key in configuration})


def endpoint_properties(endpoint: Json) -> dict[str, Any]:
    """Return the properties of an endpoint."""
    return {key: endpoint[key] for key in ("EndpointName", "EndpointConfigName")}


def live_properties(component: LiveComponent) -> dict[str, Any]:
    """Return the properties of an inference component or adapter."""
    live = component_properties(component.described)
    for key in ("Specification", "Specifications"):
        if key in live:
            given = live[key]
            live[key] = [_specified(entry) for entry in given] if isinstance(given, list) else _specified(given)
    if component.base is not None:  # an adapter has neither copies nor a variant
        del live["RuntimeConfig"], live["VariantName"]
    return _without_defaults(live)


def template_of(live: LiveEndpoint) -> dict[str, Any]:
    """Return a template that declares the live resources, for the rules.

    The resources refer to each other by logical id, so that no rule reports a fault that only this template has.
    """
    variants = configuration_properties(live.configuration)
    resources: dict[str, Any] = {
        "Configuration": _resource(ResourceType.ENDPOINT_CONFIG, variants),
        "Endpoint": _resource(
            ResourceType.ENDPOINT,
            {"EndpointName": live.name, "EndpointConfigName": _attribute("Configuration", "EndpointConfigName")},
        ),
    }
    for component in (*live.components, *live.left_out, *live.adapters):
        for name, model in component.models.items():
            resources[_key("Model", name)] = _resource(ResourceType.MODEL, model_properties(model))
        properties = _referring(live_properties(component))
        resources[component_key(component.name)] = _resource(ResourceType.COMPONENT, properties)
        if component.scaling is not None:
            target = {
                "ServiceNamespace": CopyTarget.NAMESPACE,
                "ScalableDimension": CopyTarget.DIMENSION,
                "ResourceId": CopyTarget.resource_id(component.name),
                "MinCapacity": component.scaling.target["MinCapacity"],
                "MaxCapacity": component.scaling.target["MaxCapacity"],
            }
            resources[_key("Scaling", component.name)] = {
                **_resource(ResourceType.SCALABLE_TARGET, target),
                "DependsOn": component_key(component.name),
            }
    return {"Resources": resources}


def component_key(component: str) -> str:
    """Return the logical id of a component in `template_of`."""
    return _key("Component", component)


def _referring(component: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a component, with references in place of the names of endpoint, model and base."""
    component = {**component, "EndpointName": _attribute("Endpoint", "EndpointName")}
    for key in ("Specification", "Specifications"):
        if key in component:
            given = component[key]
            many = isinstance(given, list)
            written = [_referring_specification(entry) for entry in (given if many else [given])]
            component[key] = written if many else written[0]
    return component


def _referring_specification(specification: Json) -> dict[str, Any]:
    written = dict(specification)
    if "ModelName" in written:
        written["ModelName"] = _attribute(_key("Model", written["ModelName"]), "ModelName")
    if "BaseInferenceComponentName" in written:
        arn = _attribute(component_key(written["BaseInferenceComponentName"]), "InferenceComponentArn")
        written["BaseInferenceComponentName"] = {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}
    return written


def _attribute(logical_id: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, attribute]}


def _key(kind: str, name: str) -> str:
    """Return a logical id, which may contain only letters and digits."""
    return kind + "".join(part[:1].upper() + part[1:] for part in name.split("-") if part)


def _resource(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _specified(specification: Json) -> dict[str, Any]:
    properties = {key: specification[key] for key in _SPECIFICATION if key in specification}
    if "ModelName" in properties:  # DescribeInferenceComponent then also returns the model's container
        properties.pop("Container", None)
    container = properties.get("Container")
    if container:
        properties["Container"] = {
            key: container[key] for key in ("Image", "ArtifactUrl", "Environment") if container.get(key) is not None
        }
    return properties


def _without_defaults(properties: Json) -> dict[str, Any]:
    """Return properties without absent values, service defaults and secrets."""
    cleaned: dict[str, Any] = _cleaned(properties)
    return cleaned


def _cleaned(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        items = dict(without_secrets(value)) if key == "Environment" else value
        cleaned = {name: _cleaned(item, name) for name, item in items.items() if item is not None}
        return {name: item for name, item in cleaned.items() if not _is_default(name, item)}
    if isinstance(value, list):
        return [_cleaned(item, key) for item in value]
    return value


def _is_default(name: str, value: Any) -> bool:
    return any(
        value == default and isinstance(value, bool) == isinstance(default, bool)
        for default in _SERVICE_DEFAULTS.get(name, ())
    )
