"""Reads a live endpoint with its configuration, components, models, scaling and tags. Calls AWS, and changes
nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from botocore.exceptions import ClientError

from replicas.adopt.kinds import component_problems, kind_problems, state_problems
from replicas.adopt.records import Json, LiveComponent, LiveEndpoint, LiveScaling
from replicas.aws.deployed import component_names
from replicas.aws.session import Aws, error_code, error_message
from replicas.aws.target import is_missing, specifications_of
from replicas.errors import OperationError
from replicas.names import CopyTarget


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
        *state_problems(described),
        *kind_problems(name, configuration, on_endpoint),
        *(
            f"endpoint {name} has no component {live_component!r}; it has: {', '.join(on_endpoint) or 'none'}"
            for live_component in chosen
            if live_component not in on_endpoint
        ),
    ]
    if problems:
        raise OperationError("\n".join(problems))
    components = [_component(aws, live_component) for live_component in on_endpoint]
    taken = [
        live_component
        for live_component in components
        if not chosen or live_component.name in chosen or live_component.base in chosen
    ]
    bases = {live_component.name for live_component in taken if live_component.base is None}
    problems = [
        *(problem for live_component in taken for problem in component_problems(live_component)),
        *(
            f"adapter {live_component.name} runs on the copies of {live_component.base}, which is not chosen: "
            f"add --component {live_component.base}"
            for live_component in taken
            if live_component.base is not None and live_component.base not in bases
        ),
    ]
    if problems:
        raise OperationError("\n".join(problems))
    arns = [described["EndpointArn"], configuration["EndpointConfigArn"]]
    arns += [model["ModelArn"] for live_component in taken for model in live_component.models.values()]
    return LiveEndpoint(
        name=name,
        region=aws.region,
        described=described,
        configuration=configuration,
        components=tuple(live_component for live_component in taken if live_component.base is None),
        adapters=tuple(live_component for live_component in taken if live_component.base is not None),
        left_out=tuple(live_component for live_component in components if live_component not in taken),
        tags={arn: _tags(aws, arn) for arn in dict.fromkeys(arns)},
        stack=_stack_of(aws, described["EndpointArn"]),
    )


def _near(aws: Aws, name: str) -> str:
    pages = aws.client("sagemaker").get_paginator("list_endpoints").paginate()
    names = [entry["EndpointName"] for page in pages for entry in page["Endpoints"]]
    if not names:
        return ": no endpoint runs there: use --region to select another region"
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"; near: {', '.join(near)}" if near else f"; existing endpoints: {', '.join(names[:10])}"


def _component(aws: Aws, name: str) -> LiveComponent:
    sagemaker = aws.client("sagemaker")
    described: Json = sagemaker.describe_inference_component(InferenceComponentName=name)
    names = [
        specification["ModelName"] for specification in specifications_of(described) if "ModelName" in specification
    ]
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
    """Return the tags of a resource, without tags that AWS sets."""
    pages = aws.client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    return {key: value for key, value in sorted(tags.items()) if not key.startswith("aws:")}


def _stack_of(aws: Aws, arn: str) -> str | None:
    """Return the name of the stack that contains a resource; None if no stack does."""
    try:
        resources = aws.client("cloudformation").describe_stack_resources(PhysicalResourceId=arn)["StackResources"]
    except ClientError as fault:
        if error_code(fault) == "ValidationError" and "does not exist" in error_message(fault):
            return None
        raise
    return resources[0]["StackName"] if resources else None
