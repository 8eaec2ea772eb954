"""What moves copies: alarms, limits and schedules ask SageMaker, which is a number here; time is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.autoscaling import ApplicationAutoScaling
from embedded_aws.cloudwatch.alarms import Raised
from embedded_aws.evidence import preflight
from embedded_aws.faults import Faults
from embedded_aws.service import Answer, ServiceError, Surroundings
from embedded_aws_tests.calling import called, input_members
from embedded_aws_tests.sagemaker.conftest import Hand

WHICH = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/llama",
    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
}
TRACKING: dict[str, Any] = {
    "TargetValue": 5.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"},
}
STEPS: dict[str, Any] = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    "Cooldown": 60,
}


@dataclass
class Copies:
    """SageMaker and CloudWatch, as far as they are asked."""

    desired: int = 1
    running: int = 1
    status: str = "InService"
    failure: str | None = None
    alarms: list[dict[str, Any]] = field(default_factory=list)

    def describe_inference_component(self, **_: str) -> Answer:
        told: Answer = {
            "InferenceComponentStatus": self.status,
            "RuntimeConfig": {"DesiredCopyCount": self.desired, "CurrentCopyCount": self.running},
            "LastModifiedTime": datetime.now(UTC),
        }
        return {**told, "FailureReason": self.failure} if self.failure else told

    def update_inference_component_runtime_config(self, **asked: Any) -> Answer:
        if self.status != "InService":
            error: Any = {"Error": {"Code": "ValidationException", "Message": f"it is {self.status}"}}
            raise ClientError(error, "UpdateInferenceComponentRuntimeConfig")
        self.desired = asked["DesiredRuntimeConfig"]["CopyCount"]
        self.running = self.desired
        return {}

    def put_metric_alarm(self, **alarm: Any) -> Answer:
        self.alarms.append(alarm)
        return {}

    def delete_alarms(self, **asked: Any) -> Answer:
        self.alarms = [alarm for alarm in self.alarms if alarm["AlarmName"] not in asked["AlarmNames"]]
        return {}

    def close(self) -> None:
        """As clients do."""


@dataclass(frozen=True)
class Among(Surroundings):
    """Every other service is the same."""

    copies: Copies = field(default_factory=Copies)

    def client(self, service: str) -> Any:
        return self.copies


class Account:
    def __init__(self) -> None:
        self.clock, self.copies = Hand(), Copies()
        around = Among("us-west-2", "http://127.0.0.1:0", self.clock, Faults(), copies=self.copies)
        self.service = ApplicationAutoScaling(around)
        self.service.keep_looking = lambda: None  # type: ignore[method-assign]  # time is ours

    def __call__(self, operation: str, **parameters: Any) -> Answer:
        known = input_members(self.service, operation)
        which = {name: value for name, value in WHICH.items() if name in known}
        return called(self.service, operation, {**which, **parameters})

    def register(self, least: int, most: int, **more: Any) -> None:
        self("RegisterScalableTarget", MinCapacity=least, MaxCapacity=most, **more)
        self.wait(0)

    def track(self, **more: Any) -> None:
        tracking = {**TRACKING, **more}
        kind = "TargetTrackingScaling"
        self("PutScalingPolicy", PolicyName="track", PolicyType=kind, TargetTrackingScalingPolicyConfiguration=tracking)

    def step(self, **more: Any) -> None:
        steps = {**STEPS, **more}
        self("PutScalingPolicy", PolicyName="wake", PolicyType="StepScaling", StepScalingPolicyConfiguration=steps)

    def raise_(self, which: str, value: float | None, threshold: float = 1.0) -> int:
        """An alarm goes off; copies after it. High and Low are target tracking's own."""
        name = "wake" if which == "own" else "track"
        (policy,) = self("DescribeScalingPolicies", PolicyNames=[name])["ScalingPolicies"]
        alarms = [alarm["AlarmName"] for alarm in policy["Alarms"] if f"Alarm{which}" in alarm["AlarmName"]]
        self.service.execute(policy["PolicyARN"], Raised(*(alarms or ["own"]), "ALARM", threshold, value))
        return self.copies.desired

    def wait(self, seconds: float) -> None:
        self.clock.at += seconds
        self.service.look()

    def told(self) -> list[tuple[str, str]]:
        found = self("DescribeScalingActivities", IncludeNotScaledActivities=True)["ScalingActivities"]
        return [(one["Cause"], one["StatusCode"]) for one in found]


