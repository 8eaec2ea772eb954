"""The CloudWatch metrics that SageMaker publishes for an inference component."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch

from replicas.names import Dimension, MetricName, MetricNamespace


class ComponentMetrics:
    """Mixin with the CloudWatch metrics of a component, by its name."""

    inference_component_name: str
    """Name of the component, as callers send it in `InferenceComponentName`."""

    def metric(
        self, metric_name: str, *, namespace: str = MetricNamespace.SERVICE, statistic: str = "Average", **options: Any
    ) -> cloudwatch.Metric:
        """Any metric of this component. `options` are passed to `cloudwatch.Metric` (period, label, color, unit)."""
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions_map={Dimension.COMPONENT: self.inference_component_name},
            statistic=statistic,
            **options,
        )

    def metric_invocations(self, **options: Any) -> cloudwatch.Metric:
        """Number of requests, sum."""
        return self.metric(MetricName.INVOCATIONS, statistic="Sum", **options)

    def metric_invocations_per_copy(self, **options: Any) -> cloudwatch.Metric:
        """Number of requests per copy, sum."""
        return self.metric(MetricName.INVOCATIONS_PER_COPY, statistic="Sum", **options)

    def metric_concurrent_requests_per_copy(self, **options: Any) -> cloudwatch.Metric:
        """Requests in flight per copy, maximum (SageMaker publishes only minimum and maximum)."""
        return self.metric(MetricName.CONCURRENT_REQUESTS_PER_COPY, statistic="Maximum", **options)

    def metric_model_latency(self, **options: Any) -> cloudwatch.Metric:
        """Time in the container, average, microseconds."""
        return self._microseconds(MetricName.MODEL_LATENCY, options)

    def metric_overhead_latency(self, **options: Any) -> cloudwatch.Metric:
        """Time added by SageMaker, average, microseconds."""
        return self._microseconds(MetricName.OVERHEAD_LATENCY, options)

    def metric_invocation_4xx_errors(self, **options: Any) -> cloudwatch.Metric:
        """Requests answered with 4xx, sum."""
        return self.metric(MetricName.CLIENT_ERRORS, statistic="Sum", **options)

    def metric_invocation_5xx_errors(self, **options: Any) -> cloudwatch.Metric:
        """Requests answered with 5xx, sum."""
        return self.metric(MetricName.SERVER_ERRORS, statistic="Sum", **options)

    def metric_invocation_model_errors(self, **options: Any) -> cloudwatch.Metric:
        """Requests for which the container's response was not 2xx, sum."""
        return self.metric(MetricName.MODEL_ERRORS, statistic="Sum", **options)

    def metric_no_capacity_invocation_failures(self, **options: Any) -> cloudwatch.Metric:
        """Requests that failed because no copy was running, sum. This metric starts the first copy at zero copies."""
        return self.metric(MetricName.NO_CAPACITY, statistic="Sum", **options)

    def metric_cpu_utilization(self, **options: Any) -> cloudwatch.Metric:
        """CPU utilisation, relative to the reserved CPU, average, percent."""
        return self._percent(MetricName.CPU_UTILIZATION, options)

    def metric_memory_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Host memory utilisation, relative to the reserved memory, average, percent."""
        return self._percent(MetricName.MEMORY_UTILIZATION, options)

    def metric_gpu_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Utilisation of the component's accelerators, average, percent."""
        return self._percent(MetricName.GPU_UTILIZATION, options)

    def metric_gpu_memory_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Memory utilisation of the component's accelerators, average, percent."""
        return self._percent(MetricName.GPU_MEMORY_UTILIZATION, options)

    def _microseconds(self, metric_name: str, options: dict[str, Any]) -> cloudwatch.Metric:
        return self.metric(metric_name, **{"unit": cloudwatch.Unit.MICROSECONDS, **options})

    def _percent(self, metric_name: str, options: dict[str, Any]) -> cloudwatch.Metric:
        return self.metric(
            metric_name, **{"namespace": MetricNamespace.COMPONENTS, "unit": cloudwatch.Unit.PERCENT, **options}
        )
