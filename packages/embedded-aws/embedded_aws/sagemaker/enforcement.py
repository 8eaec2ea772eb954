"""Checks SageMaker requests, together with the region's resources, against the rules that AWS enforces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.enforcement import refuse, resource, topology
from embedded_aws.sagemaker.state import Endpoint, Hosting
from replicas.names import ResourceType

_AFTERWARDS = frozenset({"over-committed"})
"""Rules that SageMaker enforces only when it places copies, after the operation has succeeded."""
_ROLE = "the role of the configuration"


def check_model(request: Mapping[str, Any], region: str) -> None:
    """Refuse a CreateModel request that breaks a rule.

    Raises:
        ServiceError: one error that lists all broken rules.

    """
    key = "model"
    refuse("CreateModel", topology({key: resource(ResourceType.MODEL, request)}, region), key)


def check_configuration(request: Mapping[str, Any], region: str) -> None:
    """Refuse a CreateEndpointConfig request that breaks a rule.

    Raises:
        ServiceError: one error that lists all broken rules.

    """
    key = "configuration"
    model = topology({key: resource(ResourceType.ENDPOINT_CONFIG, request)}, region)
    refuse("CreateEndpointConfig", model, key)


def check_endpoint(name: str, configuration: Mapping[str, Any], region: str) -> None:
    """Refuse a CreateEndpoint or UpdateEndpoint request whose configuration breaks a rule.

    Raises:
        ServiceError: one error that lists all broken rules.

    """
    key = "configuration"
    resources = {
        key: resource(ResourceType.ENDPOINT_CONFIG, {**configuration, "EndpointConfigName": key}),
        "endpoint": resource(ResourceType.ENDPOINT, {"EndpointName": name, "EndpointConfigName": key}),
    }
    refuse("CreateEndpoint", topology(resources, region), key)


def check_component(
    operation: str, request: Mapping[str, Any], endpoint: Endpoint, hosting: Hosting, region: str
) -> None:
    """Refuse a request to create or update an inference component that breaks a rule.

    Args:
        operation: CreateInferenceComponent or UpdateInferenceComponent.
        request: the component in the form of CreateInferenceComponent; for an update, also DeploymentConfig.
        endpoint: endpoint of the component.
        hosting: the hosting resources of the region.
        region: name of the region.

    Raises:
        ServiceError: one error that lists all broken rules.

    """
    name = request["InferenceComponentName"]
    resources = dict(_surroundings(endpoint, hosting, without=name))
    resources[name] = resource(ResourceType.COMPONENT, request)
    refuse(operation, topology(resources, region), name, without=_AFTERWARDS)


def _surroundings(endpoint: Endpoint, hosting: Hosting, *, without: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield template resources: the endpoint, its configuration, its components except `without`, and all models."""
    configuration = {
        "EndpointConfigName": endpoint.config_name,
        "ExecutionRoleArn": _ROLE,
        "ProductionVariants": [endpoint.variant],
    }
    yield "the configuration", resource(ResourceType.ENDPOINT_CONFIG, configuration)
    named = {"EndpointName": endpoint.name, "EndpointConfigName": endpoint.config_name}
    yield "the endpoint", resource(ResourceType.ENDPOINT, named)
    for model in hosting.models.values():
        yield f"model {model.name}", resource(ResourceType.MODEL, model.request)
    for component in hosting.components_of(endpoint):
        if component.name != without:
            properties = {
                "InferenceComponentName": component.name,
                "EndpointName": component.endpoint_name,
                "VariantName": component.variant_name,
                "Specification": component.specification.request,
                "RuntimeConfig": {"CopyCount": component.desired},
            }
            yield component.name, resource(ResourceType.COMPONENT, properties)