@pytest.fixture
def account() -> Account:
    return Account()


# ---- target tracking


def test_out_in_one_go_within_the_ceiling(account: Account) -> None:
    account.register(1, 6)
    account.track()
    assert account.raise_("High", 17) == 4
    account.copies.running = 1  # the others are starting: the metric is of one
    assert account.raise_("High", 19) == 4, "what is starting counts"
    assert account.raise_("High", 12) == 4, "and no alarm that it is too much takes any away"
    assert account.raise_("High", 24) == 5, "though more than was asked for is more"
    account.copies.running = 5
    assert account.raise_("High", 100) == 6
    assert account.raise_("High", 100) == 6
    reasons = account("DescribeScalingActivities", IncludeNotScaledActivities=True)["ScalingActivities"][0]
    assert reasons["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 6, "CurrentCapacity": 6}]
    assert all("NotScaledReasons" not in one for one in account("DescribeScalingActivities")["ScalingActivities"])


def test_in_one_by_one_with_its_cooldown_and_only_where_the_rest_carries_it(account: Account) -> None:
    account.copies.desired = account.copies.running = 4
    account.register(0, 6)
    account.track(ScaleInCooldown=120)
    assert account.raise_("Low", 4.0) == 4, "16 at once are more than 3 copies carry"
    assert account.raise_("Low", 3.5) == 3
    assert account.raise_("Low", 0.0) == 3, "the cooldown"
    account.wait(121)
    assert account.raise_("Low", 0.0) == 2
    account.wait(121)
    assert account.raise_("Low", 0.0) == 1
    account.wait(121)
    assert account.raise_("Low", 0.1) == 1, "somebody asks"
    assert account.raise_("Low", 0.0) == 0
    assert account.raise_("High", 100.0) == 0, "target tracking does not wake"


def shapes(account: Account) -> list[tuple[Any, ...]]:
    names = ("MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold")
    return [tuple(alarm[name] for name in names) for alarm in account.copies.alarms]


def test_alarms_of_both_metrics(account: Account) -> None:
    account.register(1, 6)
    account.track()
    assert shapes(account) == [("InvocationsPerCopy", "Sum", 60, 3, 5.0), ("InvocationsPerCopy", "Sum", 60, 15, 4.5)]
    kind = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    account.track(PredefinedMetricSpecification={"PredefinedMetricType": kind}, DisableScaleIn=True)
    assert shapes(account) == [("ConcurrentRequestsPerCopy", "Maximum", 10, 3, 5.0)], "the former ones are gone"
    own = {"MetricName": "Queue", "Namespace": "App", "Statistic": "Average", "Dimensions": []}
    account("DeleteScalingPolicy", PolicyName="track")
    assert account.copies.alarms == []
    custom = {"TargetValue": 5.0, "CustomizedMetricSpecification": own}
    kind = "TargetTrackingScaling"
    account("PutScalingPolicy", PolicyName="own", PolicyType=kind, TargetTrackingScalingPolicyConfiguration=custom)
    assert {(alarm["MetricName"], alarm["Period"]) for alarm in account.copies.alarms} == {("Queue", 60)}


# ---- steps


def test_a_step_wakes_from_zero_and_waits_for_its_cooldown(account: Account) -> None:
    account.copies.desired = account.copies.running = 0
    account.register(0, 4)
    account.step()
    assert account.raise_("own", 1) == 1
    assert account.raise_("own", 7) == 1, "what it added counts while it rests"
    account.wait(61)
    assert account.raise_("own", None) == 2, "a state set by hand is at the threshold"


def test_a_component_that_is_being_changed_is_asked_again_later(account: Account) -> None:
    account.register(0, 4)
    account.step()
    account.copies.status = "Updating"
    for _ in range(3):
        assert account.raise_("own", 1) == 1
    assert account.told() == [("monitor alarm own in state ALARM triggered policy wake", "Failed")], "told once"
    account.copies.status = "InService"
    assert account.raise_("own", 1) == 2
    assert account.told()[0][1] == "Successful"
    account.copies.failure = "no room"
    account.wait(61)
    account.raise_("own", 1)
    assert account.told()[0][1] == "Failed"


# ---- limits, schedules, suspension


def test_limits_bring_copies_within_them(account: Account) -> None:
    account.register(3, 4)
    assert account.copies.desired == 3
    account.copies.status = "Updating"
    account.register(0, 2)
    assert account.copies.desired == 3, "not now"
    account.copies.status = "InService"
    account.wait(1)
    assert account.copies.desired == 2
    assert [cause for cause, _ in account.told()] == ["maximum capacity was set to 2", "minimum capacity was set to 3"]


def test_schedules_change_limits_in_their_order_when_the_calendar_turns(account: Account) -> None:
    account.clock.at = datetime(2026, 11, 24, 12, 0, tzinfo=UTC).timestamp()
    account.register(1, 8)
    for name, hour, limits in (("up", 8, {"MinCapacity": 5}), ("down", 20, {"MinCapacity": 0, "MaxCapacity": 2})):
        schedule = f"cron(0 {hour} * * ? *)"
        account("PutScheduledAction", ScheduledActionName=name, Schedule=schedule, ScalableTargetAction=limits)
    account.wait(0)
    assert account.copies.desired == 1
    account.clock.turn_calendar(datetime(2026, 11, 25, 9, 0, tzinfo=UTC).timestamp())
    account.wait(0)
    assert account.copies.desired == 1, "a floor of 5 is above the ceiling of 2 that the evening left"
    assert ("scheduled action name up was triggered", "Failed") in account.told()
    account("DeleteScheduledAction", ScheduledActionName="down")
    account.register(1, 8)
    account.clock.turn_calendar(datetime(2026, 11, 26, 9, 0, tzinfo=UTC).timestamp())
    account.wait(0)
    assert account.copies.desired == 5


def test_a_schedule_has_its_time_and_ends(account: Account) -> None:
    account.register(1, 8)
    now = account.clock.at
    begin, end = (datetime.fromtimestamp(now + after, UTC) for after in (300, 900))
    account(
        "PutScheduledAction",
        ScheduledActionName="more",
        Schedule="rate(5 minutes)",
        StartTime=begin,
        EndTime=end,
        ScalableTargetAction={"MinCapacity": 3},
    )
    account.wait(310)
    assert account.copies.desired == 1
    account.wait(300)
    assert account.copies.desired == 3
    account.register(1, 8)
    account.copies.desired = 1
    account.wait(1_000)
    assert account.copies.desired == 1


def test_what_is_suspended_does_not_move(account: Account) -> None:
    account.copies.desired = account.copies.running = 2
    account.register(0, 8, SuspendedState={"DynamicScalingInSuspended": True})
    account.track()
    assert account.raise_("Low", 0.0) == 2
    assert account.raise_("High", 10.0) == 4
    account.register(0, 8, SuspendedState={"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": True})
    assert account.raise_("High", 100.0) == 4
    assert account.raise_("Low", 0.0) == 3
    (told,) = account("DescribeScalableTargets")["ScalableTargets"]
    assert told["SuspendedState"]["DynamicScalingOutSuspended"]
    account.register(0, 8, SuspendedState={"ScheduledScalingSuspended": True})
    account(
        "PutScheduledAction",
        ScheduledActionName="more",
        Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 7},
    )
    account.wait(600)
    assert account.copies.desired == 3


