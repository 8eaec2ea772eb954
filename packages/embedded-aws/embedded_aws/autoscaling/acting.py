"""Scaling of copies in the background, because of alarms, changed limits or scheduled actions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.autoscaling.capacity import carries_one_less, stepped, tracked_out
from embedded_aws.autoscaling.targets import Cooldown, Key, Named, Registry, key_of
from embedded_aws.cloudwatch.alarms import Raised
from embedded_aws.service import Service, Surroundings
from replicas.endpoint import schedules
from replicas.names import CopyTarget

_DEFAULT_COOLDOWN = 300.0
_LIMITS_EVERY_SECONDS = 0.05
_SCHEDULES_EVERY_SECONDS = 0.25
_FULFILLED = "Successfully set desired copy count to {copies}. Change successfully fulfilled by sagemaker."


class Acting(Service):
    """The background part of Application Auto Scaling: it changes copy counts without an API request."""

    name: ClassVar[str] = "application-autoscaling"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._lock = threading.RLock()
        self._scaling = threading.Lock()
        """Lock around reading and changing the copy count, so that scaling actions do not overlap."""
        self._registry = Registry()
        self._ended = threading.Event()
        self._wake_up = threading.Event()
        self._thread: threading.Thread | None = None
        surroundings.monitoring.act("autoscaling", self.execute)

    def shutdown(self) -> None:
        """Stop scaling and join the background thread."""
        self._ended.set()
        self._wake_up.set()
        if self._thread:
            self._thread.join()

    def state(self) -> dict[str, Any]:
        """Return the registry of targets, policies and scheduled actions, to be saved across restarts."""
        with self._lock:
            return {"_registry": self._registry}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state and continue with its targets."""
        super().restore(state)
        if self._registry.targets:
            self.keep_looking()

    def keep_looking(self) -> None:
        """Wake up the background thread to check limits and schedules; the first call starts the thread."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._watch, name="autoscaling", daemon=True)
                self._thread.start()
        self._wake_up.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.look()
            with self._lock:
                wait = _SCHEDULES_EVERY_SECONDS if self._registry.actions else None
                wait = _LIMITS_EVERY_SECONDS if self._registry.bounded else wait
            self._wake_up.wait(wait)
            self._wake_up.clear()

    def look(self) -> None:
        """Run the scheduled actions that are due, then bring copy counts within changed limits."""
        with self._lock:
            self._run_schedules()
            waiting = dict(self._registry.bounded)
        for key, cause in waiting.items():
            with self._scaling:
                self._bring_within(key, cause)

    # ---- alarms

    def execute(self, policy_arn: str, raised: Raised) -> None:
        """Run the scaling policy that an alarm triggered. Only the state ALARM has an effect."""
        if raised.state != "ALARM":
            return
        with self._scaling:
            with self._lock:
                match = self._registry.policy(policy_arn)
                if match is None:
                    return
                (key, name), policy = match
                target = dict(self._registry.targets[key])
                cooldown = self._registry.cooldowns.setdefault((key, name), Cooldown())
            copies = self._copies(key)
            if copies is None:
                return
            cause = f"monitor alarm {raised.name} in state ALARM triggered policy {name}"
            if policy["PolicyType"] == "TargetTrackingScaling":
                requested = self._tracking_request(policy, raised, copies, cooldown)
            else:
                requested = self._step_request(policy, raised, copies, cooldown)
            if requested is not None:
                self._scale(key, target, cooldown, copies[0], requested, cause)

    def _tracking_request(
        self, policy: dict[str, Any], raised: Raised, copies: tuple[int, int], cooldown: Cooldown
    ) -> int | None:
        """Return the copy count that target tracking requests; None for no request.

        Scaling out reaches the target in one step. Scaling in removes one copy at a time.
        """
        desired, running = copies
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        if not desired or not running:
            return None
        if any(alarm["AlarmName"] == raised.name for alarm in policy["Alarms"][:1]):
            if raised.value is None:
                return desired + 1
            # The metric is per running copy. `desired` includes copies that are still starting: never request fewer.
            return max(desired, tracked_out(running, raised.value, tracking["TargetValue"]))
        if self._in_cooldown(cooldown.into, tracking.get("ScaleInCooldown")):
            return None
        if raised.value is None or carries_one_less(running * raised.value, desired, tracking["TargetValue"]):
            return desired - 1
        return desired

    def _step_request(
        self, policy: dict[str, Any], raised: Raised, copies: tuple[int, int], cooldown: Cooldown
    ) -> int | None:
        """Return the copy count that step scaling requests; None for no request.

        During the scale-out cooldown, the step is applied to the copy count from before the last scale-out.
        """
        desired, _ = copies
        steps = policy["StepScalingPolicyConfiguration"]
        beyond = 0.0 if raised.value is None else raised.value - raised.threshold
        if self._in_cooldown(cooldown.out, steps.get("Cooldown")):
            more = stepped(steps, cooldown.copies_before, beyond)
            return more if more is not None and more > desired else None
        requested = stepped(steps, desired, beyond)
        if requested is not None and requested < desired and self._in_cooldown(cooldown.into, steps.get("Cooldown")):
            return None
        return requested

    def _in_cooldown(self, since: float, seconds: float | None) -> bool:
        rest = self.surroundings.clock.here(_DEFAULT_COOLDOWN if seconds is None else seconds)
        return self.surroundings.clock.time() < since + rest

    def _scale(
        self, key: Key, target: dict[str, Any], cooldown: Cooldown, desired: int, requested: int, cause: str
    ) -> None:
        least, most = target["MinCapacity"], target["MaxCapacity"]
        bounded = min(max(requested, least), most)
        suspended = target.get("SuspendedState", {})
        if bounded > desired and suspended.get("DynamicScalingOutSuspended"):
            return
        if bounded < desired and suspended.get("DynamicScalingInSuspended"):
            return
        if bounded == desired:
            self._note_limit(key, desired, requested, (least, most), cause)
            return
        if not self._set_copies(key, bounded, cause):
            return
        with self._lock:
            now = self.surroundings.clock.time()
            if bounded > desired:
                cooldown.out, cooldown.copies_before = now, desired
            else:
                cooldown.into = now

    def _note_limit(self, key: Key, desired: int, requested: int, limits: tuple[int, int], cause: str) -> None:
        """Record a not-scaled activity: the copy count is already at a limit or at the desired count."""
        least, most = limits
        if requested > desired:
            reason: dict[str, Any] = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": most}
        elif requested < desired:
            reason = {"Code": "AlreadyAtMinCapacity", "MinCapacity": least}
        else:
            reason = {"Code": "AlreadyAtDesiredCapacity"}
        reasons = [{**reason, "CurrentCapacity": desired}]
        with self._lock:
            description = "Attempting to scale due to alarm triggered"
            self._registry.note(key, description, cause, "Unfulfilled", NotScaledReasons=reasons)

    # ---- limits and schedules

    def _run_schedules(self) -> None:
        """Apply the new limits of all scheduled actions that are due, oldest first."""
        due: list[tuple[float, Named]] = []
        calendar, now = self.surroundings.clock.calendar(), self.surroundings.clock.time()
        for named, action in self._registry.actions.items():
            until, looked = self._registry.looked[named]
            self._registry.looked[named] = (calendar, now)
            schedule = self.schedule_of(action)
            by_clock = isinstance(schedule, schedules.Rate)
            moment = schedule.last(looked, now) if by_clock else schedule.last(until, calendar)
            begin, end = (action[name].timestamp() if name in action else None for name in ("StartTime", "EndTime"))
            if moment is not None and (begin is None or moment >= begin) and (end is None or moment <= end):
                due.append((moment, named))
        for _, (key, name) in sorted(due):
            target, new_limits = self._registry.targets[key], self._registry.actions[key, name]["ScalableTargetAction"]
            if target.get("SuspendedState", {}).get("ScheduledScalingSuspended"):
                continue
            least, most = (new_limits.get(limit, target[limit]) for limit in ("MinCapacity", "MaxCapacity"))
            description = f"Setting min capacity to {least} and max capacity to {most}"
            cause = f"scheduled action name {name} was triggered"
            if least > most:
                message = "Maximum capacity cannot be less than minimum capacity."
                self._registry.note(key, description, cause, "Failed", StatusMessage=message)
                continue
            target["MinCapacity"], target["MaxCapacity"] = least, most
            self._registry.note(key, description, cause, "Successful")
            self._registry.bounded[key] = cause

    def schedule_of(self, action: dict[str, Any]) -> schedules.Schedule:
        """Return the parsed schedule of a scheduled action."""
        begin = action.get("StartTime", action["CreationTime"]).timestamp()
        scale = self.surroundings.clock.scale
        return schedules.read(action["Schedule"], action.get("Timezone", "UTC"), scale=scale, begin=begin)

    def _bring_within(self, key: Key, cause: str) -> None:
        with self._lock:
            target = self._registry.targets.get(key)
            if target is None:
                return
            least, most = target["MinCapacity"], target["MaxCapacity"]
        copies = self._copies(key, idle=True)
        if copies is None:  # the component is being updated or is gone: try again on the next check
            return
        desired, _ = copies
        if not least <= desired <= most:
            limit = f"minimum capacity was set to {least}" if desired < least else f"maximum capacity was set to {most}"
            if not self._set_copies(key, least if desired < least else most, limit):
                return
        with self._lock:
            if self._registry.bounded.get(key) == cause:
                del self._registry.bounded[key]

    # ---- SageMaker

    def _copies(self, key: Key, *, idle: bool = False) -> tuple[int, int] | None:
        """Return the desired and the running number of copies; None if SageMaker refuses the request.

        With `idle`, also return None if the component is not InService.
        """
        component = self._describe_component(key)
        if not isinstance(component, dict):
            if component == "ValidationException" and idle:  # the component was deleted
                with self._lock:
                    self._registry.bounded.pop(key, None)
            return None
        if idle and component["InferenceComponentStatus"] != "InService":
            return None
        runtime = component["RuntimeConfig"]
        return runtime["DesiredCopyCount"], runtime["CurrentCopyCount"]

    def _set_copies(self, key: Key, copies: int, cause: str) -> bool:
        """Request a number of copies from SageMaker and record the activity; False if SageMaker refuses."""
        description = f"Setting desired copy count to {copies}."
        refused = self._call_sagemaker(
            lambda client: client.update_inference_component_runtime_config(
                InferenceComponentName=key[1].removeprefix(CopyTarget.PREFIX),
                DesiredRuntimeConfig={"CopyCount": copies},
            ),
            message=True,
        )
        with self._lock:
            if isinstance(refused, str):
                message = f"Failed to set desired copy count to {copies}. Reason: {refused}"
                self._registry.note(key, description, cause, "Failed", StatusMessage=message)
                return False
            self._registry.note(key, description, cause, "InProgress")
            return True

    def settle_activities(self) -> None:
        """Finish activities in progress whose inference component is InService again."""
        with self._lock:
            running = [activity for activity in self._registry.activities if activity["StatusCode"] == "InProgress"]
        for activity in running:
            component = self._describe_component(key_of(activity))
            if isinstance(component, dict) and component["InferenceComponentStatus"] == "InService":
                copies = component["RuntimeConfig"]["DesiredCopyCount"]
                reason = component.get("FailureReason")
                message = f"Failed: {reason}" if reason else _FULFILLED.format(copies=copies)
                with self._lock:
                    status = "Failed" if reason else "Successful"
                    activity.update(StatusCode=status, StatusMessage=message, EndTime=component["LastModifiedTime"])

    def _describe_component(self, key: Key) -> Any:
        name = key[1].removeprefix(CopyTarget.PREFIX)
        return self._call_sagemaker(lambda client: client.describe_inference_component(InferenceComponentName=name))

    def _call_sagemaker(self, call: Callable[[Any], Any], *, message: bool = False) -> Any:
        """Return the answer of a SageMaker call; if the call fails, its error code or, with `message`, its error
        message.
        """
        try:
            return call(self.surroundings.client("sagemaker"))
        except ClientError as refusal:
            return str(refusal.response["Error"]["Message" if message else "Code"])
        except BotoCoreError as fault:
            return str(fault)
