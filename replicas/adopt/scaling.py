"""Converts the autoscaling of a live component to the scaling of an entry, and lists the settings that an entry
lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.adopt.records import LiveComponent, LiveScaling
from replicas.deployment.options import Scaling, Schedule
from replicas.deployment.sentences import near_name
from replicas.names import CopyTarget

_TARGETS = {
    CopyTarget.CONCURRENT_REQUESTS: "concurrent_requests_per_copy",
    CopyTarget.INVOCATIONS: "invocations_per_copy",
}


def scaling_of(component: LiveComponent) -> tuple[Scaling | None, int | None, list[str]]:
    """Return the scaling of a component, its minimum number of copies, and sentences about settings that an entry
    lacks.
    """
    live = component.scaling
    if live is None:
        return None, None, []
    least, most = int(live.target["MinCapacity"]), int(live.target["MaxCapacity"])
    tracking, unexpressed = _tracking(live)
    wakes = any(policy["PolicyType"] == "StepScaling" for policy in live.policies)
    schedules = []
    for action in live.schedules:
        bounds = action.get("ScalableTargetAction", {})
        name = near_name(str(action["ScheduledActionName"]), letter_first=False)
        if name is None or "MinCapacity" not in bounds:
            unexpressed.append(
                f"its scheduled action {action['ScheduledActionName']} does not set a minimum number of copies"
            )
            continue
        schedules.append(
            Schedule(
                name=name,
                at=str(action["Schedule"]),
                timezone=action.get("Timezone", "UTC"),
                min_copies=int(bounds["MinCapacity"]),
                max_copies=bounds.get("MaxCapacity"),
            )
        )
    scaling = Scaling(
        max_copies=most, to_zero=least == 0, wake_on_request=wakes or least > 0, schedules=tuple(schedules), **tracking
    )
    return scaling, least, unexpressed


def _tracking(live: LiveScaling) -> tuple[dict[str, Any], list[str]]:
    """Return the options of the first policy that an entry can express, and sentences about the other policies."""
    options: dict[str, Any] = {}
    unexpressed = []
    for policy in live.policies:
        configuration: Mapping[str, Any] = policy.get("TargetTrackingScalingPolicyConfiguration", {})
        metric = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        if metric in _TARGETS and not options:
            options = {
                _TARGETS[metric]: float(configuration["TargetValue"]),
                "scale_out_cooldown_seconds": configuration.get("ScaleOutCooldown", 300),
                "scale_in_cooldown_seconds": configuration.get("ScaleInCooldown", 300),
            }
        elif policy["PolicyType"] != "StepScaling":
            unexpressed.append(f"its scaling policy {policy['PolicyName']} tracks a metric that an entry cannot name")
        elif int(live.target["MinCapacity"]) > 0:
            unexpressed.append(
                f"its step scaling policy {policy['PolicyName']} differs from the one that an entry can create"
            )
    if not options:
        unexpressed.append("its scaling tracks no metric that an entry can name: the plan chooses metric and target")
    return options, unexpressed
