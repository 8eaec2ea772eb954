"""Read a live endpoint with everything that belongs to it. Calls AWS, and changes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.deployed import component_names
from replicas.aws.session import Aws, error_code, error_message
from replicas.aws.target import base_of, is_missing, specifications_of
from replicas.errors import OperationError
from replicas.names import CopyTarget

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LiveScaling:
    """Autoscaling of a component, as Application Auto Scaling describes it."""

    target: Json
    policies: tuple[Json, ...]
    schedules: tuple[Json, ...]


@dataclass(frozen=True, kw_only=True)
class LiveComponent:
    """An inference component, or an adapter on the copies of one."""

    name: str
    described: Json
    """DescribeInferenceComponent."""
    models: Mapping[str, Json]
    """DescribeModel of each model that its specifications name, by name."""
    tags: Mapping[str, str]
    scaling: LiveScaling | None = None

    @property
    def base(self) -> str | None:
        """Name of the component on whose copies an adapter runs; None for a component with copies of its own."""
        return base_of(self.described)

    @property
    def specifications(self) -> list[dict[str, Any]]:
        """Its specifications: one, or one per instance type."""
        return specifications_of(self.described)


@dataclass(frozen=True, kw_only=True)
class LiveEndpoint:
    """An endpoint with its configuration, components, models and tags."""

    name: str
    region: str
    described: Json
    """DescribeEndpoint."""
    configuration: Json
    """DescribeEndpointConfig of the configuration in service."""
    components: tuple[LiveComponent, ...]
    """Components with copies of their own that are taken over, oldest first."""
    adapters: tuple[LiveComponent, ...]
    left_out: tuple[LiveComponent, ...]
    """Components and adapters on the endpoint that are not taken over."""
    tags: Mapping[str, Mapping[str, str]]
    """Tags of the endpoint, its configuration and the models, by ARN."""
    stack: str | None
    """Name of the CloudFormation stack that has the endpoint; None if no stack has it."""

    @property
    def account(self) -> str:
        """The account, from the ARN."""
        return str(self.described["EndpointArn"]).split(":")[4]

    @property
    def variant(self) -> Json:
        """The only production variant of the configuration."""
        variant: Json = self.configuration["ProductionVariants"][0]
        return variant


def read_live(aws: Aws, name: str, chosen: Sequence[str] = ()) -> LiveEndpoint:
    """Read an endpoint and its components; `chosen` names the components to take over, by default all of them.

    Raises:
        OperationError: the endpoint does not exist, is not ready, or is of a kind that a deployment cannot describe.

    """
    sagemaker = aws.client("sagemaker")
    try:
        described: Json = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as fault:
        if is_missing(fault):
            raise OperationError(f"no endpoint {name!r} in {aws.region}{_near(aws, name)}") from None
        raise
    configuration: Json = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    on_endpoint = component_names(aws, name)
    problems = [
        *_state_problems(described),
        *kind_problems(name, configuration, on_endpoint),
        *(
            f"endpoint {name} has no component {one!r}; it has: {', '.join(on_endpoint) or 'none'}"
            for one in chosen
            if one not in on_endpoint
        ),
    ]
    if problems:
        raise OperationError("\n".join(problems))
    components = [_component(aws, one) for one in on_endpoint]
    taken = [one for one in components if not chosen or one.name in chosen or one.base in chosen]
    bases = {one.name for one in taken if one.base is None}
    problems = [
        *(problem for one in taken for problem in component_problems(one)),
        *(
            f"adapter {one.name} runs on the copies of {one.base}, which is not chosen: --component {one.base}"
            for one in taken
            if one.base is not None and one.base not in bases
        ),
    ]
    if problems:
        raise OperationError("\n".join(problems))
    arns = [described["EndpointArn"], configuration["EndpointConfigArn"]]
    arns += [model["ModelArn"] for one in taken for model in one.models.values()]
    return LiveEndpoint(
        name=name,
        region=aws.region,
        described=described,
        configuration=configuration,
        components=tuple(one for one in taken if one.base is None),
        adapters=tuple(one for one in taken if one.base is not None),
        left_out=tuple(one for one in components if one not in taken),
        tags={arn: _tags(aws, arn) for arn in dict.fromkeys(arns)},
        stack=_stack_of(aws, described["EndpointArn"]),
    )


def _near(aws: Aws, name: str) -> str:
    pages = aws.client("sagemaker").get_paginator("list_endpoints").paginate()
    names = [entry["EndpointName"] for page in pages for entry in page["Endpoints"]]
    if not names:
        return ": no endpoint runs there; --region looks elsewhere"
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"; near: {', '.join(near)}" if near else f"; there are: {', '.join(names[:10])}"


def _state_problems(described: Json) -> Iterator[str]:
    status = described["EndpointStatus"]
    if status != "InService":
        yield (
            f"endpoint {described['EndpointName']} is {status}: one that is InService can be taken over, and what it "
            "runs is known only then"
        )


def kind_problems(name: str, configuration: Json, components: Sequence[str]) -> Iterator[str]:
    """Yield why a deployment cannot describe an endpoint at all."""
    variants = configuration["ProductionVariants"]
    if len(variants) > 1:
        names = ", ".join(variant["VariantName"] for variant in variants)
        yield (
            f"endpoint {name} has {len(variants)} variants ({names}), and a deployment has one: put the components of "
            "one of them on an endpoint of their own, and take that over"
        )
    if configuration.get("AsyncInferenceConfig"):
        yield (
            f"endpoint {name} answers asynchronously, and inference components do not: deploy the model as a component "
            "on another endpoint"
        )
    for variant in variants:
        if variant.get("ServerlessConfig"):
            yield (
                f"variant {variant['VariantName']} of endpoint {name} is serverless, without instances that copies "
                "could share: deploy the model with an entry in deployments.py beside it, and move the callers"
            )
        elif variant.get("ModelName"):
            yield (
                f"variant {variant['VariantName']} of endpoint {name} serves the model {variant['ModelName']} itself, "
                "and SageMaker cannot turn that into inference components: deploy the model with an entry in "
                "deployments.py beside it, move the callers, and delete this endpoint"
            )
        elif not components:
            yield (
                f"endpoint {name} has no inference component, and a deployment needs one: create the first with an "
                "entry in deployments.py"
            )


def component_problems(component: LiveComponent) -> Iterator[str]:
    """Yield why a component of a deployment cannot describe a live one."""
    status = component.described["InferenceComponentStatus"]
    if status != "InService":
        yield (
            f"component {component.name} is {status}: wait until it is InService, or take the others over with "
            "--component"
        )
    for model in component.models.values():
        containers = model.get("Containers") or []
        if len(containers) > 1:
            yield (
                f"model {model['ModelName']} of component {component.name} is a pipeline of {len(containers)} "
                "containers, and a component of a deployment has one: take the others over with --component"
            )
        for container in [model.get("PrimaryContainer", {}), *containers]:
            if container.get("Mode") == "MultiModel":
                yield (
                    f"model {model['ModelName']} of component {component.name} hosts several models in one container "
                    "(MultiModel): a deployment has one component for each of them"
                )


def _component(aws: Aws, name: str) -> LiveComponent:
    sagemaker = aws.client("sagemaker")
    described: Json = sagemaker.describe_inference_component(InferenceComponentName=name)
    names = [one["ModelName"] for one in specifications_of(described) if "ModelName" in one]
    return LiveComponent(
        name=name,
        described=described,
        models={model: sagemaker.describe_model(ModelName=model) for model in dict.fromkeys(names)},
        tags=_tags(aws, described["InferenceComponentArn"]),
        scaling=_scaling(aws, name),
    )


def _scaling(aws: Aws, component: str) -> LiveScaling | None:
    client, resource = aws.client("application-autoscaling"), CopyTarget.resource_id(component)
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])["ScalableTargets"]
    if not targets:
        return None
    policies = client.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", ResourceId=resource
    )
    schedules = client.get_paginator("describe_scheduled_actions").paginate(
        ServiceNamespace="sagemaker", ResourceId=resource
    )
    return LiveScaling(
        target=targets[0],
        policies=tuple(policy for page in policies for policy in page["ScalingPolicies"]),
        schedules=tuple(action for page in schedules for action in page["ScheduledActions"]),
    )


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    """Tags of a resource, without those that AWS itself sets."""
    pages = aws.client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    return {key: value for key, value in sorted(tags.items()) if not key.startswith("aws:")}


def _stack_of(aws: Aws, arn: str) -> str | None:
    """Name of the stack that has a resource; None if no stack has it."""
    try:
        resources = aws.client("cloudformation").describe_stack_resources(PhysicalResourceId=arn)["StackResources"]
    except ClientError as fault:
        if error_code(fault) == "ValidationError" and "does not exist" in error_message(fault):
            return None
        raise
    return resources[0]["StackName"] if resources else None
