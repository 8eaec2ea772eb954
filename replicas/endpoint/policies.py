"""Scaling policies of Application Auto Scaling."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.identity import Number, Subject, Text
from replicas.endpoint.values import Unknown


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step adjustment. `lower` or `upper` is None if the interval has no limit on that side."""

    lower: Number
    upper: Number
    change: Number


@dataclass(frozen=True, kw_only=True)
class StepScaling:
    """The configuration of a step scaling policy."""

    adjustment_type: Text
    steps: tuple[Step, ...] | Unknown
    has_least_magnitude: bool = False


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """The configuration of a target-tracking policy."""

    target_value: Number
    predefined: Text
    """Type of the predefined metric; None if the policy has none."""
    has_customized: bool = False
    has_label: bool = False
    """True if the predefined metric names a load balancer."""
    is_metric_and_math: bool = False
    """True if the customized metric specification has both a single metric and metric math."""


@dataclass(frozen=True, kw_only=True)
class ScalingPolicy:
    """A scaling policy."""

    subject: Subject
    kind: Text
    """`StepScaling`, `TargetTrackingScaling` or `PredictiveScaling`."""
    scales_copies: bool
    """True if the policy certainly scales the copies of an inference component."""
    configurations: frozenset[str] = frozenset()
    """The policy types whose configuration the policy has."""
    step: StepScaling | Unknown | None = None
    tracking: Tracking | Unknown | None = None
