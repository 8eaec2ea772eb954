"""What is live of a stack's SageMaker resources, held against its template."""

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
    """Where something live is not as the template says, each with the name of the resource.

    Args:
        aws: account and region.
        stack: as CloudFormation describes it.
        endpoint: as SageMaker describes it.
        components: components and adapters, as SageMaker describes them, by name.
        scaled: names of those whose number of copies is up to autoscaling.

    """
    cloudformation = aws.client("cloudformation")
    body = cloudformation.get_template(StackName=stack["StackId"])["TemplateBody"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack["StackId"])
    wanted = wanted_resources(
        deployed(body),
        {
            entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "")
            for page in pages
            for entry in page["StackResourceSummaries"]
        },
        region=aws.region,
        parameters={entry["ParameterKey"]: entry["ParameterValue"] for entry in stack.get("Parameters", ())},
    )
    for resource in wanted:
        live = _live(aws.client("sagemaker"), resource, endpoint, components)
        skip = ("RuntimeConfig",) if resource.name in scaled else ()
        if live is not None:
            yield from ((resource.name, difference) for difference in differences(resource, live, skip))


def _live(
    sagemaker: SageMakerClient, wanted: Wanted, endpoint: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """A live resource in the property names of its CloudFormation type; None for a component that is gone."""
    match wanted.kind:
        case ResourceType.ENDPOINT:
            return endpoint
        case ResourceType.ENDPOINT_CONFIG:
            return dict(sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"]))
        case ResourceType.MODEL:
            try:
                return dict(sagemaker.describe_model(ModelName=wanted.name))
            except ClientError as fault:
                if is_missing(fault):
                    return {}
                raise
        case _:
            described = components.get(wanted.name)
            return None if described is None else _component_properties(described)


def _component_properties(described: Mapping[str, Any]) -> dict[str, Any]:
    live = {key: described.get(key) for key in ("InferenceComponentName", "EndpointName", "VariantName")}
    if "Specification" in described:
        live["Specification"] = _specified(described["Specification"])
    if "Specifications" in described:
        live["Specifications"] = [_specified(one) for one in described["Specifications"]]
    return {**live, "RuntimeConfig": {"CopyCount": described.get("RuntimeConfig", {}).get("DesiredCopyCount")}}


def _specified(specification: Mapping[str, Any]) -> dict[str, Any]:
    """A specification as it was asked for: the image is described as one that was resolved."""
    container = specification.get("Container")
    if container and "DeployedImage" in container:
        return {**specification, "Container": {**container, "Image": container["DeployedImage"].get("SpecifiedImage")}}
    return dict(specification)
