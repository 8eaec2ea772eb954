"""`ComponentAlarms`: CloudWatch alarms of an inference component, also used to roll back a failed update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from replicas import Alarms
from replicas.deployment.patterns import TOPIC_ARN
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk import reasons
from replicas_cdk.arns import name_faults
from replicas_cdk.durations import no_duration
from replicas_cdk.given_values import Bound, out_of_bounds, text_faults
from replicas_cdk.identity import digest_in_stack

_PERIOD_SECONDS = 60
_PERIODS, _TO_ALARM = 3, 2
_MOST_PERIODS = 24 * 60
"""Maximum number of evaluation periods. Source: CloudWatch API reference, PutMetricAlarm: if a period is shorter than
an hour, all evaluation periods together may be at most a day."""

_MISSING_DATA = MappingProxyType(
    {
        cloudwatch.TreatMissingData.BREACHING: "breaching",
        cloudwatch.TreatMissingData.NOT_BREACHING: "notBreaching",
        cloudwatch.TreatMissingData.IGNORE: "ignore",
        cloudwatch.TreatMissingData.MISSING: "missing",
    }
)


@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """Thresholds of a component's alarms, each for one minute. If a threshold is None, its alarm is not created."""

    server_errors: float | None = 5
    """HTTP 5xx responses of SageMaker per minute."""
    model_errors: float | None = 5
    """Container responses with a status other than 2xx, per minute."""
    no_capacity: float | None = 1
    """Requests per minute that failed because no copy was running."""
    latency_p90: Duration | None = None
    """Threshold for the 90th percentile of the time in the container."""


class AlarmChanges(TypedDict, total=False):
    """Keywords of `ComponentAlarms.override`: settings of existing alarms that can be changed."""

    server_errors: float
    """Threshold for HTTP 5xx responses of SageMaker per minute."""
    model_errors: float
    """Threshold for container responses with a status other than 2xx, per minute."""
    no_capacity: float
    """Threshold for requests per minute that failed because no copy was running."""
    latency_p90: Duration
    """Threshold for the 90th percentile of the time in the container."""
    treat_missing_data: cloudwatch.TreatMissingData
    """How minutes without data are treated. Default: as not breaching."""
    evaluation_periods: int
    """Minutes that each alarm evaluates. Default: 3."""
    datapoints_to_alarm: int
    """How many of the evaluated minutes must reach the threshold. Default: 2."""


class _Watch(NamedTuple):
    construct_id: str
    metric: str
    statistic: str | None
    percentile: str | None
    description: str


_WATCHES: Mapping[str, _Watch] = {
    "server_errors": _Watch("ServerErrors", MetricName.SERVER_ERRORS, "Sum", None, "Answers of 5xx, a minute."),
    "model_errors": _Watch(
        "ModelErrors",
        MetricName.MODEL_ERRORS,
        "Sum",
        None,
        "Answers of the container that are not 2xx, a minute.",
    ),
    "no_capacity": _Watch(
        "NoCapacity",
        MetricName.NO_CAPACITY,
        "Sum",
        None,
        "Requests that found no copy, a minute.",
    ),
    "latency_p90": _Watch(
        "Latency", MetricName.MODEL_LATENCY, None, "p90", "Time in the container, 90th percentile, microseconds."
    ),
}


class _Actions(NamedTuple):
    """ARNs of an alarm's actions, by the state that the alarm enters."""

    alarm: list[str]
    ok: list[str]
    no_data: list[str]


