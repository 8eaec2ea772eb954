"""`CopyScaling`: autoscaling of the copies of an inference component, by load, by schedule, and from zero."""

from __future__ import annotations

from aws_cdk import IResolvable
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from replicas.names import CopyTarget, Dimension, MetricName, MetricNamespace
from replicas_cdk.pseudo import ACCOUNT_ID, PARTITION

_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_WAKE_SECONDS = 60


class CopyScaling(Construct):
    """Scalable target for the copies of a component. Its methods add scaling policies; without one it does not scale.

    The target uses the service-linked role for SageMaker endpoints; Application Auto Scaling creates it if missing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        component_name: str,
        min_copies: int,
        max_copies: int,
    ) -> None:
        """Register the copies of a component as a scalable target.

        Args:
            scope: parent.
            construct_id: part of the logical ids; changing it replaces the resources.
            component_name: component to scale. Its own `copies` should be `min_copies`, or 1 if that is 0.
            min_copies: minimum number of copies, at least 0.
            max_copies: maximum number of copies, at least 1.

        Raises:
            ValueError: a bound is too low, or `max_copies` is below `min_copies`.

        """
        super().__init__(scope, construct_id)
        if min_copies < 0 or max_copies < max(1, min_copies):
            raise ValueError(
                f"{self.node.path}: min_copies={min_copies}, max_copies={max_copies}: a floor of 0 or more, and a "
                "ceiling of at least 1 that is no lower"
            )
        self._component_name = component_name
        self._schedules: list[IResolvable | scaling.CfnScalableTarget.ScheduledActionProperty] = []
        role = f"arn:{PARTITION}:iam::{ACCOUNT_ID}:role/aws-service-role/{_SERVICE}/"
        self._target = scaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace=CopyTarget.NAMESPACE,
            scalable_dimension=CopyTarget.DIMENSION,
            resource_id=CopyTarget.resource_id(component_name),
            min_capacity=min_copies,
            max_capacity=max_copies,
            role_arn=f"{role}AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        )
        self._target_id = self._target.ref

    def scale_on_concurrent_requests(
        self, *, target: float, scale_out_cooldown_seconds: int = 60, scale_in_cooldown_seconds: int = 300
    ) -> None:
        """Track `target` requests in flight per copy. The high-resolution metric shows a rise within 10 seconds."""
        self._track(
            "ConcurrentRequests",
            CopyTarget.CONCURRENT_REQUESTS,
            target,
            scale_out_cooldown_seconds,
            scale_in_cooldown_seconds,
        )

    def scale_on_invocations(
        self, *, target: float, scale_out_cooldown_seconds: int = 60, scale_in_cooldown_seconds: int = 300
    ) -> None:
        """Track `target` requests per minute and copy."""
        self._track(
            "Invocations",
            CopyTarget.INVOCATIONS,
            target,
            scale_out_cooldown_seconds,
            scale_in_cooldown_seconds,
        )

    def scale_on_schedule(
        self, name: str, *, schedule: str, timezone: str, min_copies: int, max_copies: int | None = None
    ) -> None:
        """Change the bounds on a schedule: `cron(0 8 ? * MON-FRI *)`, `rate(1 hour)` or `at(2027-01-01T08:00:00)`."""
        self._schedules.append(
            scaling.CfnScalableTarget.ScheduledActionProperty(
                scheduled_action_name=name,
                schedule=schedule,
                timezone=timezone,
                scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
                    min_capacity=min_copies, max_capacity=max_copies
                ),
            )
        )
        self._target.scheduled_actions = self._schedules

    def wake_on_request(self) -> None:
        """Scale from zero copies to one after a single request failed for lack of a copy; target tracking cannot."""
        policy = scaling.CfnScalingPolicy(
            self,
            "Wake",
            policy_name="wake",
            policy_type="StepScaling",
            scaling_target_id=self._target_id,
            step_scaling_policy_configuration=scaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Maximum",
                cooldown=_WAKE_SECONDS,
                step_adjustments=[
                    scaling.CfnScalingPolicy.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)
                ],
            ),
        )
        cloudwatch.CfnAlarm(
            self,
            "WakeAlarm",
            alarm_description="A request found no copy: one is started.",
            namespace=MetricNamespace.SERVICE,
            metric_name=MetricName.NO_CAPACITY,
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=Dimension.COMPONENT, value=self._component_name)],
            statistic="Maximum",
            period=_WAKE_SECONDS,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[policy.ref],
        )

    def _track(self, construct_id: str, metric: str, target: float, out_seconds: int, in_seconds: int) -> None:
        policy = scaling.CfnScalingPolicy
        policy(
            self,
            construct_id,
            policy_name=construct_id,
            policy_type="TargetTrackingScaling",
            scaling_target_id=self._target_id,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                scale_out_cooldown=out_seconds,
                scale_in_cooldown=in_seconds,
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=metric
                ),
            ),
        )
