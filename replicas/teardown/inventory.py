"""Lists the resources of a deployment before a teardown, each with the reason why it belongs to the deployment.

A resource belongs to the deployment if its stack created it, or if it depends on an endpoint or component of the stack:
components on the endpoint, their autoscaling, their log groups. No other resource is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.aws.deployed import IN_REVIEW, component_names, find_stack, stack_hint
from replicas.aws.session import Aws
from replicas.aws.target import base_of, is_missing, specifications_of
from replicas.errors import OperationError
from replicas.names import CopyTarget, LogGroup, ResourceType
from replicas.status.drift import name_of

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef


class Kind(IntEnum):
    """Kinds of resources, in the order of their deletion."""

    SCALING_POLICY = 1
    SCHEDULED_ACTION = 2
    SCALABLE_TARGET = 3
    ALARM = 4
    DASHBOARD = 5
    ADAPTER = 6
    COMPONENT = 7
    ENDPOINT = 8
    CONFIGURATION = 9
    MODEL = 10
    LOG_GROUP = 11
    STACK = 12

    @property
    def label(self) -> str:
        """Name of the kind in messages."""
        return {
            Kind.COMPONENT: "inference component",
            Kind.ADAPTER: "adapter component",
            Kind.CONFIGURATION: "endpoint configuration",
        }.get(self, self.name.lower().replace("_", " "))


@dataclass(frozen=True, order=True)
class Resource:
    """One resource to delete."""

    kind: Kind
    name: str
    why: str = field(compare=False)
    """Reason why the resource belongs to the deployment."""
    of: str | None = None
    """For scaling policies, scheduled actions and scalable targets: resource id of the scalable target."""

    def to_document(self) -> dict[str, str]:
        """Return the JSON document of one resource (`replicas.teardown.document.ResourceDocument`)."""
        return {"kind": self.kind.label, "name": self.name, "why": self.why}


@dataclass(frozen=True)
class Inventory:
    """The resources that a teardown would delete, in order, and related resources that it would not delete."""

    name: str
    things: tuple[Resource, ...]
    left_alone: tuple[str, ...]
    """Sentences about related resources that are not deleted, with the reason."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.teardown.document.InventoryDocument`)."""
        return {
            "schema": "replicas.inventory/1",
            "things": [resource.to_document() for resource in self.things],
            "left_alone": list(self.left_alone),
        }


_OF_A_STACK = {
    ResourceType.ENDPOINT: Kind.ENDPOINT,
    ResourceType.ENDPOINT_CONFIG: Kind.CONFIGURATION,
    ResourceType.MODEL: Kind.MODEL,
    ResourceType.COMPONENT: Kind.COMPONENT,
    ResourceType.ALARM: Kind.ALARM,
    ResourceType.DASHBOARD: Kind.DASHBOARD,
    ResourceType.LOG_GROUP: Kind.LOG_GROUP,
}


def take_inventory(aws: Aws, name: str | None = None, *, endpoint: str | None = None) -> Inventory:
    """List the resources of the stack `name`, or of an endpoint that does not belong to a stack.

    Raises:
        OperationError: none or both of `name` and `endpoint` are given, or the stack or endpoint does not exist.

    """
    if name is not None and endpoint is None:
        return inventory_of_stack(aws, name)
    if endpoint is not None and name is None:
        return inventory_of_endpoint(aws, endpoint)
    raise OperationError("give either the NAME of a deployment, or --endpoint with the name of an endpoint")


def inventory_of_stack(aws: Aws, name: str) -> Inventory:
    """List the existing resources of a stack. The stack itself may already be deleted.

    Raises:
        OperationError: no such stack exists or existed in the last 90 days, or the stack belongs to another project.

    """
    stack = find_stack(aws, name)
    stack_id = stack["StackId"] if stack else _deleted_stack(aws, name)
    if stack_id is None:
        raise OperationError(
            f"no stack {name!r} in {aws.region}, and no deleted stack of this name{stack_hint(aws, name)}"
        )
    resources = list(_stack_resources(aws, stack_id))
    if stack is not None and stack["StackStatus"] == IN_REVIEW:
        # The stack has only a change set. Its deletion deletes no resource.
        return Inventory(
            name, (Resource(Kind.STACK, name, f"it is {IN_REVIEW}: its change set was never executed"),), ()
        )
    if stack is not None and not _has_components(aws, name, resources):
        raise OperationError(
            f"stack {name} never had inference components, so it does not belong to this project: "
            f"delete it with `aws cloudformation delete-stack --stack-name {name}`"
        )
    finder = _Finder(aws)
    why = f"stack {name} created it"
    declared = {
        Resource(_OF_A_STACK[resource["ResourceType"]], name_of(resource["PhysicalResourceId"]), why)
        for resource in resources
        if resource["ResourceType"] in _OF_A_STACK and resource.get("PhysicalResourceId")
    }
    present = {finder.as_adapter(resource) for resource in declared if finder.exists(resource)}
    for endpoint in [resource for resource in present if resource.kind is Kind.ENDPOINT]:
        present |= set(finder.of_endpoint(endpoint.name, present))
    # Log groups and autoscaling can outlive their component: list them for deleted components, too.
    for component in [resource for resource in present | declared if resource.kind is Kind.COMPONENT]:
        present |= set(finder.of_component(component.name))
    for endpoint in [resource for resource in declared - present if resource.kind is Kind.ENDPOINT]:
        present |= set(log_groups(aws, endpoint))
    if stack is not None:
        present.add(Resource(Kind.STACK, name, f"it is {stack['StackStatus']}"))
    return Inventory(name, tuple(sorted(present)), tuple(finder.left_alone))


