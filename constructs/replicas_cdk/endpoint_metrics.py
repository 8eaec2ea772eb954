"""The CloudWatch metrics that SageMaker publishes for an endpoint: its requests, and the use of its instances."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import Resource
from aws_cdk import aws_cloudwatch as cloudwatch

from replicas.deployment.deployment import DEFAULT_VARIANT
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk.metric_options import MetricOptions, published


class EndpointMetrics(Resource):
    """A resource with the CloudWatch metrics of an endpoint's variant.

    Each method takes the keywords of `MetricOptions` and returns a metric with the account and region of the endpoint.
    Latency, errors and load are metrics of the components.
    """

    _variant_name = DEFAULT_VARIANT

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint; may be a token."""
        raise NotImplementedError

    def metric(
        self, metric_name: str, *, namespace: str = MetricNamespace.ENDPOINTS, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Any metric of the endpoint's variant, average by default."""
        return self._metric(metric_name, {}, options, namespace)

    def metric_invocations(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Number of requests to the variant, sum."""
        return self._metric(MetricName.INVOCATIONS, {"statistic": "Sum"}, options, MetricNamespace.SERVICE)

    def metric_cpu_reservation(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """CPU that the copies reserve, relative to that of the instances, average, percent."""
        return self._percent(MetricName.CPU_RESERVATION, options)

    def metric_memory_reservation(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Host memory that the copies reserve, relative to that of the instances, average, percent."""
        return self._percent(MetricName.MEMORY_RESERVATION, options)

    def metric_gpu_reservation(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Accelerators that the copies reserve, relative to those of the instances, average, percent."""
        return self._percent(MetricName.GPU_RESERVATION, options)

    def metric_cpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """CPU utilisation of the instances, average, percent."""
        return self._percent(MetricName.CPU_UTILIZATION, options)

    def metric_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Host memory utilisation of the instances, average, percent."""
        return self._percent(MetricName.MEMORY_UTILIZATION, options)

    def metric_gpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Utilisation of the instances' accelerators, average, percent."""
        return self._percent(MetricName.GPU_UTILIZATION, options)

    def metric_gpu_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Memory utilisation of the instances' accelerators, average, percent."""
        return self._percent(MetricName.GPU_MEMORY_UTILIZATION, options)

    def metric_disk_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Disk utilisation of the instances, average, percent."""
        return self._percent(MetricName.DISK_UTILIZATION, options)

    def _percent(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        return self._metric(metric_name, {"unit": cloudwatch.Unit.PERCENT}, options)

    def _metric(
        self,
        metric_name: str,
        defaults: MetricOptions,
        options: MetricOptions,
        namespace: str = MetricNamespace.ENDPOINTS,
    ) -> cloudwatch.Metric:
        dimensions = {Dimension.ENDPOINT: self.endpoint_name, Dimension.VARIANT: self._variant_name}
        return published(self, namespace, metric_name, {"dimensions_map": dimensions, **defaults}, options)
