"""What moves copies: alarms that ask policies, limits that were changed, schedules that are due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.autoscaling import schedules
from embedded_aws.autoscaling.capacity import carries_one_less, stepped, tracked_out
from embedded_aws.autoscaling.targets import Cooldown, Key, Named, Registry, key_of
from embedded_aws.cloudwatch.alarms import Raised
from embedded_aws.service import Service, Surroundings
from replicas.names import CopyTarget

_DEFAULT_COOLDOWN = 300.0
_SETTLED_EVERY_SECONDS = 0.05
_LOOKED_EVERY_SECONDS = 0.25
_FULFILLED = "Successfully set desired copy count to {copies}. Change successfully fulfilled by sagemaker."


class Acting(Service):
    """The part of the service that nobody calls."""

    name: ClassVar[str] = "application-autoscaling"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._lock = threading.RLock()
        self._acts = threading.Lock()
        """One thing at a time: between looking at the copies and changing them nothing else acts."""
        self._registry = Registry()
        self._ended = threading.Event()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        surroundings.monitoring.act("autoscaling", self.execute)

    def shutdown(self) -> None:
        """Nothing moves any more; no thread is left."""
        self._ended.set()
        self._changed.set()
        if self._thread:
            self._thread.join()

    def state(self) -> dict[str, Any]:
        """What is registered."""
        with self._lock:
            return {"_registry": self._registry}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on."""
        super().restore(state)
        if self._registry.targets:
            self.keep_looking()

    def keep_looking(self) -> None:
        """Look at limits and schedules: now, and from the first of them on."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._look_on, name="autoscaling", daemon=True)
                self._thread.start()
        self._changed.set()

    def _look_on(self) -> None:
        while not self._ended.is_set():
            self.look()
            with self._lock:
                wait = _LOOKED_EVERY_SECONDS if self._registry.actions else None
                wait = _SETTLED_EVERY_SECONDS if self._registry.bounded else wait
            self._changed.wait(wait)
            self._changed.clear()

    def look(self) -> None:
        """Do what is due: schedules change limits, and copies are brought within limits that were changed."""
        with self._lock:
            self._run_schedules()
            waiting = dict(self._registry.bounded)
        for key, cause in waiting.items():
            with self._acts:
                self._bring_within(key, cause)

    # ---- alarms

    def execute(self, policy_arn: str, raised: Raised) -> None:
        """An alarm asks a policy to act."""
        if raised.state != "ALARM":
            return
        with self._acts:
            with self._lock:
                found = self._registry.policy(policy_arn)
                if found is None:
                    return
                (key, name), policy = found
                target = dict(self._registry.targets[key])
                cooldown = self._registry.cooldowns.setdefault((key, name), Cooldown())
            copies = self._copies(key)
            if copies is None:
                return
            cause = f"monitor alarm {raised.name} in state ALARM triggered policy {name}"
            if policy["PolicyType"] == "TargetTrackingScaling":
                wanted = self._tracked(policy, raised, copies, cooldown)
            else:
                wanted = self._stepped(policy, raised, copies, cooldown)
            if wanted is not None:
                self._scale(key, target, cooldown, copies[0], wanted, cause)

    def _tracked(
        self, policy: dict[str, Any], raised: Raised, copies: tuple[int, int], cooldown: Cooldown
    ) -> int | None:
        """What target tracking asks for: out in one go, in by one copy at a time, and nothing from zero."""
        desired, running = copies
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        if not desired or not running:
            return None
        if any(alarm["AlarmName"] == raised.name for alarm in policy["Alarms"][:1]):
            if raised.value is None:
                return desired + 1
            # Per running copy: those that are starting are in what was asked for before, and count until they serve.
            return max(desired, tracked_out(running, raised.value, tracking["TargetValue"]))
        if self._rests(cooldown.into, tracking.get("ScaleInCooldown")):
            return None
        if raised.value is None or carries_one_less(running * raised.value, desired, tracking["TargetValue"]):
            return desired - 1
        return desired

    def _stepped(
        self, policy: dict[str, Any], raised: Raised, copies: tuple[int, int], cooldown: Cooldown
    ) -> int | None:
        """What a step asks for. While it rests from scaling out, what it added then is part of what it adds now."""
        desired, _ = copies
        steps = policy["StepScalingPolicyConfiguration"]
        beyond = 0.0 if raised.value is None else raised.value - raised.threshold
        if self._rests(cooldown.out, steps.get("Cooldown")):
            more = stepped(steps, cooldown.copies_before, beyond)
            return more if more is not None and more > desired else None
        wanted = stepped(steps, desired, beyond)
        if wanted is not None and wanted < desired and self._rests(cooldown.into, steps.get("Cooldown")):
            return None
        return wanted

    def _rests(self, since: float, seconds: float | None) -> bool:
        rest = self.surroundings.clock.here(_DEFAULT_COOLDOWN if seconds is None else seconds)
        return self.surroundings.clock.time() < since + rest

    def _scale(
        self, key: Key, target: dict[str, Any], cooldown: Cooldown, desired: int, wanted: int, cause: str
    ) -> None:
        least, most = target["MinCapacity"], target["MaxCapacity"]
        bounded = min(max(wanted, least), most)
        suspended = target.get("SuspendedState", {})
        if bounded > desired and suspended.get("DynamicScalingOutSuspended"):
            return
        if bounded < desired and suspended.get("DynamicScalingInSuspended"):
            return
        if bounded == desired:
            self._note_limit(key, desired, wanted, (least, most), cause)
            return
        if not self._set(key, bounded, cause):
            return
        with self._lock:
            now = self.surroundings.clock.time()
            if bounded > desired:
                cooldown.out, cooldown.copies_before = now, desired
            else:
                cooldown.into = now

    def _note_limit(self, key: Key, desired: int, wanted: int, limits: tuple[int, int], cause: str) -> None:
        """Nothing was done, because of a limit: that is told to who asks for it."""
        least, most = limits
        if wanted > desired:
            reason: dict[str, Any] = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": most}
        elif wanted < desired:
            reason = {"Code": "AlreadyAtMinCapacity", "MinCapacity": least}
        else:
            reason = {"Code": "AlreadyAtDesiredCapacity"}
        reasons = [{**reason, "CurrentCapacity": desired}]
        with self._lock:
            told = "Attempting to scale due to alarm triggered"
            self._registry.note(key, told, cause, "Unfulfilled", NotScaledReasons=reasons)

    # ---- limits and schedules

    def _run_schedules(self) -> None:
        """Change the limits as the actions say that are due, in the order of their moments."""
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
            target, wanted = self._registry.targets[key], self._registry.actions[key, name]["ScalableTargetAction"]
            if target.get("SuspendedState", {}).get("ScheduledScalingSuspended"):
                continue
            least, most = (wanted.get(limit, target[limit]) for limit in ("MinCapacity", "MaxCapacity"))
            told = f"Setting min capacity to {least} and max capacity to {most}"
            cause = f"scheduled action name {name} was triggered"
            if least > most:
                message = "Maximum capacity cannot be less than minimum capacity."
                self._registry.note(key, told, cause, "Failed", StatusMessage=message)
                continue
            target["MinCapacity"], target["MaxCapacity"] = least, most
            self._registry.note(key, told, cause, "Successful")
            self._registry.bounded[key] = cause

    def schedule_of(self, action: dict[str, Any]) -> schedules.Schedule:
        """When a scheduled action is due."""
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
        if copies is None:  # it is being changed, or gone: in a moment again
            return
        desired, _ = copies
        if not least <= desired <= most:
            limit = f"minimum capacity was set to {least}" if desired < least else f"maximum capacity was set to {most}"
            if not self._set(key, least if desired < least else most, limit):
                return
        with self._lock:
            if self._registry.bounded.get(key) == cause:
                del self._registry.bounded[key]

    # ---- SageMaker

    def _copies(self, key: Key, *, idle: bool = False) -> tuple[int, int] | None:
        """Copies desired and running; None where that cannot be said or, asked for an idle one, where it is changed."""
        found = self._described(key)
        if not isinstance(found, dict):
            if found == "ValidationException" and idle:  # there is none any more
                with self._lock:
                    self._registry.bounded.pop(key, None)
            return None
        if idle and found["InferenceComponentStatus"] != "InService":
            return None
        runtime = found["RuntimeConfig"]
        return runtime["DesiredCopyCount"], runtime["CurrentCopyCount"]

    def _set(self, key: Key, copies: int, cause: str) -> bool:
        """Ask SageMaker for so many copies, and remember what came of it."""
        told = f"Setting desired copy count to {copies}."
        refused = self._asked(
            lambda client: client.update_inference_component_runtime_config(
                InferenceComponentName=key[1].removeprefix(CopyTarget.PREFIX),
                DesiredRuntimeConfig={"CopyCount": copies},
            ),
            message=True,
        )
        with self._lock:
            if isinstance(refused, str):
                message = f"Failed to set desired copy count to {copies}. Reason: {refused}"
                self._registry.note(key, told, cause, "Failed", StatusMessage=message)
                return False
            self._registry.note(key, told, cause, "InProgress")
            return True

    def settle_activities(self) -> None:
        """Activities that are in progress have ended where SageMaker has done what was asked for."""
        with self._lock:
            running = [one for one in self._registry.activities if one["StatusCode"] == "InProgress"]
        for one in running:
            found = self._described(key_of(one))
            if isinstance(found, dict) and found["InferenceComponentStatus"] == "InService":
                copies = found["RuntimeConfig"]["DesiredCopyCount"]
                reason = found.get("FailureReason")
                message = f"Failed: {reason}" if reason else _FULFILLED.format(copies=copies)
                with self._lock:
                    status = "Failed" if reason else "Successful"
                    one.update(StatusCode=status, StatusMessage=message, EndTime=found["LastModifiedTime"])

    def _described(self, key: Key) -> Any:
        name = key[1].removeprefix(CopyTarget.PREFIX)
        return self._asked(lambda client: client.describe_inference_component(InferenceComponentName=name))

    def _asked(self, call: Callable[[Any], Any], *, message: bool = False) -> Any:
        """What SageMaker answers; where it refuses, the code or the message of that."""
        client = self.surroundings.client("sagemaker")
        try:
            return call(client)
        except ClientError as refusal:
            return str(refusal.response["Error"]["Message" if message else "Code"])
        except BotoCoreError as fault:
            return str(fault)
        finally:
            client.close()