def inventory_of_endpoint(aws: Aws, endpoint: str) -> Inventory:
    """List an endpoint without a stack, its components, and the configuration and Models that nothing else uses.

    Raises:
        OperationError: the endpoint does not exist, or belongs to a stack.

    """
    finder = _Finder(aws)
    resource = Resource(Kind.ENDPOINT, endpoint, "named by --endpoint")
    if not finder.exists(resource):
        raise OperationError(f"no endpoint {endpoint!r} in {aws.region}: nothing to tear down")
    owner = finder.stack_of(endpoint)
    if owner:
        raise OperationError(f"endpoint {endpoint} belongs to stack {owner}: run `replicas teardown {owner}`")
    present = {resource, *finder.of_endpoint(endpoint, set())}
    for component in [other for other in present if other.kind is Kind.COMPONENT]:
        present |= set(finder.of_component(component.name))
    present |= set(finder.only_used_by(endpoint))
    return Inventory(endpoint, tuple(sorted(present)), tuple(finder.left_alone))


class _Finder:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._sagemaker = aws.client("sagemaker")
        self.left_alone: list[str] = []

    def exists(self, resource: Resource) -> bool:
        """True if the resource exists."""
        return exists(self._aws, resource)

    def as_adapter(self, resource: Resource) -> Resource:
        """Return an adapter with kind ADAPTER, because adapters are deleted first; return other resources unchanged."""
        if resource.kind is not Kind.COMPONENT:
            return resource
        base = base_of(self._sagemaker.describe_inference_component(InferenceComponentName=resource.name))
        return Resource(Kind.ADAPTER, resource.name, f"{resource.why}; adapter of {base}") if base else resource

    def of_endpoint(self, endpoint: str, known: set[Resource]) -> Iterator[Resource]:
        """Yield the components on an endpoint, and its log group."""
        by_name = {resource.name for resource in known}
        for name in component_names(self._aws, endpoint):
            if name not in by_name:
                yield self.as_adapter(Resource(Kind.COMPONENT, name, f"runs on endpoint {endpoint}"))
        yield from log_groups(self._aws, Resource(Kind.ENDPOINT, endpoint, ""))

    def of_component(self, name: str) -> Iterator[Resource]:
        """Yield the autoscaling of a component, the alarms of its policies, and its log group."""
        resource, why = CopyTarget.resource_id(name), f"scales {name}"
        scaling = self._aws.client("application-autoscaling")
        policies = scaling.get_paginator("describe_scaling_policies").paginate(
            ServiceNamespace=CopyTarget.NAMESPACE, ScalableDimension=CopyTarget.DIMENSION, ResourceId=resource
        )
        for policy in (policy for page in policies for policy in page["ScalingPolicies"]):
            yield Resource(Kind.SCALING_POLICY, policy["PolicyName"], why, resource)
            for alarm in policy.get("Alarms", ()):
                yield Resource(Kind.ALARM, alarm["AlarmName"], f"created by policy {policy['PolicyName']}")
        actions = scaling.get_paginator("describe_scheduled_actions").paginate(
            ServiceNamespace=CopyTarget.NAMESPACE, ScalableDimension=CopyTarget.DIMENSION, ResourceId=resource
        )
        for action in (action for page in actions for action in page["ScheduledActions"]):
            yield Resource(Kind.SCHEDULED_ACTION, action["ScheduledActionName"], why, resource)
        targets = scaling.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace=CopyTarget.NAMESPACE, ScalableDimension=CopyTarget.DIMENSION, ResourceIds=[resource]
        )
        for _ in (target for page in targets for target in page["ScalableTargets"]):
            yield Resource(Kind.SCALABLE_TARGET, resource, why, resource)
        yield from log_groups(self._aws, Resource(Kind.COMPONENT, name, ""))

    def stack_of(self, endpoint: str) -> str | None:
        """Return the name of the stack that created an endpoint; None if no stack created it."""
        described = self._sagemaker.describe_endpoint(EndpointName=endpoint)
        cloudformation = self._aws.client("cloudformation")
        for physical_id in (described["EndpointArn"], endpoint):
            try:
                resources = cloudformation.describe_stack_resources(PhysicalResourceId=physical_id)["StackResources"]
            except ClientError as fault:
                if fault.response["Error"]["Code"] == "ValidationError":  # no stack contains it
                    continue
                raise
            if resources:
                return str(resources[0]["StackName"])
        return None

    def only_used_by(self, endpoint: str) -> Iterator[Resource]:
        """Yield the configuration of an endpoint and the Models of its components that nothing else uses."""
        config = self._sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        endpoints = self._sagemaker.get_paginator("list_endpoints").paginate()
        names = [entry["EndpointName"] for page in endpoints for entry in page["Endpoints"]]
        others = [name for name in names if name != endpoint]
        if config in {self._sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] for name in others}:
            self.left_alone.append(f"endpoint configuration {config}: another endpoint uses it")
        else:
            yield Resource(Kind.CONFIGURATION, config, f"used only by endpoint {endpoint}")
        mine = set(self._models(component_names(self._aws, endpoint)))
        theirs = set(self._models(name for other in others for name in component_names(self._aws, other)))
        configs = self._sagemaker.get_paginator("list_endpoint_configs").paginate()
        for name in (entry["EndpointConfigName"] for page in configs for entry in page["EndpointConfigs"]):
            if name != config:
                variants = self._sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
                theirs |= {variant["ModelName"] for variant in variants if "ModelName" in variant}
        for model in sorted(mine):
            if model in theirs:
                self.left_alone.append(f"model {model}: another component or configuration uses it")
            else:
                yield Resource(Kind.MODEL, model, "used only by components of the endpoint")

    def _models(self, components: Iterable[str]) -> Iterator[str]:
        for name in components:
            described = self._sagemaker.describe_inference_component(InferenceComponentName=name)
            yield from (
                specification["ModelName"]
                for specification in specifications_of(described)
                if "ModelName" in specification
            )


