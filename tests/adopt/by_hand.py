"""Endpoints made by hand, as `replicas adopt` meets them: without a stack, through SageMaker's API alone."""

from __future__ import annotations

import json
from typing import Any

from embedded_aws_tests.support import TRUST, in_service

TGI = (
    "763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-pytorch-tgi-inference:"
    "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
)
"""The image of the article: "Scale LLM Inference on Amazon SageMaker with Multi-Replica Endpoints", 11 January 2024."""

VARIABLES = {
    "HF_MODEL_ID": "NousResearch/Llama-2-13b-chat-hf",
    "SM_NUM_GPUS": "1",
    "MAX_INPUT_LENGTH": "2048",
    "MAX_TOTAL_TOKENS": "4096",
    "MAX_BATCH_PREFILL_TOKENS": "4096",
    "MAX_BATCH_TOTAL_TOKENS": "16384",
}


def role_by_hand(iam: Any, name: str = "serving") -> str:
    """Create an execution role that SageMaker can assume; its ARN."""
    try:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        return str(role["Role"]["Arn"])


def article_by_hand(
    sagemaker: Any,
    role: str,
    name: str = "llama",
    *,
    copies: int = 8,
    variables: dict[str, str] | None = None,
    container: dict[str, Any] | None = None,
    variant: dict[str, Any] | None = None,
    component: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> None:
    """Create the article's endpoint: `NAME`, `NAME-config`, `NAME-model` and the component `NAME-by-hand`."""
    sagemaker.create_model(
        ModelName=f"{name}-model",
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": TGI,
            "Environment": VARIABLES if variables is None else variables,
            **(container or {}),
        },
        Tags=tags or [],
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-config",
        ExecutionRoleArn=role,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "InstanceType": "ml.p4d.24xlarge",
                "InitialInstanceCount": 1,
                "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
                **(variant or {}),
            }
        ],
        Tags=tags or [],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config", Tags=tags or [])
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 0})
    sagemaker.create_inference_component(
        InferenceComponentName=f"{name}-by-hand",
        EndpointName=name,
        VariantName=(variant or {}).get("VariantName", "AllTraffic"),
        Specification={
            "ModelName": f"{name}-model",
            "ComputeResourceRequirements": {
                "NumberOfAcceleratorDevicesRequired": 1,
                "NumberOfCpuCoresRequired": 10,
                "MinMemoryRequiredInMb": 102400,
            },
            "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 300},
            **(component or {}),
        },
        RuntimeConfig={"CopyCount": copies},
        Tags=tags or [],
    )
    in_service(sagemaker, f"{name}-by-hand")


def remove(sagemaker: Any, name: str = "llama") -> None:
    """Delete what `article_by_hand` made."""
    for listed in sagemaker.list_inference_components(EndpointNameEquals=name)["InferenceComponents"]:
        sagemaker.delete_inference_component(InferenceComponentName=listed["InferenceComponentName"])
    while sagemaker.list_inference_components(EndpointNameEquals=name)["InferenceComponents"]:
        pass
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 0})
    sagemaker.delete_endpoint_config(EndpointConfigName=f"{name}-config")
    sagemaker.delete_model(ModelName=f"{name}-model")
