"""Application Auto Scaling for inference components: targets, policies and scheduled actions, and the alarms they make.

moto's own knows endpoints' variants but not inference components. What is registered is kept and described; that
metrics move the copies is not part of it.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from replicas.local.service import Answer, Parameters, Service, ServiceError, Surroundings

_KEY = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_DIMENSION = "sagemaker:inference-component:DesiredCopyCount"
_PREFIX = "inference-component/"
_METRICS = {
    "SageMakerInferenceComponentInvocationsPerCopy": "InvocationsPerCopy",
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": "ConcurrentRequestsPerCopy",
}

Key = tuple[str, str, str]


class ApplicationAutoScaling(Service):
    """Scalable targets and what belongs to them."""

    name: ClassVar[str] = "application-autoscaling"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._lock = threading.Lock()
        self._targets: dict[Key, dict[str, Any]] = {}
        self._policies: dict[tuple[Key, str], dict[str, Any]] = {}
        self._actions: dict[tuple[Key, str], dict[str, Any]] = {}

    def state(self) -> dict[str, Any]:
        """Targets, policies and actions."""
        with self._lock:
            return {"_targets": self._targets, "_policies": self._policies, "_actions": self._actions}

    def register_scalable_target(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        key = _key(params)
        self._check_component(key)
        with self._lock:
            known = self._targets.get(key)
            if known is None and not {"MinCapacity", "MaxCapacity"} <= params.keys():
                raise _refused("MinCapacity and MaxCapacity are required to register a new scalable target.")
            target = {**(known or {"CreationTime": _now()}), **params}
            if target["MinCapacity"] > target["MaxCapacity"]:
                raise _refused("Maximum capacity cannot be less than minimum capacity.")
            account = "arn:aws:iam::123456789012:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
            target["RoleARN"] = f"{account}AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
            made = self.surroundings.arn("application-autoscaling", f"scalable-target/{uuid4().hex[:20]}")
            target.setdefault("ScalableTargetARN", made)
            self._targets[key] = target
            return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def describe_scalable_targets(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            return {"ScalableTargets": _chosen(self._targets.values(), params, "ResourceIds", "ResourceId")}

    def deregister_scalable_target(self, params: Parameters) -> Answer:  # noqa: D102
        key = _key(params)
        with self._lock:
            self._known(key)
            del self._targets[key]
            policies = [name for owner, name in self._policies if owner == key]
            self._actions = {of: action for of, action in self._actions.items() if of[0] != key}
        for name in policies:
            self.delete_scaling_policy({**params, "PolicyName": name})
        return {}

    def put_scaling_policy(self, params: Parameters) -> Answer:  # noqa: D102
        key, name = _key(params), params["PolicyName"]
        with self._lock:
            self._known(key)
            policy = {
                "CreationTime": _now(),
                "PolicyARN": self.surroundings.arn("autoscaling", f"scalingPolicy:{uuid4()}:policyName/{name}"),
                **self._policies.get((key, name), {}),
                "PolicyType": params.get("PolicyType", "StepScaling"),
                **params,
            }
            policy["Alarms"] = self._alarms(policy) if policy["PolicyType"] == "TargetTrackingScaling" else []
            self._policies[key, name] = policy
            return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def describe_scaling_policies(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            return {"ScalingPolicies": _chosen(self._policies.values(), params, "PolicyNames", "PolicyName")}

    def delete_scaling_policy(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            policy = self._policies.pop((_key(params), params["PolicyName"]), None)
        if policy is None:
            raise ServiceError("ObjectNotFoundException", f"No scaling policy found: {params['PolicyName']}")
        if policy["Alarms"]:
            client = self.surroundings.client("cloudwatch")
            client.delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in policy["Alarms"]])
            client.close()
        return {}

    def put_scheduled_action(self, params: Parameters) -> Answer:  # noqa: D102
        key, name = _key(params), params["ScheduledActionName"]
        with self._lock:
            self._known(key)
            arn = self.surroundings.arn("autoscaling", f"scheduledAction:{uuid4()}:scheduledActionName/{name}")
            self._actions[key, name] = {"CreationTime": _now(), "ScheduledActionARN": arn, **params}
            return {}

    def describe_scheduled_actions(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            found = _chosen(self._actions.values(), params, "ScheduledActionNames", "ScheduledActionName")
            return {"ScheduledActions": found}

    def delete_scheduled_action(self, params: Parameters) -> Answer:  # noqa: D102
        with self._lock:
            if self._actions.pop((_key(params), params["ScheduledActionName"]), None) is None:
                name = params["ScheduledActionName"]
                raise ServiceError("ObjectNotFoundException", f"No scheduled action found: {name}")
            return {}

    def describe_scaling_activities(self, params: Parameters) -> Answer:  # noqa: ARG002, D102
        return {"ScalingActivities": []}

    def _known(self, key: Key) -> None:
        if key not in self._targets:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {key[0]}, resource ID: {key[1]}, scalable "
                f"dimension: {key[2]}",
            )

    def _check_component(self, key: Key) -> None:
        namespace, resource, dimension = key
        if (namespace, dimension) != ("sagemaker", _DIMENSION) or not resource.startswith(_PREFIX):
            raise _refused(
                f"The embedded AWS scales inference components ({_PREFIX}NAME, {_DIMENSION}), not {resource}."
            )
        client = self.surroundings.client("sagemaker")
        try:
            client.describe_inference_component(InferenceComponentName=resource.removeprefix(_PREFIX))
        except client.exceptions.ClientError:
            raise _refused(f"Inference component does not exist: {resource}") from None
        finally:
            client.close()

    def _alarms(self, policy: dict[str, Any]) -> list[dict[str, str]]:
        """The two alarms of a target-tracking policy, as the service makes and names them."""
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", "")
        component = policy["ResourceId"].removeprefix(_PREFIX)
        made = []
        client = self.surroundings.client("cloudwatch")
        for which, comparison in (("High", "GreaterThanThreshold"), ("Low", "LessThanThreshold")):
            name = f"TargetTracking-{policy['ResourceId']}-Alarm{which}-{uuid4()}"
            client.put_metric_alarm(
                AlarmName=name,
                MetricName=_METRICS.get(metric, "InvocationsPerCopy"),
                Namespace="AWS/SageMaker",
                Dimensions=[{"Name": "InferenceComponentName", "Value": component}],
                Statistic="Average",
                Period=60,
                EvaluationPeriods=3 if which == "High" else 15,
                Threshold=tracking["TargetValue"] * (1 if which == "High" else 0.9),
                ComparisonOperator=comparison,
                AlarmActions=[policy["PolicyARN"]],
            )
            made.append({"AlarmName": name, "AlarmARN": self.surroundings.arn("cloudwatch", f"alarm:{name}")})
        stale = [alarm["AlarmName"] for alarm in policy.get("Alarms", ())]
        if stale:
            client.delete_alarms(AlarmNames=stale)
        client.close()
        return made


def _key(params: Parameters) -> Key:
    namespace, resource, dimension = (str(params[part]) for part in _KEY)
    return namespace, resource, dimension


def _chosen(entries: Any, params: Parameters, choice: str, member: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in entries
        if all(entry[part] == params[part] for part in _KEY if part in params)
        and (not params.get(choice) or entry[member] in params[choice])
    ]


def _refused(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _now() -> datetime:
    return datetime.now(UTC)