def log_groups(aws: Aws, resource: Resource) -> Iterator[Resource]:
    """Yield the log group that SageMaker created for an endpoint or a component, if it exists."""
    name_of = {Kind.COMPONENT: LogGroup.of_component, Kind.ENDPOINT: LogGroup.of_endpoint}.get(resource.kind)
    if name_of is not None:
        group = Resource(Kind.LOG_GROUP, name_of(resource.name), f"log of {resource.name}")
        if exists(aws, group):
            yield group


def exists(aws: Aws, resource: Resource) -> bool:
    """True if the resource exists."""
    sagemaker = aws.client("sagemaker")
    describe = {
        Kind.ADAPTER: ("describe_inference_component", "InferenceComponentName"),
        Kind.COMPONENT: ("describe_inference_component", "InferenceComponentName"),
        Kind.ENDPOINT: ("describe_endpoint", "EndpointName"),
        Kind.CONFIGURATION: ("describe_endpoint_config", "EndpointConfigName"),
        Kind.MODEL: ("describe_model", "ModelName"),
    }
    if resource.kind in describe:
        operation, member = describe[resource.kind]
        try:
            getattr(sagemaker, operation)(**{member: resource.name})
        except ClientError as fault:
            if is_missing(fault):
                return False
            raise
        return True
    match resource.kind:
        case Kind.LOG_GROUP:
            groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=resource.name)["logGroups"]
            return any(group["logGroupName"] == resource.name for group in groups)
        case Kind.ALARM:
            return bool(aws.client("cloudwatch").describe_alarms(AlarmNames=[resource.name])["MetricAlarms"])
        case Kind.DASHBOARD:
            cloudwatch = aws.client("cloudwatch")
            listed = cloudwatch.list_dashboards(DashboardNamePrefix=resource.name)["DashboardEntries"]
            return any(entry["DashboardName"] == resource.name for entry in listed)
        case Kind.STACK:
            return find_stack(aws, resource.name) is not None
        case _:
            return True  # autoscaling resources were found by a list call, so they exist


def _has_components(aws: Aws, name: str, resources: Sequence[Mapping[str, Any]]) -> bool:
    """True if a stack has inference components, or its template declares some. A failed stack may have created none."""
    if any(resource["ResourceType"] == ResourceType.COMPONENT for resource in resources):
        return True
    return ResourceType.COMPONENT in str(aws.client("cloudformation").get_template(StackName=name)["TemplateBody"])


def _stack_resources(aws: Aws, stack_id: str) -> Iterator[StackResourceSummaryTypeDef]:
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_id)
    for page in pages:
        yield from page["StackResourceSummaries"]


def _deleted_stack(aws: Aws, name: str) -> str | None:
    """Return the id of the most recently deleted stack with this name; None if there is none."""
    pages = aws.client("cloudformation").get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    deleted = [stack for page in pages for stack in page["StackSummaries"] if stack["StackName"] == name]
    return max(deleted, key=lambda stack: stack["DeletionTime"])["StackId"] if deleted else None
