"""Resolves autoscaling and rolling updates of a component, with the reason for each number."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from replicas.planning.plans import RolloutPlan, ScalingPlan
from replicas.sizing.concurrency import requests_at_once
from replicas.sizing.copies import SizedCopy
from replicas.sizing.resolved import ResolvedComponent

_SHORTEST_ROLL_SECONDS, _LONGEST_ROLL_SECONDS = 600, 28800
_TARGET_SHARE = Fraction(3, 4)


def scaling_plan(
    component: ResolvedComponent, copy: SizedCopy, floor: int, ceiling: int
) -> tuple[ScalingPlan | None, dict[str, str]]:
    """Return the resolved autoscaling of a component (None if it does not scale), and the reasons for its numbers."""
    options = component.options.scaling
    if options is None:
        return None, {}
    reasons = {
        "max_copies": "as requested" if options.max_copies else "the largest number that fits the maximum instances"
    }
    target = options.concurrent_requests_per_copy or options.invocations_per_copy
    if target is None:
        target, reasons["target"] = _default_target(component, copy)
    else:
        reasons["target"] = "as requested"
    return (
        ScalingPlan(
            floor=0 if options.to_zero else floor,
            ceiling=ceiling,
            on_concurrent_requests=options.invocations_per_copy is None,
            target=target,
            scale_out_cooldown_seconds=options.scale_out_cooldown_seconds,
            scale_in_cooldown_seconds=options.scale_in_cooldown_seconds,
            wakes=options.to_zero and options.wake_on_request,
            schedules=tuple(options.schedules),
        ),
        reasons,
    )


def rollout_plan(
    component: ResolvedComponent, copy: SizedCopy, ceiling: int, batch: int
) -> tuple[RolloutPlan | None, dict[str, str]]:
    """Return the resolved rolling update of a component (None if it has none), and the reasons for its numbers."""
    options = component.options.rollout
    if options is None:
        return None, {}
    batches = ceil(ceiling / batch)
    start = copy.startup_timeout_seconds + (copy.download_timeout_seconds or 0)
    expected = batches * (start + options.wait_seconds)
    timeout = min(max(2 * expected, _SHORTEST_ROLL_SECONDS), _LONGEST_ROLL_SECONDS)
    reason = f"2 x {batches} batches x (timeouts of a start + wait after a batch)"
    plan = RolloutPlan(
        batch_copies=batch,
        wait_seconds=options.wait_seconds,
        timeout_seconds=options.timeout_seconds or timeout,
        roll_back=options.roll_back,
    )
    return plan, {
        "rollout_batch": "as requested"
        if options.batch_copies
        else "the smallest batch that SageMaker accepts (5 % of the copies)",
        "rollout_timeout_seconds": "as requested" if options.timeout_seconds else reason,
    }


def _default_target(component: ResolvedComponent, copy: SizedCopy) -> tuple[float, str]:
    """Return the default target and its reason.

    The target is three quarters of the requests that a copy can run at the same time.
    """
    traffic = component.options.traffic
    length = (
        min(traffic.input_tokens + traffic.output_tokens, copy.max_total_tokens) if traffic else copy.max_total_tokens
    )
    at_once = requests_at_once(
        copy.memory,
        request_tokens=length,
        prefill_tokens=copy.prefill_tokens,
        sequences=copy.sequences,
    )
    if copy.sequences:
        at_once = min(at_once, copy.sequences)
    where = "the KV cache of a copy holds" if not copy.memory.pool.is_empty else "one step of a copy computes"
    what = "requests of the declared traffic" if traffic else "requests of full length"
    return float(max(1, int(at_once * _TARGET_SHARE))), (
        f"three quarters of the {at_once} {what} ({length:,} tokens) that {where}"
    )
