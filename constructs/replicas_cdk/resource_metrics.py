"""What the CloudWatch metrics of a component and those of an endpoint have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from aws_cdk import Resource
from aws_cdk import aws_cloudwatch as cloudwatch

from replicas.names import MetricName, MetricNamespace
from replicas_cdk.metric_options import MetricOptions, published


class ResourceMetrics(Resource):
    """A resource with metrics of its requests in one namespace, and of its hardware in another.

    Each method takes the keywords of `MetricOptions` and returns a metric with the account and region of the resource.
    """

    _HARDWARE: ClassVar[str]
    """Namespace of the metrics of its hardware."""

    @property
    def _dimensions(self) -> Mapping[str, str]:
        """Dimensions of its metrics."""
        raise NotImplementedError

    def metric_invocations(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Number of requests, sum."""
        return self._sum(MetricName.INVOCATIONS, options)

    def metric_cpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """CPU utilisation, average, percent: of the CPU that a component reserves, or of the instances."""
        return self._percent(MetricName.CPU_UTILIZATION, options)

    def metric_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Host memory utilisation, average, percent: of the memory that a component reserves, or of the instances."""
        return self._percent(MetricName.MEMORY_UTILIZATION, options)

    def metric_gpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Utilisation of the accelerators of a component, or of the instances, average, percent."""
        return self._percent(MetricName.GPU_UTILIZATION, options)

    def metric_gpu_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Memory utilisation of the accelerators of a component, or of the instances, average, percent."""
        return self._percent(MetricName.GPU_MEMORY_UTILIZATION, options)

    def _sum(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        return self._metric(metric_name, {"statistic": "Sum"}, options)

    def _percent(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        return self._metric(metric_name, {"unit": cloudwatch.Unit.PERCENT}, options, self._HARDWARE)

    def _metric(
        self,
        metric_name: str,
        defaults: MetricOptions,
        options: MetricOptions,
        namespace: str = MetricNamespace.SERVICE,
    ) -> cloudwatch.Metric:
        return published(self, namespace, metric_name, {"dimensions_map": self._dimensions, **defaults}, options)
