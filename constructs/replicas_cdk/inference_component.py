"""`InferenceComponent`: the L2 construct that the CDK lacks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from aws_cdk import ArnFormat, Duration, Fn, Resource, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from replicas_cdk.invocation import Invocable

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

SERVICE_NAMESPACE = "AWS/SageMaker"
COMPONENT_NAMESPACE = "/aws/sagemaker/InferenceComponents"


class IInferenceEndpoint(Protocol):
    """What an inference component needs to know of its endpoint."""

    @property
    def endpoint_name(self) -> str:
        """Name, or a token that becomes it."""

    @property
    def endpoint_arn(self) -> str:
        """ARN, or a token that becomes it."""

    @property
    def endpoint_identity(self) -> str:
        """A literal that changes exactly when CloudFormation would replace the endpoint."""


class InferenceComponentBase(Resource, Invocable):
    """What a component can do, whether it is defined here or elsewhere."""

    _endpoint_arn: str | None = None
    inference_component_name: str
    """Name of the component, as callers send it in `InferenceComponentName`."""
    inference_component_arn: str

    @property
    def invocation_arns(self) -> list[str]:
        """The component and its endpoint: the service authorises an invocation on both."""
        return [self.inference_component_arn, *([self._endpoint_arn] if self._endpoint_arn else [])]

    def metric(
        self, metric_name: str, *, namespace: str = SERVICE_NAMESPACE, statistic: str = "Average", **options: Any
    ) -> cloudwatch.Metric:
        """Any metric of this component. `options` are those of `cloudwatch.Metric` (period, label, colour, unit)."""
        from aws_cdk import aws_cloudwatch as cloudwatch

        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions_map={"InferenceComponentName": self.inference_component_name},
            statistic=statistic,
            **options,
        )

    def metric_invocations(self, **options: Any) -> cloudwatch.Metric:
        """Requests, sum."""
        return self.metric("Invocations", statistic="Sum", **options)

    def metric_invocations_per_copy(self, **options: Any) -> cloudwatch.Metric:
        """Requests per copy, sum."""
        return self.metric("InvocationsPerCopy", statistic="Sum", **options)

    def metric_concurrent_requests_per_copy(self, **options: Any) -> cloudwatch.Metric:
        """Requests in flight per copy, maximum (the service offers minimum and maximum alone)."""
        return self.metric("ConcurrentRequestsPerCopy", statistic="Maximum", **options)

    def metric_model_latency(self, **options: Any) -> cloudwatch.Metric:
        """Time in the container, average, microseconds."""
        return self._microseconds("ModelLatency", options)

    def metric_overhead_latency(self, **options: Any) -> cloudwatch.Metric:
        """Time that SageMaker adds, average, microseconds."""
        return self._microseconds("OverheadLatency", options)

    def metric_invocation_4xx_errors(self, **options: Any) -> cloudwatch.Metric:
        """Requests answered with 4xx, sum."""
        return self.metric("Invocation4XXErrors", statistic="Sum", **options)

    def metric_invocation_5xx_errors(self, **options: Any) -> cloudwatch.Metric:
        """Requests answered with 5xx, sum."""
        return self.metric("Invocation5XXErrors", statistic="Sum", **options)

    def metric_invocation_model_errors(self, **options: Any) -> cloudwatch.Metric:
        """Requests that the container did not answer with 2xx, sum."""
        return self.metric("InvocationModelErrors", statistic="Sum", **options)

    def metric_no_capacity_invocation_failures(self, **options: Any) -> cloudwatch.Metric:
        """Requests refused because no copy was there, sum: the signal that wakes a component from zero."""
        return self.metric("NoCapacityInvocationFailures", statistic="Sum", **options)

    def metric_cpu_utilization(self, **options: Any) -> cloudwatch.Metric:
        """CPU used of what the component reserved, average, percent."""
        return self._percent("CPUUtilizationNormalized", options)

    def metric_memory_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Host memory used of what the component reserved, average, percent."""
        return self._percent("MemoryUtilizationNormalized", options)

    def metric_gpu_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Use of the component's accelerators, average, percent."""
        return self._percent("GPUUtilizationNormalized", options)

    def metric_gpu_memory_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Memory used of the component's accelerators, average, percent."""
        return self._percent("GPUMemoryUtilizationNormalized", options)

    def _microseconds(self, metric_name: str, options: dict[str, Any]) -> cloudwatch.Metric:
        from aws_cdk import aws_cloudwatch as cloudwatch

        return self.metric(metric_name, **{"unit": cloudwatch.Unit.MICROSECONDS, **options})

    def _percent(self, metric_name: str, options: dict[str, Any]) -> cloudwatch.Metric:
        from aws_cdk import aws_cloudwatch as cloudwatch

        return self.metric(
            metric_name, **{"namespace": COMPONENT_NAMESPACE, "unit": cloudwatch.Unit.PERCENT, **options}
        )