@pytest.mark.parametrize(
    ("kind", "configuration", "words"),
    [
        ("PredictiveScaling", None, "supported for Amazon ECS only"),
        ("TargetTrackingScaling", {**TRACKING, "TargetValue": 0.0}, "TargetValue=0"),
        (
            "TargetTrackingScaling",
            {"TargetValue": 1.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
            "Scalable dimension .*DesiredCopyCount only supports the following predefined metric types: ",
        ),
    ],
)
def test_refusals_of_policies(account: Account, kind: str, configuration: Any, words: str) -> None:
    account.register(1, 4)
    given = {f"{kind}PolicyConfiguration": configuration} if configuration else {}
    with pytest.raises(ServiceError, match=words):
        account("PutScalingPolicy", PolicyName="policy", PolicyType=kind, **given)


def step(adjustment: int = 1, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    bounds = {"MetricIntervalLowerBound": low, "MetricIntervalUpperBound": high}
    return {"ScalingAdjustment": adjustment, **{name: value for name, value in bounds.items() if value is not None}}


QUOTED_POLICIES: list[tuple[str, str, dict[str, Any]]] = [
    ("policy-type-config-required", "StepScaling policy configuration must be specified", {"StepScaling": None}),
    (
        "policy-type-config-mismatch",
        "You must only provide a single scaling policy configuration, which must match the scaling policy type "
        "specified.",
        {"StepScaling": STEPS, "TargetTrackingScaling": TRACKING},
    ),
    (
        "tt-metric-spec-missing",
        "PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking scaling.",
        {"TargetTrackingScaling": {"TargetValue": 1.0}},
    ),
    (
        "tt-metric-spec-exclusive",
        "Only one of PredefinedMetricSpecification or CustomizedMetricSpecification can be set for target tracking "
        "scaling.",
        {"TargetTrackingScaling": {**TRACKING, "CustomizedMetricSpecification": {"MetricName": "a"}}},
    ),
    (
        "customized-metric-exclusive",
        "The customized metric specification is not valid.",
        {
            "TargetTrackingScaling": {
                "TargetValue": 1.0,
                "CustomizedMetricSpecification": {"MetricName": "a", "Metrics": [{"Id": "a", "Expression": "b"}]},
            }
        },
    ),
    (
        "step-adjustment-type-required",
        "Adjustment type must be specified",
        {"StepScaling": {"StepAdjustments": [step()]}},
    ),
    (
        "step-adjustments-required",
        "There must be at least one step adjustment",
        {"StepScaling": {"AdjustmentType": "ChangeInCapacity"}},
    ),
    (
        "min-adjustment-magnitude-percent-only",
        "Minimum adjustment magnitude is only allowed for adjustment type PercentChangeInCapacity",
        {"StepScaling": {**STEPS, "MinAdjustmentMagnitude": 1}},
    ),
]
QUOTED_STEPS: list[tuple[str, str, list[dict[str, Any]]]] = [
    (
        "step-adjustment-both-null",
        "Both lower and upper bounds of a step adjustment cannot be left unspecified",
        [step()],
    ),
    (
        "step-adjustment-bound-order",
        "Lower bound must be less than upper bound for a step adjustment",
        [step(low=2, high=2)],
    ),
    (
        "step-adjustment-two-null-lower",
        "At most one step adjustment may have an unspecified lower bound",
        [step(high=0), step(high=1)],
    ),
    (
        "step-adjustment-two-null-upper",
        "At most one step adjustment may have an unspecified upper bound",
        [step(low=0), step(low=1)],
    ),
    (
        "step-adjustment-missing-null-lower",
        "There must be a step adjustment with an unspecified lower bound when one step adjustment has a negative "
        "lower bound",
        [step(-1, low=-5, high=0), step(low=0)],
    ),
    (
        "step-adjustment-missing-null-upper",
        "There must be a step adjustment with an unspecified upper bound when one step adjustment has a positive "
        "upper bound",
        [step(low=0, high=5)],
    ),
    ("step-adjustment-overlap", "Step adjustment intervals cannot overlap", [step(low=0, high=5), step(low=4)]),
    (
        "step-adjustment-gap",
        "Step adjustment intervals cannot have gaps between them",
        [step(low=0, high=5), step(low=6)],
    ),
]
QUOTED_POLICIES += [
    (rule, words, {"StepScaling": {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}})
    for rule, words, steps in QUOTED_STEPS
]
QUOTED_POLICIES.append(
    (
        "step-adjustment-exact-capacity-negative",
        "Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity",
        {"StepScaling": {"AdjustmentType": "ExactCapacity", "StepAdjustments": [step(-1, low=0)]}},
    )
)


@pytest.mark.parametrize(
    ("rule", "words", "policy"),
    QUOTED_POLICIES,
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_policies_are_refused_in_the_words_that_cdk_preflight_quotes(
    account: Account, rule: str, words: str, policy: dict[str, Any]
) -> None:
    account.register(1, 4)
    given = {f"{kind}PolicyConfiguration": value for kind, value in policy.items() if value is not None}

    with pytest.raises(ServiceError) as refused:
        account("PutScalingPolicy", PolicyName="policy", PolicyType=next(iter(policy)), **given)

    assert refused.value.message == words
    assert refused.value.evidence == (preflight(f"appautoscaling-{rule}"),)


@pytest.mark.parametrize(
    "steps",
    [[step(low=0)], [step(-1, high=0)], [step(-1, high=0), step(low=0)], [step(low=0, high=5), step(2, low=5)]],
)
def test_steps_that_cover_one_or_both_sides_of_the_threshold_are_taken(
    account: Account, steps: list[dict[str, Any]]
) -> None:
    account.register(1, 4)
    configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}

    account("PutScalingPolicy", PolicyName="p", PolicyType="StepScaling", StepScalingPolicyConfiguration=configuration)
