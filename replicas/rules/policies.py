"""Rules about scaling policies and scheduled actions that Application Auto Scaling refuses, with AWS's messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from math import inf

from replicas.catalogue import data
from replicas.endpoint import schedules
from replicas.endpoint.components import ScheduledRange
from replicas.endpoint.identity import Number
from replicas.endpoint.policies import StepScaling, Tracking
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.names import CopyTarget
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case
from replicas.rules.refusals import Quote, preflight

COPY_METRICS = (CopyTarget.INVOCATIONS, CopyTarget.CONCURRENT_REQUESTS)
"""Predefined metrics that scale the copies of an inference component."""
_EVIDENCE = "cdk-preflight 1.9.1: a rule for each case, with AWS's words"
_Bounds = Sequence[tuple[float | None, float | None]]


def _step(rule_name: str, words: str, fix: str) -> Quote:
    return preflight(f"appautoscaling-{rule_name}", words, fix)


_MISMATCH = _step(
    "policy-type-config-mismatch",
    "You must only provide a single scaling policy configuration, which must match the scaling policy type specified.",
    "keep only the configuration of its PolicyType",
)
_NO_TYPE = _step(
    "step-adjustment-type-required", "Adjustment type must be specified", "set AdjustmentType=ChangeInCapacity"
)
_NO_STEPS = _step(
    "step-adjustments-required",
    "There must be at least one step adjustment",
    "add a step with MetricIntervalLowerBound=0 and ScalingAdjustment=1",
)
_MAGNITUDE = _step(
    "min-adjustment-magnitude-percent-only",
    "Minimum adjustment magnitude is only allowed for adjustment type PercentChangeInCapacity",
    "leave MinAdjustmentMagnitude out, or set AdjustmentType=PercentChangeInCapacity",
)
_NEGATIVE = _step(
    "step-adjustment-exact-capacity-negative",
    "Scaling adjustment cannot be less than 0 when adjustment type is ExactCapacity",
    "set ScalingAdjustment=0 or more",
)
_BOTH_OPEN = _step(
    "step-adjustment-both-null",
    "Both lower and upper bounds of a step adjustment cannot be left unspecified",
    "set MetricIntervalLowerBound=0",
)
_ORDER = _step(
    "step-adjustment-bound-order",
    "Lower bound must be less than upper bound for a step adjustment",
    "set MetricIntervalUpperBound above MetricIntervalLowerBound",
)
_TWO_BELOW = _step(
    "step-adjustment-two-null-lower",
    "At most one step adjustment may have an unspecified lower bound",
    "set MetricIntervalLowerBound for every step except the lowest",
)
_TWO_ABOVE = _step(
    "step-adjustment-two-null-upper",
    "At most one step adjustment may have an unspecified upper bound",
    "set MetricIntervalUpperBound for every step except the highest",
)
_CLOSED_BELOW = _step(
    "step-adjustment-missing-null-lower",
    "There must be a step adjustment with an unspecified lower bound when one step adjustment has a negative lower "
    "bound",
    "remove MetricIntervalLowerBound from the lowest step",
)
_CLOSED_ABOVE = _step(
    "step-adjustment-missing-null-upper",
    "There must be a step adjustment with an unspecified upper bound when one step adjustment has a positive upper "
    "bound",
    "remove MetricIntervalUpperBound from the highest step",
)
_OVERLAP = _step(
    "step-adjustment-overlap",
    "Step adjustment intervals cannot overlap",
    "start each step at the end of the step below",
)
_GAP = _step(
    "step-adjustment-gap",
    "Step adjustment intervals cannot have gaps between them",
    "start each step at the end of the step below",
)
_NO_METRIC = _step(
    "tt-metric-spec-missing",
    "PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking scaling.",
    f"set PredefinedMetricSpecification with PredefinedMetricType={CopyTarget.CONCURRENT_REQUESTS}",
)
_TWO_METRICS = _step(
    "tt-metric-spec-exclusive",
    "Only one of PredefinedMetricSpecification or CustomizedMetricSpecification can be set for target tracking "
    "scaling.",
    "give only one of them",
)
_METRIC_AND_MATH = _step(
    "customized-metric-exclusive",
    "The customized metric specification is not valid.",
    "set MetricName with Namespace and Statistic, or Metrics",
)
_OTHER_METRIC = _step(
    "predefined-metric-dimension",
    f"Scalable dimension {CopyTarget.DIMENSION} only supports the following predefined metric types: "
    f"{', '.join(COPY_METRICS)}",
    f"set PredefinedMetricType={' or '.join(COPY_METRICS)}",
)
_PREDICTIVE = Quote(
    words="PredictiveScaling is supported for Amazon ECS only",
    source="Application Auto Scaling API: PutScalingPolicy, PolicyType",
    fix="set PolicyType=TargetTrackingScaling or StepScaling, with its configuration",
)
_REFUSED_NAME = Quote(
    words="ScheduledActionName must not contain ':', '/', '|' or a control character, or start or end with a space",
    source="Application Auto Scaling API: PutScheduledAction, ScheduledActionName",
    fix="use only letters, digits, '-' and '_' in ScheduledActionName",
)
_NAME = re.compile(r"(?! )[^\x00-\x1f\x7f-\x9f:/|]+(?<! )")
_EMPTY_ACTION = _step(
    "scalable-target-action-empty",
    "At least one of minimum capacity and maximum capacity should be provided",
    "set MinCapacity, MaxCapacity or both in ScalableTargetAction",
)
_NO_ACTION = _step(
    "scalable-target-action-required",
    "ScalableTargetAction must be set",
    "add ScalableTargetAction with MinCapacity, MaxCapacity or both",
)
_ENDS_FIRST = _step(
    "scheduled-action-start-end-order", "StartTime must be before EndTime", "set EndTime to a time after StartTime"
)
_SCHEDULES = "use cron(minutes hours day month weekday year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)"
_RUNS = "correct the day, the month and the year of the schedule, or remove the action"


@rule(
    "policy-configuration",
    checks="A scaling policy has no configuration of its type, has one of another type, or is predictive.",
    why="PutScalingPolicy refuses it: '{words}'",
    source=_EVIDENCE,
    enforced=enforced_by("PutScalingPolicy", "quoted", f"'{_MISMATCH.words}' ({_MISMATCH.source})"),
)
def policy_configuration(topology: Topology) -> Iterator[Case]:
    """A policy must have the configuration of its type, and no other configuration."""
    for policy in topology.policies:
        if not isinstance(policy.kind, str):
            continue
        if policy.kind == "PredictiveScaling" and policy.scales_copies:
            yield Case(subject=policy.subject, numbers=_PREDICTIVE.numbers)
        elif policy.kind not in policy.configurations:
            words = f"{policy.kind} policy configuration must be specified"
            fix = f"add {policy.kind}PolicyConfiguration"
            quote = _step("policy-type-config-required", words, fix)
            yield Case(subject=policy.subject, numbers=quote.numbers)
        elif len(policy.configurations) > 1:
            yield Case(subject=policy.subject, numbers=_MISMATCH.numbers)


@rule(
    "step-adjustments",
    checks="The steps of a step scaling policy overlap, have a gap, or do not cover all values of the metric.",
    why="PutScalingPolicy refuses it: '{words}'",
    source=_EVIDENCE,
    enforced=enforced_by("PutScalingPolicy", "quoted", f"'{_OVERLAP.words}' ({_OVERLAP.source})"),
)
def step_adjustments(topology: Topology) -> Iterator[Case]:
    """The steps of a policy must cover the metric without gaps and overlaps, and fit its adjustment type."""
    for policy in topology.policies:
        if isinstance(policy.step, StepScaling) and policy.kind == "StepScaling":
            quote = _fault_of_steps(policy.step)
            if quote:
                yield Case(subject=policy.subject, numbers=quote.numbers)


@rule(
    "tracked-metric",
    checks="A target-tracking policy has no metric, two metrics, or a metric of another resource type.",
    why="PutScalingPolicy refuses it: '{words}'",
    source=_EVIDENCE,
    enforced=enforced_by("PutScalingPolicy", "quoted", f"'{_NO_METRIC.words}' ({_NO_METRIC.source})"),
)
def tracked_metric(topology: Topology) -> Iterator[Case]:
    """A target-tracking policy must track exactly one metric, and it must be a metric of copies."""
    for policy in topology.policies:
        if isinstance(policy.tracking, Tracking) and policy.kind == "TargetTrackingScaling":
            quote = _fault_of_tracking(policy.tracking, scales_copies=policy.scales_copies)
            if quote:
                yield Case(subject=policy.subject, numbers=quote.numbers)


@rule(
    "target-value",
    checks="The target value of a target-tracking policy is not above 0.",
    why="the policy scales by the ratio of the metric to the target, which needs a target above 0",
    source="Application Auto Scaling API reference, TargetTrackingScalingPolicyConfiguration, TargetValue",
    enforced=enforced_by("PutScalingPolicy", "assumed", "AWS publishes no message for this refusal"),
)
def target_value(topology: Topology) -> Iterator[Case]:
    """The target value must be a positive number."""
    for policy in topology.policies:
        tracking = policy.tracking
        if (
            isinstance(tracking, Tracking)
            and isinstance(tracking.target_value, Fraction)
            and tracking.target_value <= 0
        ):
            yield Case(subject=policy.subject, numbers={"value": f"{float(tracking.target_value):g}"})


@rule(
    "scheduled-action",
    checks="A scheduled action has no capacity limits, ends before it starts, has an invalid name or schedule, or "
    "never runs (warning).",
    why="{why}",
    source=_EVIDENCE,
    enforced=enforced_by("PutScheduledAction", "quoted", f"'{_EMPTY_ACTION.words}' ({_EMPTY_ACTION.source})"),
)
def scheduled_action(topology: Topology) -> Iterator[Case]:
    """A scheduled action must set MinCapacity or MaxCapacity, and have a valid schedule."""
    for target in topology.targets:
        for action in target.schedules:
            quote = _fault_of_action(action)
            if quote:
                why = f"PutScheduledAction refuses it: '{quote.words}'"
                yield Case(subject=target.subject, numbers={**quote.numbers, "action": action.name, "why": why})
            elif never := _never_runs(action):
                numbers = {
                    "action": action.name,
                    "words": never,
                    "fix": _RUNS,
                    "why": "its capacity limits never apply",
                }
                yield Case(subject=target.subject, numbers=numbers, certain=False)


def _fault_of_steps(step: StepScaling) -> Quote | None:
    if step.adjustment_type is None:
        return _NO_TYPE
    if isinstance(step.steps, Unknown):
        return None
    if not step.steps:
        return _NO_STEPS
    if step.has_least_magnitude and step.adjustment_type in ("ChangeInCapacity", "ExactCapacity"):
        return _MAGNITUDE
    changes = [entry.change for entry in step.steps]
    if step.adjustment_type == "ExactCapacity" and any(
        isinstance(change, Fraction) and change < 0 for change in changes
    ):
        return _NEGATIVE
    if any(isinstance(bound, Unknown) for entry in step.steps for bound in (entry.lower, entry.upper)):
        return None
    return _fault_of_bounds([(_bound(entry.lower), _bound(entry.upper)) for entry in step.steps])


def _fault_of_bounds(bounds: _Bounds) -> Quote | None:
    """Return the fault of intervals that overlap, have a gap or do not cover all values; None if there is no fault."""
    if (None, None) in bounds:
        return _BOTH_OPEN
    if any(low is not None and high is not None and low >= high for low, high in bounds):
        return _ORDER
    open_below, open_above = (sum(bound[side] is None for bound in bounds) for side in (0, 1))
    if open_below > 1 or open_above > 1:
        return _TWO_BELOW if open_below > 1 else _TWO_ABOVE
    if not open_below and any(low is not None and low < 0 for low, _ in bounds):
        return _CLOSED_BELOW
    if not open_above and any(high is not None and high > 0 for _, high in bounds):
        return _CLOSED_ABOVE
    spans = sorted((-inf if low is None else low, inf if high is None else high) for low, high in bounds)
    if any(left[1] > right[0] for left, right in pairwise(spans)):
        return _OVERLAP
    return _GAP if any(left[1] < right[0] for left, right in pairwise(spans)) else None


def _bound(number: Number) -> float | None:
    return float(number) if isinstance(number, Fraction) else None


def _fault_of_tracking(tracking: Tracking, *, scales_copies: bool) -> Quote | None:
    if tracking.predefined is None and not tracking.has_customized:
        return _NO_METRIC
    if tracking.predefined is not None and tracking.has_customized:
        return _TWO_METRICS
    if tracking.is_metric_and_math:
        return _METRIC_AND_MATH
    if tracking.has_label and tracking.predefined in COPY_METRICS:
        words = f"Resource label should not be specified for predefined metric type {tracking.predefined}"
        return _step(
            "resource-label-requires-alb-metric", words, "remove ResourceLabel from PredefinedMetricSpecification"
        )
    is_other = isinstance(tracking.predefined, str) and tracking.predefined not in COPY_METRICS
    return _OTHER_METRIC if is_other and scales_copies else None


def _fault_of_action(action: ScheduledRange) -> Quote | None:
    if isinstance(action.name_text, str) and not _NAME.fullmatch(action.name_text):
        return _REFUSED_NAME
    if action.is_missing:
        return _NO_ACTION
    if action.floor is None and action.ceiling is None:
        return _EMPTY_ACTION
    if isinstance(action.start, str) and isinstance(action.end, str):
        try:
            if datetime.fromisoformat(action.start) >= datetime.fromisoformat(action.end):
                return _ENDS_FIRST
        except (ValueError, TypeError):
            pass  # the schema reports times that cannot be compared
    schedule = _schedule_of(action)
    return schedule if isinstance(schedule, Quote) else None


def _schedule_of(action: ScheduledRange) -> schedules.Schedule | Quote | None:
    """Return the schedule of an action, or its fault; None if it is unknown."""
    if not isinstance(action.schedule, str) or isinstance(action.timezone, Unknown):
        return None
    try:
        return schedules.read(action.schedule, action.timezone or "UTC", scale=1, begin=0)
    except schedules.ScheduleError as fault:
        return Quote(words=str(fault), source=fault.seen_in, fix=_SCHEDULES)


def _never_runs(action: ScheduledRange) -> str | None:
    """Return an error message if an action has no time at which it can run; otherwise None."""
    schedule = _schedule_of(action)
    if schedule is None or isinstance(schedule, Quote) or not isinstance(action.schedule, str):
        return None
    return schedules.never_runs(action.schedule, schedule, data.known_to_be_past())
