"""`CopyScaling`: autoscaling of the copies of an inference component, by load, by schedule, and from zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from aws_cdk import Annotations, Duration, IResolvable, TimeZone
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from replicas.deployment.unresolved import is_unresolved
from replicas.names import CopyTarget, Dimension, MetricName, MetricNamespace
from replicas_cdk.arns import name_faults
from replicas_cdk.durations import duration_faults, of_seconds, seconds_of
from replicas_cdk.given_values import Bound, action_name_faults, id_faults, is_whole, out_of_bounds
from replicas_cdk.pseudo import ACCOUNT_ID, PARTITION

_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_OWN_IDS = ("Target", "Imported", "Wake", "WakeAlarm", "ConcurrentRequests", "Invocations")
"""Construct ids that `CopyScaling` uses for its own children."""

RangeProof = Callable[[int, int], list[str]]
"""A function of the minimum and maximum number of copies. It returns the reasons why the copies cannot scale between
them; empty if they can."""


class CopyScaling(Construct):
    """Scalable target for the copies of a component. Its methods add scaling policies. Without a policy, nothing
    scales.

    The target uses the service-linked role for SageMaker endpoints. Application Auto Scaling creates the role if it is
    missing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        component_name: str,
        min_copies: int,
        max_copies: int,
        prove: RangeProof | None = None,
    ) -> None:
        """Register the copies of a component as a scalable target.

        Args:
            scope: parent.
            construct_id: part of the logical ids; changing it replaces the resources.
            component_name: name of the component. Set its `copies` to `min_copies`, or to 1 if `min_copies` is 0.
            min_copies: minimum number of copies, at least 0.
            max_copies: maximum number of copies, at least 1.
            prove: function that checks the minimum and maximum, and those of every schedule, against a plan. Default:
                only `TemplateProof` checks them, at synth.

        Raises:
            ValueError: `min_copies` or `max_copies` is too low or not a whole number, `max_copies` is below
                `min_copies`, or the plan has no capacity for `max_copies`.

        """
        super().__init__(scope, construct_id)
        self.min_copies = min_copies
        """Minimum number of copies outside schedules."""
        self.max_copies = max_copies
        """Maximum number of copies outside schedules."""
        self._component_name = component_name
        self._prove = prove
        self._schedules: dict[str, IResolvable | scaling.CfnScalableTarget.ScheduledActionProperty] = {}
        self._scheduled: dict[str, tuple[int | None, int | None]] = {}
        self._policies: set[str] = set()
        self._scalable: scaling.IScalableTarget | None = None
        self._refuse([*name_faults("component_name", component_name), *self._range_faults(min_copies, max_copies)])
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

    @property
    def scalable_target_id(self) -> str:
        """Id of the target, for `ScalableTarget.from_scalable_target_attributes` of aws-cdk; a CDK token."""
        return self._target_id

    def prove_with(self, prove: RangeProof) -> None:
        """Check the minimum and maximum of every schedule that is added later against a plan."""
        self._prove = prove

    def scale_on_concurrency(
        self, *, target: float, scale_out_cooldown: Duration | None = None, scale_in_cooldown: Duration | None = None
    ) -> None:
        """Keep `target` requests in flight per copy. The metric has a resolution of 10 seconds.

        Args:
            target: requests in flight per copy, above 0.
            scale_out_cooldown: time after a scale-out before the next. Default: 1 minute.
            scale_in_cooldown: time after a scale-in before the next. Default: 5 minutes.

        Raises:
            ValueError: a value is out of bounds, or a policy for this metric exists already.

        """
        self._track("ConcurrentRequests", CopyTarget.CONCURRENT_REQUESTS, target, scale_out_cooldown, scale_in_cooldown)

    def scale_on_concurrent_requests(
        self, *, target: float, scale_out_cooldown: Duration | None = None, scale_in_cooldown: Duration | None = None
    ) -> None:
        """Alias of `scale_on_concurrency`, with the name of the metric."""
        self.scale_on_concurrency(
            target=target, scale_out_cooldown=scale_out_cooldown, scale_in_cooldown=scale_in_cooldown
        )

    def scale_on_invocations(
        self, *, target: float, scale_out_cooldown: Duration | None = None, scale_in_cooldown: Duration | None = None
    ) -> None:
        """Keep `target` requests per minute and copy. Arguments and errors as in `scale_on_concurrency`."""
        self._track("Invocations", CopyTarget.INVOCATIONS, target, scale_out_cooldown, scale_in_cooldown)

    def scale_on_metric(
        self,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        target: float | None = None,
        scaling_steps: Sequence[scaling.ScalingInterval] | None = None,
        adjustment_type: scaling.AdjustmentType | None = None,
        evaluation_periods: int | None = None,
        datapoints_to_alarm: int | None = None,
        cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        scale_in_cooldown: Duration | None = None,
    ) -> None:
        """Scale on any metric: keep it at `target`, or change the copies by `scaling_steps`.

        Args:
            construct_id: part of the logical ids; changing it replaces the policy.
            metric: metric to scale on. With `target`, it must not be a math expression, and its value must fall when
                copies are added.
            target: value at which the metric is kept, above 0. Default cooldowns as in `scale_on_concurrency`.
            scaling_steps: at least two intervals of the metric, each with its change of copies, as in aws-cdk.
            adjustment_type: meaning of a step's `change`. Default: number of copies to add.
            evaluation_periods: number of periods that an alarm of the steps evaluates. Default: 1.
            datapoints_to_alarm: how many of the evaluated periods must be in the interval. Default: all.
            cooldown: time after a step before the next. Default: the default of Application Auto Scaling.
            scale_out_cooldown: as in `scale_on_concurrency`; only with `target`.
            scale_in_cooldown: as in `scale_on_concurrency`; only with `target`.

        Raises:
            ValueError: neither or both of `target` and `scaling_steps` are given, an argument applies only to the one
                that is not given, a value is out of bounds, or a policy with this id exists already.

        """
        steps_only = {
            "adjustment_type": adjustment_type,
            "evaluation_periods": evaluation_periods,
            "datapoints_to_alarm": datapoints_to_alarm,
            "cooldown": cooldown,
        }
        target_only = {"scale_out_cooldown": scale_out_cooldown, "scale_in_cooldown": scale_in_cooldown}
        surplus = [name for name, value in (steps_only if target is not None else target_only).items() if value]
        faults = list(duration_faults(("cooldown", cooldown, 0, None)))
        faults += out_of_bounds(
            Bound("evaluation_periods", evaluation_periods, 1), Bound("datapoints_to_alarm", datapoints_to_alarm, 1)
        )
        periods = evaluation_periods or 1
        if not faults and datapoints_to_alarm and datapoints_to_alarm > periods and not is_unresolved([periods]):
            faults.append(
                f"datapoints_to_alarm={datapoints_to_alarm}: set it to at most {periods}, the value of "
                f"evaluation_periods"
            )
        if (target is None) == (scaling_steps is None):
            given = "neither was" if target is None else "both were"
            faults.append(f"{construct_id}: pass one of target= and scaling_steps=: {given} given")
        elif surplus:
            other = "target=" if target is not None else "scaling_steps="
            surplus_names = " and ".join(f"{name}=" for name in surplus)
            faults.append(f"{construct_id}: {surplus_names} cannot be combined with {other}: remove {surplus_names}")
        if scaling_steps is not None and len(scaling_steps) < 2:
            faults.append(f"{construct_id}: scaling_steps= has {len(scaling_steps)} interval: pass at least 2")
        if target is not None:
            faults += _tracking_faults(target, scale_out_cooldown, scale_in_cooldown)
            if isinstance(metric, cloudwatch.MathExpression):
                faults.append(
                    f"{construct_id}: target= does not accept a math expression as metric=: use scaling_steps="
                )
        self._refuse([*self._id_faults(construct_id), *faults])
        self._policies.add(construct_id)
        if scaling_steps is not None:
            scaling.StepScalingPolicy(
                self,
                construct_id,
                scaling_target=self._scalable_target(),
                metric=metric,
                scaling_steps=scaling_steps,
                adjustment_type=adjustment_type,
                evaluation_periods=evaluation_periods,
                datapoints_to_alarm=datapoints_to_alarm,
                cooldown=cooldown,
            )
        elif target is not None:
            scaling.TargetTrackingScalingPolicy(
                self,
                construct_id,
                scaling_target=self._scalable_target(),
                custom_metric=metric,
                target_value=target,
                scale_out_cooldown=scale_out_cooldown or of_seconds(60),
                scale_in_cooldown=scale_in_cooldown or of_seconds(300),
            )

    def scale_on_schedule(
        self,
        name: str,
        *,
        schedule: scaling.Schedule,
        timezone: TimeZone | str = "UTC",
        min_copies: int | None = None,
        max_copies: int | None = None,
    ) -> None:
        """Change the minimum or maximum number of copies on a schedule.

        Args:
            name: name of the scheduled action, unique among the schedules of these copies.
            schedule: `aws_applicationautoscaling.Schedule`: `cron`, `rate`, `at` or `expression`.
            timezone: time zone of a `cron` or `at` schedule. Default: UTC.
            min_copies: minimum number of copies from the scheduled time on. Default: unchanged.
            max_copies: maximum number of copies from the scheduled time on. Default: unchanged.

        Raises:
            ValueError: neither `min_copies` nor `max_copies` is given, a value is too low, the minimum can exceed the
                maximum (alone or together with another schedule), the plan has no capacity for the maximum,
                `schedule` is a string, or `name` is used already or is not a valid name.

        """
        faults = list(action_name_faults("name", name))
        if name in self._schedules:
            faults.append(f"a schedule {name!r} exists already: choose another name")
        if not isinstance(schedule, scaling.Schedule):
            faults.append(f"schedule={schedule!r}: pass aws_applicationautoscaling.Schedule.expression({schedule!r})")
        if min_copies is None and max_copies is None:
            faults.append(f"the schedule {name!r} changes nothing: pass min_copies= or max_copies=")
        else:
            floor = self.min_copies if min_copies is None else min_copies
            ceiling = self.max_copies if max_copies is None else max_copies
            of_schedule = self._range_faults(floor, ceiling) or self._crossings(min_copies, max_copies)
            faults += [f"the schedule {name!r}: {fault}" for fault in of_schedule]
        self._refuse(faults)
        self._scheduled[name] = min_copies, max_copies
        expression = schedule.expression_string
        if expression.startswith("cron(* "):
            Annotations.of(self).add_warning_v2(
                f"replicas:everyMinute-{name}",
                f"{self.node.path}: the schedule {name!r}, {expression}, runs every minute: set minute= of "
                "Schedule.cron",
            )
        self._schedules[name] = scaling.CfnScalableTarget.ScheduledActionProperty(
            scheduled_action_name=name,
            schedule=expression,
            timezone=timezone if isinstance(timezone, str) else timezone.timezone_name,
            scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
                min_capacity=min_copies, max_capacity=max_copies
            ),
        )
        self._target.scheduled_actions = list(self._schedules.values())

    def wake_on_request(self) -> None:
        """Scale from zero copies to one after a request failed because no copy was running.

        A target tracking policy cannot do this.

        Raises:
            ValueError: it was called already.

        """
        self._refuse(self._repeated("Wake"))
        self._policies.add("Wake")
        policy = scaling.CfnScalingPolicy(
            self,
            "Wake",
            policy_name="wake",
            policy_type="StepScaling",
            scaling_target_id=self._target_id,
            step_scaling_policy_configuration=scaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Maximum",
                cooldown=CopyTarget.WAKE_PERIOD_SECONDS,
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
            period=CopyTarget.WAKE_PERIOD_SECONDS,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[policy.ref],
        )

    def _track(
        self, construct_id: str, metric: str, target: float, out: Duration | None, inwards: Duration | None
    ) -> None:
        self._refuse([*self._repeated(construct_id), *_tracking_faults(target, out, inwards)])
        self._policies.add(construct_id)
        policy = scaling.CfnScalingPolicy
        policy(
            self,
            construct_id,
            policy_name=construct_id,
            policy_type="TargetTrackingScaling",
            scaling_target_id=self._target_id,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                scale_out_cooldown=60 if out is None else seconds_of(out),
                scale_in_cooldown=300 if inwards is None else seconds_of(inwards),
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=metric
                ),
            ),
        )

    def _scalable_target(self) -> scaling.IScalableTarget:
        """Return the target as the construct that aws-cdk's policies accept."""
        if self._scalable is None:
            self._scalable = scaling.ScalableTarget.from_scalable_target_attributes(
                self,
                "Imported",
                scalable_target_id=self._target_id,
                scalable_dimension=CopyTarget.DIMENSION,
                service_namespace=CopyTarget.NAMESPACE,
            )
        return self._scalable

    def _crossings(self, floor: int | None, ceiling: int | None) -> Iterator[str]:
        """Yield an error message for each schedule that, together with these limits, can set a minimum above a maximum.

        A scheduled action that sets only one limit does not change the other limit. "In some cases, however, you must
        include both sizes" (Application Auto Scaling user guide, how scheduled scaling works).
        """
        for other, (least, most) in self._scheduled.items():
            if None not in (floor, ceiling) and None not in (least, most):
                continue
            for low, high in ((floor, most), (least, ceiling)):
                if low is not None and high is not None and low > high and not is_unresolved([low, high]):
                    yield (
                        f"min_copies={low} can exceed max_copies={high} together with the schedule {other!r}: set "
                        "min_copies and max_copies in both schedules"
                    )

    def _id_faults(self, construct_id: str) -> list[str]:
        faults = [*self._repeated(construct_id), *id_faults("construct_id", construct_id)]
        if construct_id in _OWN_IDS:
            faults.append(f"construct_id={construct_id!r} is reserved by CopyScaling: choose another id")
        return faults

    def _range_faults(self, floor: int, ceiling: int) -> list[str]:
        given = (Bound("min_copies", floor, 0), Bound("max_copies", ceiling, 1))
        missing = [f"{bound.name}=None: pass a whole number, {bound.allowed}" for bound in given if bound.value is None]
        if of_kind := [*missing, *out_of_bounds(*(bound for bound in given if not is_whole(bound.value)))]:
            return of_kind
        bounds = f"min_copies={floor}, max_copies={ceiling}"
        is_open = (floor < 0 and is_unresolved(floor)) or (ceiling < 1 and is_unresolved(ceiling))
        if not is_open and (floor < 0 or ceiling < max(1, floor)):
            return [f"{bounds}: min_copies must be at least 0, and max_copies at least 1 and at least min_copies"]
        return self._prove(floor, ceiling) if self._prove else []

    def _repeated(self, construct_id: str) -> list[str]:
        if construct_id not in self._policies:
            return []
        return [f"a policy {construct_id!r} exists already: remove one of the two, or choose another id"]

    def _refuse(self, faults: Iterable[str]) -> None:
        if sentences := list(faults):
            raise ValueError(f"{self.node.path}: {'; '.join(sentences)}")


def _tracking_faults(target: float, out: Duration | None, inwards: Duration | None) -> list[str]:
    durations = duration_faults(("scale_out_cooldown", out, 0, None), ("scale_in_cooldown", inwards, 0, None))
    return [*out_of_bounds(Bound("target", target, 0, is_whole=False, is_open=True)), *durations]
