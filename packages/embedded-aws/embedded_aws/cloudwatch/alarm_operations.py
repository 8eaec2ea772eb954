"""CloudWatch's alarm operations, the periodic evaluation of alarms, and their actions."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from embedded_aws.cloudwatch.alarm_documents import (
    ACTIONS,
    alarm_entry,
    check_alarm,
    matches_filters,
    not_found,
    page,
    pairs,
    queries_of,
    result_of,
)
from embedded_aws.cloudwatch.alarms import Alarm, Raised, evaluated_state
from embedded_aws.cloudwatch.monitoring import Metrics
from embedded_aws.cloudwatch.queries import evaluate_queries
from embedded_aws.service import Answer, Parameters, Service, Surroundings

_REPEATED_AFTER = 60.0
"""AWS's seconds between two runs of a scaling action while an alarm stays in ALARM. Other actions run only once."""
_LEAST_WAIT_SECONDS = 0.02
_MOST_HISTORY = 2_000


class AlarmOperations(Service):
    """The operations on alarms, and the thread that evaluates alarms when they are due."""

    name: ClassVar[str] = "cloudwatch"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._monitoring = surroundings.monitoring
        self._ended = threading.Event()
        self._changed = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def _metrics(self) -> Metrics:
        return self._monitoring.metrics

    def shutdown(self) -> None:
        """Stop the evaluation thread. Alarms no longer change after this call."""
        self._ended.set()
        self._changed.set()
        if self._watcher:
            self._watcher.join()

    def state(self) -> dict[str, Any]:
        """Return the metrics, the alarms and their history, for the state file."""
        with self._monitoring.lock:
            alarms, history = self._monitoring.alarms, self._monitoring.history
            return {"series": self._metrics.state(), "alarms": alarms, "history": history}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state. Alarms that became due in the meantime are evaluated now."""
        self._metrics.restore(state["series"])
        self._monitoring.alarms, self._monitoring.history = state["alarms"], state["history"]
        if self._monitoring.alarms:
            self.keep_watching()

    # ---- operations

    def put_metric_alarm(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        name = params["AlarmName"]
        check_alarm(params, self.surroundings.region)
        settings = {key: value for key, value in params.items() if key != "Tags"}
        settings.setdefault("ActionsEnabled", True)
        with self._monitoring.lock:
            known = self._monitoring.alarms.get(name)
            now = self._now()
            arn = self.surroundings.arn("cloudwatch", f"alarm:{name}")
            alarm = known or Alarm(name, arn, settings, now, due=now, since=now)
            alarm.settings, alarm.updated = settings, now
            alarm.due = now + self.surroundings.clock.here(alarm.interval)
            if known is None:
                alarm.tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
            self._monitoring.alarms[name] = alarm
            self._note(alarm, "ConfigurationUpdate", f'Alarm "{name}" {"updated" if known else "created"}')
        self.keep_watching()
        return {}

    def describe_alarms(self, params: Parameters) -> Answer:  # noqa: D102
        if "MetricAlarm" not in params.get("AlarmTypes", ["MetricAlarm"]):
            return {"MetricAlarms": [], "CompositeAlarms": []}
        with self._monitoring.lock:
            alarms = sorted(self._monitoring.alarms.values(), key=lambda alarm: alarm.name)
            entries = [alarm_entry(alarm) for alarm in alarms if matches_filters(alarm, params)]
        return {"CompositeAlarms": [], **page(entries, params, "MetricAlarms")}

    def describe_alarms_for_metric(self, params: Parameters) -> Answer:  # noqa: D102
        filters = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Unit")
        with self._monitoring.lock:
            entries = [
                alarm_entry(alarm)
                for alarm in self._monitoring.alarms.values()
                if all(alarm.settings.get(name) == params[name] for name in filters if name in params)
                and pairs(alarm.settings) == pairs(params)
            ]
        return {"MetricAlarms": entries}

    def describe_alarm_history(self, params: Parameters) -> Answer:  # noqa: D102
        with self._monitoring.lock:
            items = [
                item
                for item in self._monitoring.history
                if params.get("AlarmName", item["AlarmName"]) == item["AlarmName"]
                and params.get("HistoryItemType", item["HistoryItemType"]) == item["HistoryItemType"]
            ]
        if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            items.reverse()
        return page(items, params, "AlarmHistoryItems")

    def delete_alarms(self, params: Parameters) -> Answer:  # noqa: D102
        with self._monitoring.lock:
            missing = self._monitoring.missing(params["AlarmNames"])
            if missing and len(params["AlarmNames"]) > 1:
                raise not_found(missing)
            for name in params["AlarmNames"]:
                self._monitoring.alarms.pop(name, None)
        return {}

    def set_alarm_state(self, params: Parameters) -> Answer:  # noqa: D102
        with self._monitoring.lock:
            alarm = self._alarm(params["AlarmName"])
            actions = self._becomes(alarm, params["StateValue"], params["StateReason"], params.get("StateReasonData"))
            raised = Raised(alarm.name, alarm.state, alarm.threshold, None)
        self._run_actions(raised, actions)
        return {}

    def enable_alarm_actions(self, params: Parameters) -> Answer:  # noqa: D102
        return self._switch(params["AlarmNames"], enabled=True)

    def disable_alarm_actions(self, params: Parameters) -> Answer:  # noqa: D102
        return self._switch(params["AlarmNames"], enabled=False)

    def list_tags_for_resource(self, params: Parameters) -> Answer:  # noqa: D102
        with self._monitoring.lock:
            tags = self._tagged(params["ResourceARN"]).tags
            return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def tag_resource(self, params: Parameters) -> Answer:  # noqa: D102
        with self._monitoring.lock:
            self._tagged(params["ResourceARN"]).tags.update({tag["Key"]: tag["Value"] for tag in params["Tags"]})
        return {}

    def untag_resource(self, params: Parameters) -> Answer:  # noqa: D102
        with self._monitoring.lock:
            for key in params["TagKeys"]:
                self._tagged(params["ResourceARN"]).tags.pop(key, None)
        return {}

    # ---- evaluation

    def keep_watching(self) -> None:
        """Start the evaluation thread if it does not run yet, and wake it up."""
        with self._monitoring.lock:
            if self._watcher is None and not self._ended.is_set():
                self._watcher = threading.Thread(target=self._watch, name="cloudwatch", daemon=True)
                self._watcher.start()
        self._changed.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.judge()
            with self._monitoring.lock:
                due = min((alarm.due for alarm in self._monitoring.alarms.values()), default=None)
            self._changed.wait(None if due is None else max(_LEAST_WAIT_SECONDS, due - self._now()))
            self._changed.clear()

    def judge(self) -> None:
        """Evaluate the alarms that are due, and run their actions."""
        pending: list[tuple[Raised, list[str]]] = []
        with self._monitoring.lock:
            now = self._now()
            for alarm in self._monitoring.alarms.values():
                if alarm.due <= now:
                    alarm.due = now + self.surroundings.clock.here(alarm.interval)
                    actions = self._judged(alarm, now)
                    pending.append((Raised(alarm.name, alarm.state, alarm.threshold, alarm.value), actions))
        for raised, actions in pending:
            self._run_actions(raised, actions)

    def _judged(self, alarm: Alarm, now: float) -> list[str]:
        values = self._values(alarm)
        alarm.value = next((value for value in values if value is not None), None)
        state = evaluated_state(alarm, values)
        if state != alarm.state:
            present = [value for value in values[: alarm.settings["EvaluationPeriods"]] if value is not None]
            reason = f"{len(present)} datapoints {present[:3]} were compared with the threshold ({alarm.threshold})."
            data = {"version": "1.0", "recentDatapoints": present, "threshold": alarm.threshold}
            return self._becomes(alarm, state, f"Threshold: {reason}", json.dumps(data))
        repeated = now - alarm.acted >= self.surroundings.clock.here(_REPEATED_AFTER)
        if state != "ALARM" or not alarm.settings["ActionsEnabled"] or not repeated:
            return []
        alarm.acted = now
        return [arn for arn in alarm.settings.get("AlarmActions", ()) if self._monitoring.actor(arn)]

    def _values(self, alarm: Alarm) -> list[float | None]:
        """Return the alarm's newest data points of complete periods, newest first; None for a period without data."""
        period, settings = alarm.period, alarm.settings
        last = math.floor(self._metrics.now / period)  # number of the current period, which is not complete
        begin, end = (last - alarm.periods) * period, last * period
        values = evaluate_queries(self._metrics, queries_of(settings), period, begin, end)[result_of(settings)]
        return [values.get(number) for number in range(last - 1, last - alarm.periods - 1, -1)]

    def _becomes(self, alarm: Alarm, state: str, reason: str, data: str | None) -> list[str]:
        """Change the alarm's state; return the ARNs of the actions to run."""
        if state == alarm.state:
            alarm.reason, alarm.reason_data = reason, data
            return []
        self._note(alarm, "StateUpdate", f"Alarm updated from {alarm.state} to {state}")
        now = self._now()
        alarm.state, alarm.reason, alarm.reason_data, alarm.since, alarm.acted = state, reason, data, now, now
        return list(alarm.settings.get(ACTIONS[state], ())) if alarm.settings["ActionsEnabled"] else []

    def _run_actions(self, raised: Raised, actions: Iterable[str]) -> None:
        """Run the actions of an alarm. No lock is held during the actions, because they call other services."""
        for arn in actions:
            actor = self._monitoring.actor(arn)
            if actor:
                actor(arn, raised)
            with self._monitoring.lock:
                alarm = self._monitoring.alarms.get(raised.name)
                if alarm:
                    self._note(alarm, "Action", f"{'Ran' if actor else 'Recorded, but did not run,'} action {arn}")

    def _note(self, alarm: Alarm, kind: str, summary: str) -> None:
        history = self._monitoring.history
        history.append(
            {
                "AlarmName": alarm.name,
                "AlarmType": "MetricAlarm",
                "Timestamp": datetime.fromtimestamp(self._now(), UTC),
                "HistoryItemType": kind,
                "HistorySummary": summary,
            }
        )
        del history[:-_MOST_HISTORY]

    # ---- helpers

    def _now(self) -> float:
        return self.surroundings.clock.time()

    def _alarm(self, name: str) -> Alarm:
        if name not in self._monitoring.alarms:
            raise not_found([name])
        return self._monitoring.alarms[name]

    def _tagged(self, arn: str) -> Alarm:
        return self._alarm(arn.partition(":alarm:")[2])

    def _switch(self, names: Iterable[str], *, enabled: bool) -> Answer:
        with self._monitoring.lock:
            for name in names:
                self._alarm(name).settings["ActionsEnabled"] = enabled
        return {}
