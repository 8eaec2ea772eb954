"""The CloudWatch metrics that SageMaker publishes for an inference component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from aws_cdk import aws_cloudwatch as cloudwatch

from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk.metric_options import MetricOptions
from replicas_cdk.resource_metrics import ResourceMetrics


class ComponentMetrics(ResourceMetrics):
    """A resource with the CloudWatch metrics of a component, by its name.

    Each method takes the keywords of `MetricOptions` and returns a metric with the account and region of the component.
    """

    _HARDWARE = MetricNamespace.COMPONENTS

    @property
    def _dimensions(self) -> Mapping[str, str]:
        return {Dimension.COMPONENT: self.inference_component_name}

    @property
    def inference_component_name(self) -> str:
        """Name of the component, as callers send it in `InferenceComponentName`; may be a token."""
        raise NotImplementedError

    def metric(
        self, metric_name: str, *, namespace: str = MetricNamespace.SERVICE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Any metric of this component, average by default."""
        return self._metric(metric_name, {}, options, namespace)

    def metric_invocations_per_copy(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Number of requests per copy, sum."""
        return self._sum(MetricName.INVOCATIONS_PER_COPY, options)

    def metric_concurrent_requests_per_copy(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Requests in flight per copy, maximum (SageMaker publishes only minimum and maximum)."""
        return self._metric(MetricName.CONCURRENT_REQUESTS_PER_COPY, {"statistic": "Maximum"}, options)

    def metric_model_latency(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Time in the container, average, microseconds."""
        return self._microseconds(MetricName.MODEL_LATENCY, options)

    def metric_overhead_latency(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Time added by SageMaker, average, microseconds."""
        return self._microseconds(MetricName.OVERHEAD_LATENCY, options)

    def metric_invocation_4xx_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Requests answered with 4xx, sum."""
        return self._sum(MetricName.CLIENT_ERRORS, options)

    def metric_invocation_5xx_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Requests answered with 5xx, sum."""
        return self._sum(MetricName.SERVER_ERRORS, options)

    def metric_invocation_model_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Requests for which the container's response was not 2xx, sum."""
        return self._sum(MetricName.MODEL_ERRORS, options)

    def metric_no_capacity_invocation_failures(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Requests that failed because no copy was running, sum. This metric starts the first copy at zero copies."""
        return self._sum(MetricName.NO_CAPACITY, options)

    def _microseconds(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        return self._metric(metric_name, {"unit": cloudwatch.Unit.MICROSECONDS}, options)
