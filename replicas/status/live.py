"""Drift of a stack's live SageMaker resources from its template."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws
from replicas.aws.target import is_missing
from replicas.names import ResourceType
from replicas.status.drift import Wanted, differences, wanted_resources
from replicas.status.status import Difference
from replicas.template.load import deployed

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient


def drifted_from_template(
    aws: Aws,
    stack: Mapping[str, Any],
    endpoint: Mapping[str, Any],
    components: Mapping[str, Mapping[str, Any]],
    scaled: Collection[str],
) -> Iterator[tuple[str, Difference]]:
    """Yield each difference between live resources and the template, with the physical name of the resource.

    Args:
        aws: account and region.
        stack: the stack, from DescribeStacks.
        endpoint: the endpoint, from DescribeEndpoint.
        components: components and adapters by name, from DescribeInferenceComponent.
        scaled: names of components with autoscaling; their copy count is not compared.

    """
    cloudformation = aws.client("cloudformation")
    body = cloudformation.get_template(StackName=stack["StackId"])["TemplateBody"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack["StackId"])
    declared = wanted_resources(
        deployed(body),
        {
            entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "")
            for page in pages
            for entry in page["StackResourceSummaries"]
        },
        region=aws.region,
        parameters={entry["ParameterKey"]: entry["ParameterValue"] for entry in stack.get("Parameters", ())},
    )
    for resource in declared:
        live = _live(aws.client("sagemaker"), resource, endpoint, components)
        skip = ("RuntimeConfig",) if resource.name in scaled else ()
        if live is not None:
            yield from ((resource.name, difference) for difference in differences(resource, live, skip))


def _live(
    sagemaker: SageMakerClient,
    declared: Wanted,
    endpoint: Mapping[str, Any],
    components: Mapping[str, Mapping[str, Any]],
) -> Mapping[str, Any] | None:
    """Return a live resource in CloudFormation property names; None if it is a component that does not exist."""
    match declared.kind:
        case ResourceType.ENDPOINT:
            return endpoint
        case ResourceType.ENDPOINT_CONFIG:
            return dict(sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"]))
        case ResourceType.MODEL:
            try:
                return dict(sagemaker.describe_model(ModelName=declared.name))
            except ClientError as fault:
                if is_missing(fault):
                    return {}
                raise
        case _:
            described = components.get(declared.name)
            return None if described is None else component_properties(described)


def component_properties(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live component, from DescribeInferenceComponent, in CloudFormation property names."""
    live = {key: described.get(key) for key in ("InferenceComponentName", "EndpointName", "VariantName")}
    if "Specification" in described:
        live["Specification"] = _specified(described["Specification"])
    if "Specifications" in described:
        live["Specifications"] = [_specified(specification) for specification in described["Specifications"]]
    return {**live, "RuntimeConfig": {"CopyCount": described.get("RuntimeConfig", {}).get("DesiredCopyCount")}}


def _specified(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification with the image as specified, without the resolved image that SageMaker adds."""
    container = specification.get("Container")
    if container and "DeployedImage" in container:
        return {**specification, "Container": {**container, "Image": container["DeployedImage"].get("SpecifiedImage")}}
    return dict(specification)
