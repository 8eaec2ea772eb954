"""`ComponentAlarms`: CloudWatch alarms of an inference component, also used to roll back a failed update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from replicas import Alarms
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk import reasons

_PERIOD_SECONDS = 60
_PERIODS, _TO_ALARM = 3, 2


class _Watch(NamedTuple):
    construct_id: str
    metric: str
    statistic: str | None
    percentile: str | None
    threshold: float
    description: str


class ComponentAlarms(Construct):
    """Alarms of one inference component. Each fires if 2 of 3 minutes reach its threshold.

    Missing data does not raise an alarm: no traffic is not a fault.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        component_name: str,
        thresholds: Alarms,
        topic_arn: str | None = None,
        scales_to_zero: bool = False,
    ) -> None:
        """Define the alarms.

        Args:
            scope: parent.
            construct_id: part of the logical ids; changing it replaces the resources.
            component_name: name of the component. Only a fixed name allows the component to depend on the alarms.
            thresholds: thresholds per minute; an optional alarm without one is not created.
            topic_arn: SNS topic for ALARM and OK notifications. Default: no notifications.
            scales_to_zero: leave out the no-capacity alarm, because the first request to a sleeping component fails.

        """
        super().__init__(scope, construct_id)
        actions = [topic_arn] if topic_arn else None
        dimension = cloudwatch.CfnAlarm.DimensionProperty(name=Dimension.COMPONENT, value=component_name)
        self._alarms = [
            cloudwatch.CfnAlarm(
                self,
                watch.construct_id,
                alarm_description=watch.description,
                namespace=MetricNamespace.SERVICE,
                metric_name=watch.metric,
                dimensions=[dimension],
                statistic=watch.statistic,
                extended_statistic=watch.percentile,
                period=_PERIOD_SECONDS,
                evaluation_periods=_PERIODS,
                datapoints_to_alarm=_TO_ALARM,
                threshold=watch.threshold,
                comparison_operator="GreaterThanOrEqualToThreshold",
                treat_missing_data="notBreaching",
                alarm_actions=actions,
                ok_actions=actions,
            )
            for watch in _watches(thresholds, scales_to_zero=scales_to_zero)
        ]
        if actions is None:
            reasons.for_alarms(self)

    @property
    def alarm_names(self) -> Sequence[str]:
        """Names of the alarms, as tokens: CloudFormation generates them."""
        return [alarm.ref for alarm in self._alarms]


def _watches(thresholds: Alarms, *, scales_to_zero: bool) -> Iterator[_Watch]:
    errors = thresholds.server_errors
    yield _Watch("ServerErrors", MetricName.SERVER_ERRORS, "Sum", None, errors, "Answers of 5xx, a minute.")
    failed = "Answers of the container that are not 2xx, a minute."
    yield _Watch("ModelErrors", MetricName.MODEL_ERRORS, "Sum", None, thresholds.model_errors, failed)
    if thresholds.no_capacity and not scales_to_zero:
        refused = "Requests that found no copy, a minute."
        yield _Watch("NoCapacity", MetricName.NO_CAPACITY, "Sum", None, thresholds.no_capacity, refused)
    if thresholds.latency_p90_seconds:
        microseconds = thresholds.latency_p90_seconds * 1e6
        slow = "Time in the container, 90th percentile, microseconds."
        yield _Watch("Latency", MetricName.MODEL_LATENCY, None, "p90", microseconds, slow)
