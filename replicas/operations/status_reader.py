"""Asking AWS for everything that `replicas status` shows, all of it at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.operations.aws import Aws
from replicas.operations.deployed import (
    ENDPOINT_OUTPUT,
    Deployed,
    DeployedComponent,
    deployed_by,
    find_deployed,
    find_stack,
)
from replicas.operations.prices import hourly_usd
from replicas.operations.status import (
    ComponentStatus,
    Difference,
    Instances,
    Scaling,
    StackStatus,
    Status,
    judged,
    stack_problem,
)
from replicas.operations.target import container_of, is_missing, model_of

if TYPE_CHECKING:
    from replicas.operations.drift import Wanted

_LOG_LINES = 8
_EVENTS = 5


def read_status(aws: Aws, name: str | None, endpoint: str | None = None) -> Status:
    """Ask AWS for everything at once.

    Raises:
        OperationError: no such stack or endpoint.

    """
    stack = find_stack(aws, name) if name is not None and endpoint is None else None
    deployed = None
    if name is None or stack is None:
        deployed = find_deployed(aws, name, endpoint)
    elif ENDPOINT_OUTPUT in [output["OutputKey"] for output in stack.get("Outputs", ())]:
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
        for service in ("cloudformation", "application-autoscaling", "logs"):
            aws.client(service)  # made here, once: making clients is not safe in several threads

    def without_endpoint(self, name: str, stack: Mapping[str, Any]) -> Status:
        """A stack that never came up, or is not one of ours."""
        status = self._stack(name, stack["StackStatus"])
        problems = () if status.is_under_way else (stack_problem(status),)
        return Status(name, self._aws.region, status, None, None, problems=problems)

    def read(self, deployed: Deployed, stack: Mapping[str, Any] | None) -> Status:
        """A stack that has an endpoint, or an endpoint that has no stack."""
        endpoint_future = self._pool.submit(self._endpoint, deployed.endpoint_name)
        futures = [self._pool.submit(self._component, component) for component in deployed.components]
        stack_status = self._stack(deployed.name, stack["StackStatus"]) if stack else None
        endpoint, described = endpoint_future.result(), [future.result() for future in futures]
        components = tuple(component for component, _ in described if component)
        live = {component.name: document for component, document in described if component}
        scaled = {component.name for component in components if component.scaling}
        drift = tuple(self._drift(stack, endpoint, live, scaled)) if stack and endpoint else ()
        status = Status(
            name=deployed.name,
            region=self._aws.region,
            stack=stack_status,
            endpoint_name=deployed.endpoint_name,
            endpoint_status=endpoint.get("EndpointStatus") if endpoint else None,
            endpoint_failure=endpoint.get("FailureReason") if endpoint else None,
            instances=tuple(self._instances(endpoint)) if endpoint else (),
            components=components,
            drift=drift,
        )
        missing = [part.label for part, (found, _) in zip(deployed.components, described, strict=True) if not found]
        return judged(status, missing)

    # ---- parts

    def _stack(self, name: str, status: str) -> StackStatus:
        read = StackStatus(name, status, ())
        return read if read.is_healthy else StackStatus(name, status, tuple(self._failures(name)))

    def _failures(self, name: str) -> list[str]:
        """What failed in the last operation of a stack: the newest events, up to the one that began it."""
        found: list[str] = []
        pages = self._aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
        for event in (event for page in pages for event in page["StackEvents"]):
            reason, status = event.get("ResourceStatusReason", ""), event["ResourceStatus"]
            if status.endswith("_FAILED") and "cancelled" not in reason:
                found.append(f"{event['LogicalResourceId']}: {reason}")
            begins = status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
            if event["LogicalResourceId"] == name and begins:
                break
        return found[::-1][:_EVENTS]

    def _endpoint(self, name: str) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as fault:
            if is_missing(fault):
                return None
            raise
        return described

    def _instances(self, endpoint: Mapping[str, Any]) -> Iterator[Instances]:
        config = self._sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        types = {variant["VariantName"]: variant.get("InstanceType", "?") for variant in config["ProductionVariants"]}
        for variant in endpoint.get("ProductionVariants", ()):
            kind, running = types.get(variant["VariantName"], "?"), variant.get("CurrentInstanceCount", 0)
            scaling = variant.get("ManagedInstanceScaling", {})
            bounds = (scaling.get("MinInstanceCount", 1), scaling.get("MaxInstanceCount", 1))
            yield Instances(
                variant=variant["VariantName"],
                instance_type=kind,
                running=running,
                desired=variant.get("DesiredInstanceCount", running),
                scaling=bounds if scaling.get("Status") == "ENABLED" else None,
                usd_per_hour=hourly_usd(kind, running, self._aws.region),
            )

    def _component(self, component: DeployedComponent) -> tuple[ComponentStatus | None, dict[str, Any]]:
        try:
            described = self._sagemaker.describe_inference_component(InferenceComponentName=component.name)
        except ClientError as fault:
            if is_missing(fault):
                return None, {}
            raise
        specification, runtime = described.get("Specification", {}), described.get("RuntimeConfig", {})
        container = container_of(self._sagemaker, specification)
        desired, running = runtime.get("DesiredCopyCount"), runtime.get("CurrentCopyCount")
        is_short = desired is not None and (running or 0) < desired
        failed = bool(described.get("FailureReason")) or described["InferenceComponentStatus"] == "Failed"
        status = ComponentStatus(
            label=component.label,
            name=component.name,
            status=described["InferenceComponentStatus"],
            desired=desired,
            running=running,
            model=model_of(container.get("Environment", {})),
            image=container.get("Image"),
            placement=specification.get("SchedulingConfig", {}).get("PlacementStrategy"),
            failure=described.get("FailureReason"),
            log_lines=tuple(self._log_lines(component.name)) if failed or is_short else (),
            scaling=self._scaling(component.name),
        )
        return status, described

    def _log_lines(self, component: str) -> list[str]:
        """The last lines of the component's containers; none where they wrote none."""
        logs, group = self._aws.client("logs"), f"/aws/sagemaker/InferenceComponents/{component}"
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
        which = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"}
        resource = f"inference-component/{component}"
        targets = scaling.describe_scalable_targets(**which, ResourceIds=[resource])["ScalableTargets"]
        if not targets:
            return None
        policies = scaling.describe_scaling_policies(**which, ResourceId=resource)["ScalingPolicies"]
        activities = scaling.describe_scaling_activities(**which, ResourceId=resource, MaxResults=1)
        last = next(iter(activities["ScalingActivities"]), None)
        return Scaling(
            least=targets[0]["MinCapacity"],
            most=targets[0]["MaxCapacity"],
            policies=tuple(policy["PolicyName"] for policy in policies),
            last_activity=f"{last['Description']} ({last['StatusCode']})" if last else None,
        )

    # ---- live against the template

    def _drift(
        self,
        stack: Mapping[str, Any],
        endpoint: Mapping[str, Any],
        components: Mapping[str, Mapping[str, Any]],
        scaled: set[str],
    ) -> Iterator[Difference]:
        from replicas.operations.drift import differences, wanted_resources

        cloudformation = self._aws.client("cloudformation")
        body = cloudformation.get_template(StackName=stack["StackId"])["TemplateBody"]
        resources = cloudformation.describe_stack_resources(StackName=stack["StackId"])["StackResources"]
        wanted = wanted_resources(
            body if isinstance(body, dict) else json.loads(body),
            {entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "") for entry in resources},
            region=self._aws.region,
            parameters={entry["ParameterKey"]: entry["ParameterValue"] for entry in stack.get("Parameters", ())},
        )
        for resource in wanted:
            live = self._live(resource, endpoint, components)
            # How many copies there are is up to autoscaling, where there is one.
            skip = ("RuntimeConfig",) if resource.name in scaled else ()
            if live is not None:
                yield from differences(resource, live, skip)

    def _live(
        self, wanted: Wanted, endpoint: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]
    ) -> Mapping[str, Any] | None:
        """A live resource in the property names of its CloudFormation type; None for a component that is gone."""
        match wanted.kind:
            case "AWS::SageMaker::Endpoint":
                return endpoint
            case "AWS::SageMaker::EndpointConfig":
                return dict(self._sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"]))
            case "AWS::SageMaker::Model":
                try:
                    return dict(self._sagemaker.describe_model(ModelName=wanted.name))
                except ClientError as fault:
                    if is_missing(fault):
                        return {}
                    raise
            case _:
                described = components.get(wanted.name)
                return None if described is None else _component_properties(described)


def _component_properties(described: Mapping[str, Any]) -> dict[str, Any]:
    live = {key: described.get(key) for key in ("EndpointName", "VariantName", "Specification")}
    container = described.get("Specification", {}).get("Container")
    if container and "DeployedImage" in container:
        image = container["DeployedImage"].get("SpecifiedImage")
        live["Specification"] = {**described["Specification"], "Container": {**container, "Image": image}}
    return {**live, "RuntimeConfig": {"CopyCount": described.get("RuntimeConfig", {}).get("DesiredCopyCount")}}