class ComponentAlarms(Construct):
    """Alarms of one inference component. Each fires if 2 of 3 minutes reach its threshold.

    Missing data does not raise an alarm: no traffic is not a fault. `override` changes these settings.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        component_name: str,
        thresholds: AlarmThresholds | Alarms,
        topic_arn: str | None = None,
        scales_to_zero: bool = False,
    ) -> None:
        """Define the alarms.

        Args:
            scope: parent.
            construct_id: part of the logical ids; changing it replaces the resources.
            component_name: name of the component. If the component depends on the alarms, the name must be fixed.
            thresholds: thresholds per minute. An optional alarm without a threshold is not created.
            topic_arn: SNS topic for ALARM and OK notifications. Default: no notifications.
            scales_to_zero: leave out the no-capacity alarm, because the first request at zero copies always fails.

        Raises:
            ValueError: a threshold is not a number above 0, or the component name or the topic ARN is malformed.

        """
        super().__init__(scope, construct_id)
        values = _values(thresholds)
        latency = thresholds.latency_p90 if isinstance(thresholds, AlarmThresholds) else None
        faults = [*name_faults("component_name", component_name), *text_faults("topic_arn", topic_arn, TOPIC_ARN)]
        self._refuse([*faults, *_faults(values, latency)])
        if scales_to_zero:
            del values["no_capacity"]
        self._periods, self._to_alarm = _PERIODS, _TO_ALARM
        actions = [topic_arn] if topic_arn else None
        dimension = cloudwatch.CfnAlarm.DimensionProperty(name=Dimension.COMPONENT, value=component_name)
        self._alarms = {
            name: cloudwatch.CfnAlarm(
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
                threshold=values[name],
                comparison_operator="GreaterThanOrEqualToThreshold",
                treat_missing_data="notBreaching",
                alarm_actions=actions,
                ok_actions=actions,
            )
            for name, watch in _WATCHES.items()
            if values.get(name)
        }
        self._imported: dict[str, cloudwatch.IAlarm] = {}
        noted = list(actions or ())
        self._actions = {name: _Actions(alarm=[*noted], ok=[*noted], no_data=[]) for name in self._alarms}
        if actions is None:
            reasons.for_alarms(self)

    @property
    def alarm_names(self) -> Sequence[str]:
        """Names of the alarms, as tokens: CloudFormation generates them."""
        return [alarm.ref for alarm in self._alarms.values()]

    @property
    def alarms(self) -> Mapping[str, cloudwatch.IAlarm]:
        """The alarms by the name of their threshold (`server_errors`), for composite alarms and widgets."""
        for name, alarm in self._alarms.items():
            if name not in self._imported:
                # An action that invokes a Lambda function derives the logical id of the permission from this id.
                construct_id = f"{_WATCHES[name].construct_id}Alarm{digest_in_stack(alarm)}"
                self._imported[name] = cloudwatch.Alarm.from_alarm_arn(self, construct_id, alarm.attr_arn)
        return MappingProxyType(self._imported)

    def override(self, **changes: Unpack[AlarmChanges]) -> None:
        """Change existing alarms. Settings that are not passed stay as they are.

        Raises:
            ValueError: a threshold is not a number above 0, the alarm of a threshold does not exist,
                `evaluation_periods` is not a whole number from 1 to 1440 (a day of minutes), or `datapoints_to_alarm`
                is not a whole number from 1 to `evaluation_periods`.

        """
        unknown = [name for name in changes if name not in AlarmChanges.__annotations__]
        if unknown:
            known = ", ".join(AlarmChanges.__annotations__)
            self._refuse([f"{name}= is not a setting of an alarm: use one of {known}" for name in unknown])
        latency = changes.get("latency_p90")
        given = {
            "server_errors": changes.get("server_errors"),
            "model_errors": changes.get("model_errors"),
            "no_capacity": changes.get("no_capacity"),
            "latency_p90": _in_microseconds(latency),
        }
        values = {name: value for name, value in given.items() if value is not None}
        faults = list(_faults(values, latency))
        faults += [
            f"{name}=: this alarm does not exist: set its threshold in Alarms(...) of the Deployment or in thresholds="
            for name in values
            if name not in self._alarms
        ]
        periods = changes.get("evaluation_periods", self._periods)
        to_alarm = changes.get("datapoints_to_alarm", self._to_alarm)
        of_kind = out_of_bounds(
            Bound("evaluation_periods", periods, 1, _MOST_PERIODS), Bound("datapoints_to_alarm", to_alarm, 1)
        )
        faults += of_kind
        if not of_kind and to_alarm > periods:
            faults.append(
                f"datapoints_to_alarm={to_alarm}: set it to at most {periods}, the value of evaluation_periods"
            )
        missing = changes.get("treat_missing_data")
        if missing is not None and missing not in _MISSING_DATA:
            faults.append(f"treat_missing_data={missing!r}: pass a member of cloudwatch.TreatMissingData")
        self._refuse(faults)
        self._periods, self._to_alarm = periods, to_alarm
        for name, alarm in self._alarms.items():
            if name in values:
                alarm.threshold = values[name]
            if "treat_missing_data" in changes:
                alarm.treat_missing_data = _MISSING_DATA[changes["treat_missing_data"]]
            if "evaluation_periods" in changes:
                alarm.evaluation_periods = periods
            if "datapoints_to_alarm" in changes:
                alarm.datapoints_to_alarm = to_alarm

    def add_alarm_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Add actions for the ALARM state of every alarm. Existing actions stay."""
        for name, alarm, arns in self._bound(actions):
            self._actions[name].alarm.extend(arns)
            alarm.alarm_actions = self._actions[name].alarm

    def add_ok_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Add actions for the OK state of every alarm. Existing actions stay."""
        for name, alarm, arns in self._bound(actions):
            self._actions[name].ok.extend(arns)
            alarm.ok_actions = self._actions[name].ok

    def add_insufficient_data_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Add actions for the INSUFFICIENT_DATA state of every alarm. Existing actions stay."""
        for name, alarm, arns in self._bound(actions):
            self._actions[name].no_data.extend(arns)
            alarm.insufficient_data_actions = self._actions[name].no_data

    def _bound(
        self, actions: Sequence[cloudwatch.IAlarmAction]
    ) -> Iterator[tuple[str, cloudwatch.CfnAlarm, list[str]]]:
        for name, imported in self.alarms.items():
            yield name, self._alarms[name], [action.bind(self, imported).alarm_action_arn for action in actions]

    def _refuse(self, faults: Sequence[str]) -> None:
        if faults:
            raise ValueError(f"{self.node.path}: {'; '.join(faults)}")


def _values(thresholds: AlarmThresholds | Alarms) -> dict[str, float | None]:
    """Return the thresholds by name. Latency is in microseconds, the unit of its metric."""
    if isinstance(thresholds, AlarmThresholds):
        latency = _in_microseconds(thresholds.latency_p90)
    else:
        latency = thresholds.latency_p90_seconds and thresholds.latency_p90_seconds * 1e6
    return {
        "server_errors": thresholds.server_errors,
        "model_errors": thresholds.model_errors,
        "no_capacity": thresholds.no_capacity,
        "latency_p90": latency,
    }


def _in_microseconds(duration: Duration | None) -> float | None:
    return duration.to_milliseconds() * 1000 if isinstance(duration, Duration) else None


def _faults(values: Mapping[str, float | None], latency: object) -> Iterator[str]:
    """Yield the faults of the thresholds, and a fault if the passed `latency` is not a `Duration`."""
    yield from out_of_bounds(*(Bound(name, value, 0, is_whole=False, is_open=True) for name, value in values.items()))
    if latency is not None and not isinstance(latency, Duration):
        yield no_duration("latency_p90", latency)