class InferenceComponent(InferenceComponentBase):
    """Copies of one model on an endpoint, each with accelerators, CPU and memory of its own.

    A component cannot be moved to another endpoint or variant, nor renamed, although CloudFormation believes that
    it can update it so: its logical id therefore carries the identity of its endpoint, its variant and its name,
    and such a change becomes a new component and the deletion of the old one. Everything else is updated in place.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IInferenceEndpoint,
        variant_name: str,
        model_name: str,
        copies: int,
        accelerators: float | None,
        cpus: float | None,
        memory_mib: int,
        startup_timeout: Duration | None = None,
        model_download_timeout: Duration | None = None,
        inference_component_name: str | None = None,
    ) -> None:
        """Define a component.

        Args:
            scope: parent.
            construct_id: a contract: it is part of the logical id.
            endpoint: endpoint to place the copies on.
            variant_name: variant of the endpoint's configuration.
            model_name: Model with the container and the weights.
            copies: copies to start with, at least 1 (the service refuses 0 at creation; autoscaling reaches it).
            accelerators: accelerators of each copy; None on instances without.
            cpus: CPU cores reserved for each copy, from 0.25. Default: none reserved.
            memory_mib: host memory reserved for each copy, from 128 MiB.
            startup_timeout: how long a container may take until it answers, 60 s to 1 h. Default: the service's.
            model_download_timeout: how long the weights may take from S3, 60 s to 1 h. Default: the service's.
            inference_component_name: fixed name. Default: CloudFormation makes one.

        Raises:
            ValueError: with every value that is out of bounds.

        """
        super().__init__(scope, construct_id, physical_name=inference_component_name)
        startup_seconds, download_seconds = _seconds(startup_timeout), _seconds(model_download_timeout)
        faults = _out_of_bounds(
            ("copies", copies, 1, None),
            ("accelerators", accelerators, 1, None),
            ("cpus", cpus, 0.25, None),
            ("memory_mib", memory_mib, 128, None),
            ("startup_timeout (seconds)", startup_seconds, 60, 3600),
            ("model_download_timeout (seconds)", download_seconds, 60, 3600),
        )
        if faults:
            raise ValueError(f"{self.node.path}: {'; '.join(faults)}")
        identity = f"{endpoint.endpoint_identity}\n{variant_name}\n{inference_component_name or ''}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        startup = None
        if startup_timeout or model_download_timeout:
            startup = sagemaker.CfnInferenceComponent.InferenceComponentStartupParametersProperty(
                container_startup_health_check_timeout_in_seconds=startup_seconds,
                model_data_download_timeout_in_seconds=download_seconds,
            )
        resource = sagemaker.CfnInferenceComponent(
            self,
            f"Resource{digest}",
            endpoint_name=endpoint.endpoint_name,
            variant_name=variant_name,
            inference_component_name=inference_component_name,
            runtime_config=sagemaker.CfnInferenceComponent.InferenceComponentRuntimeConfigProperty(copy_count=copies),
            specification=sagemaker.CfnInferenceComponent.InferenceComponentSpecificationProperty(
                model_name=model_name,
                compute_resource_requirements=(
                    sagemaker.CfnInferenceComponent.InferenceComponentComputeResourceRequirementsProperty(
                        number_of_accelerator_devices_required=accelerators,
                        number_of_cpu_cores_required=cpus,
                        min_memory_required_in_mb=memory_mib,
                    )
                ),
                startup_parameters=startup,
            ),
        )
        self._endpoint_arn = endpoint.endpoint_arn
        self.inference_component_arn = resource.attr_inference_component_arn
        self.inference_component_name = _name_in(self.inference_component_arn)

    @staticmethod
    def from_inference_component_arn(
        scope: Construct, construct_id: str, inference_component_arn: str, *, endpoint_arn: str | None = None
    ) -> InferenceComponentBase:
        """A component that is defined elsewhere. Grants cover its endpoint where `endpoint_arn` is given."""
        imported = InferenceComponentBase(scope, construct_id)
        imported.inference_component_arn = inference_component_arn
        if Token.is_unresolved(inference_component_arn):
            imported.inference_component_name = _name_in(inference_component_arn)
        else:
            imported.inference_component_name = inference_component_arn.rpartition("/")[2]
        imported._endpoint_arn = endpoint_arn
        return imported

    @staticmethod
    def from_inference_component_name(
        scope: Construct, construct_id: str, inference_component_name: str, *, endpoint_name: str | None = None
    ) -> InferenceComponentBase:
        """A component of the scope's account and region. Grants cover its endpoint where its name is given."""
        stack = Stack.of(scope)

        def arn(resource: str, name: str) -> str:
            return stack.format_arn(
                service="sagemaker",
                resource=resource,
                resource_name=name,
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )

        return InferenceComponent.from_inference_component_arn(
            scope,
            construct_id,
            arn("inference-component", inference_component_name),
            endpoint_arn=arn("endpoint", endpoint_name) if endpoint_name else None,
        )


def _name_in(arn_token: str) -> str:
    """The name in an ARN that CloudFormation fills in: the resource type has no attribute for it."""
    return Fn.select(1, Fn.split("/", arn_token))


def _seconds(duration: Duration | None) -> int | None:
    return None if duration is None else int(duration.to_seconds())


def _out_of_bounds(*bounds: tuple[str, float | None, float, float | None]) -> list[str]:
    """What the service would refuse, all at once. Tokens pass: only CloudFormation knows their values."""
    return [
        f"{name}={value:g}: at least {least:g}" + (f", at most {most:g}" if most else "")
        for name, value, least, most in bounds
        if value is not None and not least <= value <= (most or float("inf")) and not Token.is_unresolved(value)
    ]
