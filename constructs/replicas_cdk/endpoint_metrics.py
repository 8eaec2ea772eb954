"""The CloudWatch metrics that SageMaker publishes for an endpoint: requests, and utilisation of the instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from replicas.deployment.deployment import DEFAULT_VARIANT
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk.metric_options import MetricOptions
from replicas_cdk.resource_metrics import ResourceMetrics

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch


class EndpointMetrics(ResourceMetrics):
    """A resource with the CloudWatch metrics of an endpoint's variant.

    Each method takes the keywords of `MetricOptions` and returns a metric with the account and region of the endpoint.
    Latency, errors and concurrency are metrics of the components.
    """

    _HARDWARE = MetricNamespace.ENDPOINTS
    _variant_name = DEFAULT_VARIANT

    @property
    def _dimensions(self) -> Mapping[str, str]:
        return {Dimension.ENDPOINT: self.endpoint_name, Dimension.VARIANT: self._variant_name}

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint; may be a CDK token."""
        raise NotImplementedError

    def metric(
        self, metric_name: str, *, namespace: str = MetricNamespace.ENDPOINTS, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Return a metric of the endpoint's variant by its name. The default statistic is the average."""
        return self._metric(metric_name, {}, options, namespace)

    def metric_cpu_reservation(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the CPU that the copies reserve, as a percentage of the instances' CPU (average)."""
        return self._percent(MetricName.CPU_RESERVATION, options)

    def metric_memory_reservation(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the host memory that the copies reserve, as a percentage of the instances' memory (average)."""
        return self._percent(MetricName.MEMORY_RESERVATION, options)

    def metric_gpu_reservation(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the accelerators that the copies reserve, as a percentage of the instances' accelerators (average)."""
        return self._percent(MetricName.GPU_RESERVATION, options)

    def metric_disk_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the disk utilisation of the instances in percent (average)."""
        return self._percent(MetricName.DISK_UTILIZATION, options)
