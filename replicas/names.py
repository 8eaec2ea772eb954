"""Names that several modules share: resource types, metrics and dimensions of AWS, and output keys of our stacks.

A name belongs here when two rooms share it and no type or schema would catch a typo. Property names and
statuses of one API stay where they are used: botocore and the CloudFormation schemas check those.
"""

from __future__ import annotations

from typing import Final

SAGEMAKER_PRINCIPAL: Final = "sagemaker.amazonaws.com"
"""Service that assumes an execution role."""


REFUSED_STACK: Final = "refused-"
"""Prefix of the stacks of refused deployments whose own name is not known or is no name of a stack."""


class ResourceType:
    """CloudFormation resource types."""

    SAGEMAKER: Final = "AWS::SageMaker::"
    """Prefix of all types of SageMaker."""
    ENDPOINT: Final = "AWS::SageMaker::Endpoint"
    ENDPOINT_CONFIG: Final = "AWS::SageMaker::EndpointConfig"
    COMPONENT: Final = "AWS::SageMaker::InferenceComponent"
    MODEL: Final = "AWS::SageMaker::Model"
    SCALABLE_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"
    SCALING_POLICY: Final = "AWS::ApplicationAutoScaling::ScalingPolicy"
    ALARM: Final = "AWS::CloudWatch::Alarm"
    DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
    IAM: Final = "AWS::IAM::"
    """Prefix of all types of IAM."""
    ROLE: Final = "AWS::IAM::Role"
    POLICY: Final = "AWS::IAM::Policy"
    MANAGED_POLICY: Final = "AWS::IAM::ManagedPolicy"
    ROLE_POLICY: Final = "AWS::IAM::RolePolicy"
    LOG_GROUP: Final = "AWS::Logs::LogGroup"
    BUCKET: Final = "AWS::S3::Bucket"
    BUCKET_POLICY: Final = "AWS::S3::BucketPolicy"
    REPOSITORY: Final = "AWS::ECR::Repository"
    KEY: Final = "AWS::KMS::Key"


class Output:
    """Keys of a stack's outputs. If a component is not named like the deployment, its name is appended to the key."""

    ENDPOINT: Final = "EndpointName"
    REGION: Final = "Region"
    COMPONENT: Final = "InferenceComponentName"
    ADAPTER: Final = "AdapterName"
    OPENAI_URL: Final = "OpenAiUrl"
    CHAT_COMMAND: Final = "ChatCommand"
    INVOKE_COMMAND: Final = "InvokeCommand"
    """In place of `CHAT_COMMAND` for a model that embeds or scores."""
    DECLARED_SIZES: Final = "DeclaredSizes"


class MetricNamespace:
    """CloudWatch namespaces of SageMaker hosting."""

    HOSTING: Final = "/aws/sagemaker/"
    """Beginning of the namespaces that SageMaker writes with the rights of the execution role."""
    SERVICE: Final = "AWS/SageMaker"
    """Requests, latencies and load."""
    COMPONENTS: Final = "/aws/sagemaker/InferenceComponents"
    """Utilization of the resources that a component reserves."""
    ENDPOINTS: Final = "/aws/sagemaker/Endpoints"
    """Utilization and reservation of an endpoint's instances."""


class Dimension:
    """CloudWatch dimensions of SageMaker hosting."""

    COMPONENT: Final = "InferenceComponentName"
    ENDPOINT: Final = "EndpointName"
    VARIANT: Final = "VariantName"


class MetricName:
    """CloudWatch metrics of SageMaker hosting."""

    INVOCATIONS: Final = "Invocations"
    INVOCATIONS_PER_COPY: Final = "InvocationsPerCopy"
    CONCURRENT_REQUESTS_PER_COPY: Final = "ConcurrentRequestsPerCopy"
    MODEL_LATENCY: Final = "ModelLatency"
    """Microseconds in the container."""
    OVERHEAD_LATENCY: Final = "OverheadLatency"
    """Microseconds that SageMaker adds."""
    CLIENT_ERRORS: Final = "Invocation4XXErrors"
    SERVER_ERRORS: Final = "Invocation5XXErrors"
    MODEL_ERRORS: Final = "InvocationModelErrors"
    NO_CAPACITY: Final = "NoCapacityInvocationFailures"
    """Requests refused because the component had no copy in service."""
    CPU_UTILIZATION: Final = "CPUUtilizationNormalized"
    MEMORY_UTILIZATION: Final = "MemoryUtilizationNormalized"
    GPU_UTILIZATION: Final = "GPUUtilizationNormalized"
    GPU_MEMORY_UTILIZATION: Final = "GPUMemoryUtilizationNormalized"
    DISK_UTILIZATION: Final = "DiskUtilization"
    CPU_RESERVATION: Final = "CPUReservation"
    MEMORY_RESERVATION: Final = "MemoryReservation"
    GPU_RESERVATION: Final = "GPUReservation"


class CopyTarget:
    """How Application Auto Scaling addresses the copies of an inference component."""

    NAMESPACE: Final = "sagemaker"
    DIMENSION: Final = "sagemaker:inference-component:DesiredCopyCount"
    PREFIX: Final = "inference-component/"
    CONCURRENT_REQUESTS: Final = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    """Predefined metric of target tracking, in periods of 10 seconds."""
    CONCURRENCY_PERIOD_SECONDS: Final = 10
    INVOCATIONS: Final = "SageMakerInferenceComponentInvocationsPerCopy"
    """Predefined metric of target tracking, in periods of a minute."""
    INVOCATIONS_PERIOD_SECONDS: Final = 60
    WAKE_PERIOD_SECONDS: Final = 60
    """Period of the alarm that starts a copy for a request that found none."""

    @staticmethod
    def resource_id(component_name: str) -> str:
        """Identifier of a component's scalable target."""
        return f"{CopyTarget.PREFIX}{component_name}"


class LogGroup:
    """CloudWatch log groups to which SageMaker writes the output of containers."""

    COMPONENTS: Final = "/aws/sagemaker/InferenceComponents/"
    ENDPOINTS: Final = "/aws/sagemaker/Endpoints/"

    @staticmethod
    def of_component(component_name: str) -> str:
        """Name of a component's log group."""
        return f"{LogGroup.COMPONENTS}{component_name}"

    @staticmethod
    def of_endpoint(endpoint_name: str) -> str:
        """Name of an endpoint's log group."""
        return f"{LogGroup.ENDPOINTS}{endpoint_name}"
