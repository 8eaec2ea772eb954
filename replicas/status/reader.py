"""Reads everything that `replicas status` shows from AWS, with parallel calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.deployed import (
    Deployed,
    DeployedComponent,
    deployed_by,
    find_deployed,
    find_stack,
    tells_its_endpoint,
)
from replicas.aws.instances import Group, groups_of
from replicas.aws.session import Aws
from replicas.aws.target import base_of, container_of, copies_by_type, is_missing, serving_specification
from replicas.engines import model_of
from replicas.names import CopyTarget, LogGroup
from replicas.status.status import (
    ComponentStatus,
    Instances,
    Scaling,
    StackStatus,
    Status,
    stack_problem,
    with_problems,
)

_LOG_LINES = 8
_EVENTS = 5


def ask_aws(aws: Aws, name: str | None, endpoint: str | None = None) -> Status:
    """Read the status of a stack or of an endpoint, with parallel calls.

    Raises:
        OperationError: the stack or endpoint does not exist.

    """
    stack = find_stack(aws, name) if name is not None and endpoint is None else None
    deployed = None
    if name is None or stack is None:
        deployed = find_deployed(aws, name, endpoint)
    elif tells_its_endpoint(stack):
        deployed = deployed_by(aws, name, stack)
    with ThreadPoolExecutor(max_workers=8) as pool:
        reader = _Reader(aws, pool)
        if deployed is not None:
            return reader.read(deployed, stack)
        assert name is not None  # noqa: S101 (a stack was found by it)
        assert stack is not None  # noqa: S101
        return reader.without_endpoint(name, stack)


class _Reader:
    def __init__(self, aws: Aws, pool: ThreadPoolExecutor) -> None:
        self._aws = aws
        self._pool = pool
        self._sagemaker = aws.client("sagemaker")

    def without_endpoint(self, name: str, stack: Mapping[str, Any]) -> Status:
        """Return the status of a stack without an endpoint in its outputs.

        The creation of such a stack failed, or it does not belong to this project.
        """
        status = self._stack(name, stack["StackStatus"])
        problems = () if status.is_under_way else (stack_problem(status),)
        return Status(name, self._aws.region, status, None, None, problems=problems)

    def read(self, deployed: Deployed, stack: Mapping[str, Any] | None) -> Status:
        """Return the status of a stack with an endpoint, or of an endpoint without a stack."""
        endpoint_future = self._pool.submit(self._endpoint, deployed.endpoint_name)
        futures = [self._pool.submit(self._component, component) for component in deployed.askable]
        stack_status = self._stack(deployed.name, stack["StackStatus"]) if stack else None
        endpoint, described = endpoint_future.result(), [future.result() for future in futures]
        existing = _under_their_bases([component for component, _ in described if component])
        live = {component.name: document for component, document in described if component}
        scaled = {component.name for component in existing if component.scaling}
        drifted = []
        if stack and endpoint:
            from replicas.status.live import drifted_from_template

            drifted = list(drifted_from_template(self._aws, stack, endpoint, live, scaled))
        changed = {name for name, difference in drifted if difference.path.startswith("Specification")}
        components = tuple(replace(component, is_as_asked=component.name not in changed) for component in existing)
        status = Status(
            name=deployed.name,
            region=self._aws.region,
            stack=stack_status,
            endpoint_name=deployed.endpoint_name,
            endpoint_status=endpoint.get("EndpointStatus") if endpoint else None,
            endpoint_failure=endpoint.get("FailureReason") if endpoint else None,
            instances=tuple(self._instances(endpoint)) if endpoint else (),
            components=components,
            drift=tuple(difference for _, difference in drifted),
        )
        missing = [
            component.label for component, (live, _) in zip(deployed.askable, described, strict=True) if not live
        ]
        return with_problems(status, missing)

    # ---- parts

    def _stack(self, name: str, status: str) -> StackStatus:
        read = StackStatus(name, status, ())
        return read if read.is_healthy else StackStatus(name, status, tuple(self._failures(name)))

    def _failures(self, name: str) -> list[str]:
        """Return the failures in the last operation of a stack, oldest first, from its events."""
        failures: list[str] = []
        pages = self._aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
        for event in (event for page in pages for event in page["StackEvents"]):
            reason, status = event.get("ResourceStatusReason", ""), event["ResourceStatus"]
            if status.endswith("_FAILED") and "cancelled" not in reason:
                failures.append(f"{event['LogicalResourceId']}: {reason}")
            begins = status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
            if event["LogicalResourceId"] == name and begins:
                break
        return failures[::-1][:_EVENTS]

    def _endpoint(self, name: str) -> Mapping[str, Any] | None:
        try:
            return self._sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as fault:
            if is_missing(fault):
                return None
            raise

    def _instances(self, endpoint: Mapping[str, Any]) -> Iterator[Instances]:
        config = self._sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        yield from (_instances(group, self._aws.region) for group in groups_of(endpoint, config))

    def _component(self, component: DeployedComponent) -> tuple[ComponentStatus | None, Mapping[str, Any]]:
        try:
            described = self._sagemaker.describe_inference_component(InferenceComponentName=component.name)
        except ClientError as fault:
            if is_missing(fault):
                return None, {}
            raise
        runtime, base = described.get("RuntimeConfig", {}), base_of(described)
        specification = serving_specification(described)
        container = {} if base else self._container(specification)
        desired, running = runtime.get("DesiredCopyCount"), runtime.get("CurrentCopyCount")
        is_short = desired is not None and (running or 0) < desired
        failed = bool(described.get("FailureReason")) or described["InferenceComponentStatus"] == "Failed"
        status = ComponentStatus(
            label=component.label,
            name=component.name,
            status=described["InferenceComponentStatus"],
            desired=desired,
            running=running,
            model=specification.get("Container", {}).get("ArtifactUrl") if base else _served(specification, container),
            image=container.get("Image"),
            placement=specification.get("SchedulingConfig", {}).get("PlacementStrategy"),
            failure=described.get("FailureReason"),
            log_lines=tuple(self._log_lines(component.name)) if failed or is_short else (),
            scaling=None if base else self._scaling(component.name),
            base=base,
            by_type=copies_by_type(described),
            last_roll=_roll(described.get("LastDeploymentConfig", {})),
        )
        return status, described

    def _container(self, specification: Mapping[str, Any]) -> dict[str, Any]:
        """Return the container definition of the copies; empty if their Model no longer exists."""
        try:
            return container_of(self._sagemaker, specification)
        except ClientError as fault:
            if is_missing(fault):
                return {}
            raise

    def _log_lines(self, component: str) -> list[str]:
        """Return the last log lines of a component's containers, or an empty list."""
        logs, group = self._aws.client("logs"), LogGroup.of_component(component)
        try:
            streams = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=1)[
                "logStreams"
            ]
            if not streams:
                return []
            events = logs.get_log_events(
                logGroupName=group, logStreamName=streams[0]["logStreamName"], limit=_LOG_LINES, startFromHead=False
            )["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].rstrip() for event in events]

    def _scaling(self, component: str) -> Scaling | None:
        scaling = self._aws.client("application-autoscaling")
        resource = CopyTarget.resource_id(component)
        targets = scaling.describe_scalable_targets(
            ServiceNamespace=CopyTarget.NAMESPACE, ScalableDimension=CopyTarget.DIMENSION, ResourceIds=[resource]
        )["ScalableTargets"]
        if not targets:
            return None
        policies = scaling.describe_scaling_policies(
            ServiceNamespace=CopyTarget.NAMESPACE, ScalableDimension=CopyTarget.DIMENSION, ResourceId=resource
        )["ScalingPolicies"]
        activities = scaling.describe_scaling_activities(
            ServiceNamespace=CopyTarget.NAMESPACE,
            ScalableDimension=CopyTarget.DIMENSION,
            ResourceId=resource,
            MaxResults=1,
        )
        last = next(iter(activities["ScalingActivities"]), None)
        actions = scaling.describe_scheduled_actions(
            ServiceNamespace=CopyTarget.NAMESPACE, ScalableDimension=CopyTarget.DIMENSION, ResourceId=resource
        )["ScheduledActions"]
        return Scaling(
            least=targets[0]["MinCapacity"],
            most=targets[0]["MaxCapacity"],
            policies=tuple(policy["PolicyName"] for policy in policies),
            last_activity=f"{last['Description']} ({last['StatusCode']})" if last else None,
            schedules=tuple(map(_scheduled, actions)),
        )


# ---- from AWS responses to fields of the status


def _under_their_bases(components: list[ComponentStatus]) -> list[ComponentStatus]:
    """Order the components, each followed by its adapters, and set `base` of each adapter to the base's label."""
    labels = {component.name: component.label for component in components}
    named = [
        replace(component, base=labels.get(component.base, component.base)) if component.base else component
        for component in components
    ]
    bases = [component for component in named if component.base is None]
    shown = [
        component for base in bases for component in (base, *(other for other in named if other.base == base.label))
    ]
    return [*shown, *(component for component in named if component not in shown)]


def _instances(group: Group, region: str) -> Instances:
    return Instances(
        variant=group.variant,
        instance_type=" and ".join(group.running) or group.types[0],
        pools=group.types if len(group.types) > 1 else (),
        running_by_type=group.running,
        running=sum(group.running.values()),
        desired=group.desired,
        scaling=group.scaling,
        usd_per_hour=group.usd_per_hour(region),
    )


def _served(specification: Mapping[str, Any], container: Mapping[str, Any]) -> str | None:
    if not container and "ModelName" in specification:
        return f"Model {specification['ModelName']} no longer exists"
    model = model_of(container.get("Environment", {}), container.get("Image"))
    is_path = model is not None and model.startswith("/")
    source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    return source if is_path and source else model


def _scheduled(action: Mapping[str, Any]) -> str:
    bounds = action.get("ScalableTargetAction", {})
    least, most = bounds.get("MinCapacity", "as before"), bounds.get("MaxCapacity", "as before")
    when = f"{action['Schedule']} {action.get('Timezone', 'UTC')}"
    return f"{action['ScheduledActionName']} at {when}: {least} to {most} copies"


def _roll(deployment: Mapping[str, Any]) -> str | None:
    policy = deployment.get("RollingUpdatePolicy", {})
    size = policy.get("MaximumBatchSize", {})
    if not size:
        return None
    unit = "% of the copies" if size.get("Type") == "CAPACITY_PERCENT" else "at a time"
    alarms = len(deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ()))
    back = f", rolled back if one of {alarms} alarms is in state ALARM" if alarms else ""
    return f"{size.get('Value')} {unit}, each watched for {policy.get('WaitIntervalInSeconds', 0)} s{back}"
