"""The CloudWatch metrics that SageMaker publishes for an inference component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk.metric_options import MetricOptions
from replicas_cdk.resource_metrics import ResourceMetrics

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch


class ComponentMetrics(ResourceMetrics):
    """A resource with the CloudWatch metrics of an inference component.

    Each method takes the keywords of `MetricOptions` and returns a metric with the account and region of the component.
    """

    _HARDWARE = MetricNamespace.COMPONENTS

    @property
    def _dimensions(self) -> Mapping[str, str]:
        return {Dimension.COMPONENT: self.inference_component_name}

    @property
    def inference_component_name(self) -> str:
        """Name of the component, which callers send in `InferenceComponentName`; may be a CDK token."""
        raise NotImplementedError

    def metric(
        self, metric_name: str, *, namespace: str = MetricNamespace.SERVICE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Return a metric of this component by its name. The default statistic is the average."""
        return self._metric(metric_name, {}, options, namespace)

    def metric_invocations_per_copy(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the metric of the requests in a period, divided by the number of copies."""
        return self._sum(MetricName.INVOCATIONS_PER_COPY, options)

    def metric_concurrent_requests_per_copy(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the maximum of requests in flight per copy. SageMaker publishes only the minimum and the maximum."""
        return self._metric(MetricName.CONCURRENT_REQUESTS_PER_COPY, {"statistic": "Maximum"}, options)

    def metric_model_latency(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the average time in the container, in microseconds."""
        return self._microseconds(MetricName.MODEL_LATENCY, options)

    def metric_overhead_latency(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the average time that SageMaker adds to a request, in microseconds."""
        return self._microseconds(MetricName.OVERHEAD_LATENCY, options)

    def metric_invocation_4xx_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the sum of requests with a 4xx response."""
        return self._sum(MetricName.CLIENT_ERRORS, options)

    def metric_invocation_5xx_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the sum of requests with a 5xx response."""
        return self._sum(MetricName.SERVER_ERRORS, options)

    def metric_invocation_model_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the sum of requests for which the container did not respond with 2xx."""
        return self._sum(MetricName.MODEL_ERRORS, options)

    def metric_no_capacity_invocation_failures(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the sum of requests that failed because no copy was running. `wake_on_request` scales on
        this metric.
        """
        return self._sum(MetricName.NO_CAPACITY, options)

    def _microseconds(self, metric_name: str, options: MetricOptions) -> cloudwatch.Metric:
        from aws_cdk.aws_cloudwatch import Unit

        return self._metric(metric_name, {"unit": Unit.MICROSECONDS}, options)
