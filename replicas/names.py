"""Names that several modules share: resource types, metrics and dimensions of AWS, and output keys of the stacks.

A name is defined in this module if two packages use it and no type or schema would catch a typo. Property names and
statuses of one API are written where they are used, because botocore and the CloudFormation schemas check them.
"""

from __future__ import annotations

from typing import Final

SAGEMAKER_PRINCIPAL: Final = "sagemaker.amazonaws.com"
"""Service principal that assumes an execution role."""


REFUSED_STACK: Final = "refused-"
"""Stack name prefix for refused deployments whose own name is unknown or is not a valid stack name."""


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
    """Keys of a stack's outputs. The name of a component is appended unless it equals the name of the deployment."""

    ENDPOINT: Final = "EndpointName"
    REGION: Final = "Region"
    COMPONENT: Final = "InferenceComponentName"
    ADAPTER: Final = "AdapterName"
    OPENAI_URL: Final = "OpenAiUrl"
    CHAT_COMMAND: Final = "ChatCommand"
    INVOKE_COMMAND: Final = "InvokeCommand"
    """Replaces `CHAT_COMMAND` for a model that embeds or scores."""
    DECLARED_SIZES: Final = "DeclaredSizes"


class MetricNamespace:
    """CloudWatch namespaces of SageMaker hosting."""

    HOSTING: Final = "/aws/sagemaker/"
    """Prefix of the namespaces to which SageMaker publishes metrics with the rights of the execution role."""
    SERVICE: Final = "AWS/SageMaker"
    """Namespace of requests, latencies and concurrency."""
    COMPONENTS: Final = "/aws/sagemaker/InferenceComponents"
    """Namespace of the utilisation of resources that a component reserves."""
    ENDPOINTS: Final = "/aws/sagemaker/Endpoints"
    """Namespace of the utilisation and reservation of an endpoint's instances."""


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
    """Time in the container, in microseconds."""
    OVERHEAD_LATENCY: Final = "OverheadLatency"
    """Time that SageMaker adds to a request, in microseconds."""
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


class VariantTarget:
    """Scalable dimensions of variants (Application Auto Scaling API reference, RegisterScalableTarget)."""

    INSTANCES: Final = "sagemaker:variant:DesiredInstanceCount"
    CONCURRENCY: Final = "sagemaker:variant:DesiredProvisionedConcurrency"
    """Provisioned concurrency of a serverless variant."""


class CopyTarget:
    """Application Auto Scaling's names for the copies of an inference component."""

    NAMESPACE: Final = "sagemaker"
    DIMENSION: Final = "sagemaker:inference-component:DesiredCopyCount"
    PREFIX: Final = "inference-component/"
    CONCURRENT_REQUESTS: Final = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    """Predefined metric of target tracking with a period of 10 seconds."""
    CONCURRENCY_PERIOD_SECONDS: Final = 10
    INVOCATIONS: Final = "SageMakerInferenceComponentInvocationsPerCopy"
    """Predefined metric of target tracking with a period of one minute."""
    INVOCATIONS_PERIOD_SECONDS: Final = 60
    WAKE_PERIOD_SECONDS: Final = 60
    """Period in seconds of the alarm that scales out from zero copies after a request failed."""

    @staticmethod
    def resource_id(component_name: str) -> str:
        """Return the resource id of a component's scalable target."""
        return f"{CopyTarget.PREFIX}{component_name}"


class LogGroup:
    """CloudWatch log groups to which SageMaker writes the output of containers."""

    COMPONENTS: Final = "/aws/sagemaker/InferenceComponents/"
    ENDPOINTS: Final = "/aws/sagemaker/Endpoints/"

    @staticmethod
    def of_component(component_name: str) -> str:
        """Return the name of a component's log group."""
        return f"{LogGroup.COMPONENTS}{component_name}"

    @staticmethod
    def of_endpoint(endpoint_name: str) -> str:
        """Return the name of an endpoint's log group."""
        return f"{LogGroup.ENDPOINTS}{endpoint_name}"
