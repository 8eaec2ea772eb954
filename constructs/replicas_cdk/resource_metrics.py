"""Base class for the CloudWatch metrics of components and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Unpack

from aws_cdk import Resource

from replicas.names import MetricName, MetricNamespace
from replicas_cdk.metric_options import MetricOptions, published

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch


class ResourceMetrics(Resource):
    """A resource whose request metrics and hardware metrics are in two CloudWatch namespaces.

    Each method takes the keywords of `MetricOptions` and returns a metric with the account and region of the resource.
    """

    _HARDWARE: ClassVar[str]
    """CloudWatch namespace of the hardware metrics."""

    @property
    def _dimensions(self) -> Mapping[str, str]:
        """CloudWatch dimensions of the metrics."""
        raise NotImplementedError

    def metric_invocations(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the sum of requests."""
        return self._sum(MetricName.INVOCATIONS, options)

    def metric_cpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the CPU utilisation in percent (average).

        For a component it is relative to its reservation, for an endpoint to its instances.
        """
        return self._percent(MetricName.CPU_UTILIZATION, options)

    def metric_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the host memory utilisation in percent (average).

        For a component it is relative to its reservation, for an endpoint to its instances.
        """
        return self._percent(MetricName.MEMORY_UTILIZATION, options)

    def metric_gpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the accelerator utilisation in percent (average), of a component or of the instances."""
        return self._percent(MetricName.GPU_UTILIZATION, options)

    def metric_gpu_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the accelerator memory utilisation in percent (average), of a component or of the instances."""
        return self._percent(MetricName.GPU_MEMORY_UTILIZATION, options)

    def _sum(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        return self._metric(metric_name, {"statistic": "Sum"}, options)

    def _percent(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        from aws_cdk.aws_cloudwatch import Unit

        return self._metric(metric_name, {"unit": Unit.PERCENT}, options, self._HARDWARE)

    def _metric(
        self,
        metric_name: str,
        defaults: MetricOptions,
        options: MetricOptions,
        namespace: str = MetricNamespace.SERVICE,
    ) -> cloudwatch.Metric:
        return published(self, namespace, metric_name, {"dimensions_map": self._dimensions, **defaults}, options)
