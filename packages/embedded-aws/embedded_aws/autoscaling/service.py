"""API operations of Application Auto Scaling, and the CloudWatch alarms that it creates for target tracking.

This service replaces moto's, which supports endpoint variants but not inference components.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from embedded_aws.autoscaling.acting import Acting
from embedded_aws.autoscaling.policies import check_policy, check_target, refused, tracked_metric
from embedded_aws.autoscaling.targets import Key, key_of
from embedded_aws.evidence import ASSUMED, LIMIT, documented, preflight
from embedded_aws.service import ACCOUNT, Answer, Parameters, ServiceError
from replicas.names import CopyTarget

_OUT_PERIODS = 3
_IN_SECONDS = 900
"""Seconds for which a metric must be low before scaling in: 15 periods of one minute, or 90 of ten seconds."""
_LOW_FACTOR = 0.9
_SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_PAGE = 50
_NOT_FOUND = documented("Application Auto Scaling API: ObjectNotFoundException")


class ApplicationAutoScaling(Acting):
    """Application Auto Scaling: scalable targets with their policies, scheduled actions and activities."""

    def register_scalable_target(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        key = key_of(params)
        self._check_component(key)
        with self._lock:
            existing = self._registry.targets.get(key)
            if existing is None and not {"MinCapacity", "MaxCapacity"} <= params.keys():
                raise refused(
                    "MinCapacity and MaxCapacity are required to register a new scalable target.",
                    documented("Application Auto Scaling API: RegisterScalableTarget"),
                )
            target = {**(existing or {"CreationTime": _now()}), **params}
            if target["MinCapacity"] < 0:
                raise refused("Minimum capacity cannot be less than 0", ASSUMED)
            check_target({**target, "ScheduledActions": []}, self.surroundings.region)
            target["SuspendedState"] = {
                **dict.fromkeys(_SUSPENDED, False),
                **(existing or {}).get("SuspendedState", {}),
                **params.get("SuspendedState", {}),
            }
            role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
            target["RoleARN"] = f"{role}AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
            arn = self.surroundings.arn("application-autoscaling", f"scalable-target/{uuid4().hex[:20]}")
            target.setdefault("ScalableTargetARN", arn)
            self._registry.targets[key] = target
            if {"MinCapacity", "MaxCapacity"} & params.keys():
                self._registry.bounded[key] = "limits were registered"
        self.keep_looking()
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def describe_scalable_targets(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            targets = _filtered(self._registry.targets.values(), params, "ResourceIds", "ResourceId")
        entries = [{name: value for name, value in target.items() if name != "Tags"} for target in targets]
        return _page(entries, params, "ScalableTargets")

    def deregister_scalable_target(self, params: Parameters) -> Answer:  # noqa: D102
        key = key_of(params)
        with self._lock:
            self._require_target(key)
            alarms = [
                alarm
                for (owner, _), policy in self._registry.policies.items()
                if owner == key
                for alarm in policy["Alarms"]
            ]
            self._registry.forget(key)
        self._delete_alarms(alarms)
        return {}

    def put_scaling_policy(self, params: Parameters) -> Answer:  # noqa: D102
        key, name = key_of(params), params["PolicyName"]
        with self._lock:
            self._require_target(key)
            existing = self._registry.policies.get((key, name), {})
        kind = params.get("PolicyType") or existing.get("PolicyType", "StepScaling")
        if existing.get("PolicyType", kind) != kind:
            raise refused(
                f"The type of the policy {name} cannot change from {existing['PolicyType']} to {kind}.", ASSUMED
            )
        policy = {
            "CreationTime": _now(),
            "PolicyARN": self.surroundings.arn("autoscaling", f"scalingPolicy:{uuid4()}:policyName/{name}"),
            "Alarms": [],
            **existing,
            **params,
            "PolicyType": kind,
        }
        check_policy(policy, self.surroundings.region)
        stale = policy["Alarms"]
        policy["Alarms"] = self._create_alarms(policy) if kind == "TargetTrackingScaling" else []
        with self._lock:
            registered = key in self._registry.targets
            if registered:
                self._registry.policies[key, name] = policy
        self._delete_alarms(stale if registered else policy["Alarms"])
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def describe_scaling_policies(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            policies = _filtered(self._registry.policies.values(), params, "PolicyNames", "PolicyName")
        return _page(policies, params, "ScalingPolicies")

    def delete_scaling_policy(self, params: Parameters) -> Answer:  # noqa: D102
        named = (key_of(params), params["PolicyName"])
        with self._lock:
            policy = self._registry.policies.pop(named, None)
            self._registry.cooldowns.pop(named, None)
        if policy is None:
            raise ServiceError(
                "ObjectNotFoundException", f"No scaling policy found: {params['PolicyName']}", _NOT_FOUND
            )
        self._delete_alarms(policy["Alarms"])
        return {}

    def put_scheduled_action(self, params: Parameters) -> Answer:  # noqa: D102
        key, name = key_of(params), params["ScheduledActionName"]
        with self._lock:
            self._require_target(key)
            arn = self.surroundings.arn("autoscaling", f"scheduledAction:{uuid4()}:scheduledActionName/{name}")
            existing = self._registry.actions.get((key, name), {"CreationTime": _now(), "ScheduledActionARN": arn})
            action = {**existing, **params}
            if "Schedule" not in action:
                raise refused("Schedule is required for a new scheduled action.", ASSUMED)
            self._check_action(self._registry.targets[key], action)
            self._registry.actions[key, name] = action
            clock = self.surroundings.clock
            self._registry.looked.setdefault((key, name), (clock.calendar(), clock.time()))
        self.keep_looking()
        return {}

    def describe_scheduled_actions(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            actions = _filtered(self._registry.actions.values(), params, "ScheduledActionNames", "ScheduledActionName")
        return _page(actions, params, "ScheduledActions")

    def delete_scheduled_action(self, params: Parameters) -> Answer:  # noqa: D102
        named = (key_of(params), params["ScheduledActionName"])
        with self._lock:
            if self._registry.actions.pop(named, None) is None:
                raise ServiceError("ObjectNotFoundException", f"No scheduled action found: {named[1]}", _NOT_FOUND)
            self._registry.looked.pop(named, None)
            return {}

    def describe_scaling_activities(self, params: Parameters) -> Answer:  # noqa: D102
        self.settle_activities()
        with self._lock:
            activities = [
                dict(activity)
                for activity in _filtered(reversed(self._registry.activities), params, "", "")
                if params.get("IncludeNotScaledActivities") or "NotScaledReasons" not in activity
            ]
        return _page(activities, params, "ScalingActivities")

    # ---- shared by the operations

    def _require_target(self, key: Key) -> None:
        if key not in self._registry.targets:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {key[0]}, resource ID: {key[1]}, scalable "
                f"dimension: {key[2]}",
                _NOT_FOUND,
            )

    def _check_component(self, key: Key) -> None:
        namespace, resource, dimension = key
        scales_copies = (namespace, dimension) == (CopyTarget.NAMESPACE, CopyTarget.DIMENSION)
        if not scales_copies or not resource.startswith(CopyTarget.PREFIX):
            if dimension == CopyTarget.DIMENSION or dimension.partition(":")[0] != namespace:
                raise refused(
                    "Unsupported service namespace, resource type or scalable dimension",
                    preflight("appautoscaling-resource-id-shape"),
                )
            expected = f"{CopyTarget.resource_id('NAME')}, {CopyTarget.DIMENSION}"
            raise refused(f"The embedded AWS scales inference components ({expected}), not {resource}.", LIMIT)
        client = self.surroundings.client("sagemaker")
        try:
            component = client.describe_inference_component(
                InferenceComponentName=resource.removeprefix(CopyTarget.PREFIX)
            )
        except client.exceptions.ClientError:
            raise refused(f"Inference component does not exist: {resource}", ASSUMED) from None
        if "RuntimeConfig" not in component:
            raise refused(f"{resource} is an adapter, which has no copies to scale.", ASSUMED)

    def _check_action(self, target: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Refuse a scheduled action that breaks a rule. Its times are converted to text, as in a template."""
        texts = {
            name: moment.isoformat() if hasattr(moment, "isoformat") else moment for name, moment in action.items()
        }
        check_target({**target, "ScheduledActions": [texts]}, self.surroundings.region, "PutScheduledAction")

    def _create_alarms(self, policy: dict[str, Any]) -> list[dict[str, str]]:
        """Create the alarms of a target-tracking policy, named as AWS names them: one to scale out, one to scale in."""
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracked_metric(tracking, policy["ResourceId"].removeprefix(CopyTarget.PREFIX))
        period = metric.get("Period", 60)
        sides = [("High", "GreaterThanThreshold", _OUT_PERIODS, 1.0)]
        if not tracking.get("DisableScaleIn"):
            sides.append(("Low", "LessThanThreshold", _IN_SECONDS // period, _LOW_FACTOR))
        created = []
        client = self.surroundings.client("cloudwatch")
        for side, comparison, periods, factor in sides:
            name = f"TargetTracking-{policy['ResourceId']}-Alarm{side}-{uuid4()}"
            client.put_metric_alarm(
                AlarmName=name,
                **metric,
                EvaluationPeriods=periods,
                Threshold=tracking["TargetValue"] * factor,
                ComparisonOperator=comparison,
                AlarmActions=[policy["PolicyARN"]],
            )
            created.append({"AlarmName": name, "AlarmARN": self.surroundings.arn("cloudwatch", f"alarm:{name}")})
        return created

    def _delete_alarms(self, alarms: Iterable[Mapping[str, str]]) -> None:
        client = self.surroundings.client("cloudwatch")
        for alarm in alarms:
            client.delete_alarms(AlarmNames=[alarm["AlarmName"]])


def _filtered(entries: Iterable[dict[str, Any]], params: Parameters, choice: str, member: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in entries
        if all(
            entry[filter_key] == params[filter_key]
            for filter_key in ("ServiceNamespace", "ResourceId", "ScalableDimension")
            if filter_key in params
        )
        and (not params.get(choice) or entry[member] in params[choice])
    ]


def _page(entries: list[dict[str, Any]], params: Parameters, key: str) -> Answer:
    begin, size = int(params.get("NextToken", 0)), params.get("MaxResults", _PAGE)
    answer: Answer = {key: entries[begin : begin + size]}
    return {**answer, "NextToken": str(begin + size)} if begin + size < len(entries) else answer


def _now() -> datetime:
    return datetime.now(UTC)
