"""Live endpoints as AWS describes them, without a call: members and types are those of botocore's model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session

from replicas.adopt.records import LiveComponent, LiveEndpoint, LiveScaling
from tests.adopt.by_hand import TGI, VARIABLES

ROLE = "arn:aws:iam::123456789012:role/serving"
ARN = "arn:aws:sagemaker:us-west-2:123456789012:"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
_MODEL = botocore.session.get_session().get_service_model("sagemaker")


def checked(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer, whose members the operation's output has."""
    shape = _MODEL.operation_model(operation).output_shape
    assert shape is not None
    _check(answer, shape)
    return answer


def _check(value: Any, shape: Any) -> None:
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), (shape.name, set(value) - set(shape.members))
        for key, item in value.items():
            _check(item, shape.members[key])
    elif shape.type_name == "list":
        for item in value:
            _check(item, shape.member)


def component(
    name: str = "llama-by-hand",
    *,
    copies: int = 8,
    variables: dict[str, str] | None = None,
    container: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    scaling: LiveScaling | None = None,
    endpoint: str = "llama",
    **specification: Any,
) -> LiveComponent:
    """The article's component, with changes."""
    described_model = checked(
        "DescribeModel",
        {
            "ModelName": f"{name}-model",
            "ModelArn": f"{ARN}model/{name}-model",
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {
                "Image": TGI,
                "Mode": "SingleModel",
                "Environment": VARIABLES if variables is None else variables,
                **(container or {}),
            },
            "EnableNetworkIsolation": False,
            **(model or {}),
        },
    )
    described = checked(
        "DescribeInferenceComponent",
        {
            "InferenceComponentName": name,
            "InferenceComponentArn": f"{ARN}inference-component/{name}",
            "EndpointName": endpoint,
            "VariantName": "AllTraffic",
            "InferenceComponentStatus": "InService",
            "RuntimeConfig": {"DesiredCopyCount": copies, "CurrentCopyCount": copies},
            "Specification": {
                "ModelName": f"{name}-model",
                "Container": {"DeployedImage": {"SpecifiedImage": TGI}},
                "ComputeResourceRequirements": {
                    "NumberOfAcceleratorDevicesRequired": 1.0,
                    "NumberOfCpuCoresRequired": 10.0,
                    "MinMemoryRequiredInMb": 102400,
                },
                "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 300},
                **specification,
            },
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
        },
    )
    return LiveComponent(
        name=name,
        described=described,
        models={f"{name}-model": described_model},
        tags=tags or {},
        scaling=scaling,
    )


def adapter(name: str, base: str, address: str) -> LiveComponent:
    """An adapter on the copies of a component."""
    described = checked(
        "DescribeInferenceComponent",
        {
            "InferenceComponentName": name,
            "InferenceComponentArn": f"{ARN}inference-component/{name}",
            "EndpointName": "llama",
            "VariantName": "AllTraffic",
            "InferenceComponentStatus": "InService",
            "Specification": {"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": address}},
        },
    )
    return LiveComponent(name=name, described=described, models={}, tags={})


def endpoint(
    *components: LiveComponent,
    adapters: tuple[LiveComponent, ...] = (),
    variant: dict[str, Any] | None = None,
    configuration: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    name: str = "llama",
) -> LiveEndpoint:
    """The article's endpoint, with changes."""
    given = components or (component(),)
    described = checked(
        "DescribeEndpoint",
        {
            "EndpointName": name,
            "EndpointArn": f"{ARN}endpoint/{name}",
            "EndpointConfigName": f"{name}-config",
            "EndpointStatus": "InService",
            "ProductionVariants": [{"VariantName": "AllTraffic", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}],
        },
    )
    described_configuration = checked(
        "DescribeEndpointConfig",
        {
            "EndpointConfigName": f"{name}-config",
            "EndpointConfigArn": f"{ARN}endpoint-config/{name}-config",
            "ExecutionRoleArn": ROLE,
            "EnableNetworkIsolation": False,
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "InstanceType": "ml.p4d.24xlarge",
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": 1.0,
                    "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
                    **(variant or {}),
                }
            ],
            **(configuration or {}),
        },
    )
    arns = [described["EndpointArn"], described_configuration["EndpointConfigArn"]]
    arns += [model["ModelArn"] for one in given for model in one.models.values()]
    return LiveEndpoint(
        name=name,
        region="us-west-2",
        described=described,
        configuration=described_configuration,
        components=given,
        adapters=adapters,
        left_out=(),
        tags={arn: tags or {} for arn in arns},
        stack=None,
    )
