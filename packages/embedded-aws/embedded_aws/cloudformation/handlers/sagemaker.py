"""Handlers for SageMaker models, endpoint configurations and endpoints. `Ref` returns the ARN."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    HandlerError,
    Importable,
    Made,
    Properties,
    Work,
    gone,
    name_from_logical_id,
    only,
    quietly,
    tag_changes,
)
from embedded_aws.evidence import ASSUMED
from replicas.names import ResourceType

_ABSENT = "Could not find"
"""Text in SageMaker's ValidationException for a resource that does not exist."""


def name_in(arn: str) -> str:
    """Return the resource name at the end of a SageMaker ARN."""
    return arn.rsplit("/", 1)[-1]


def update_tags(work: Work, arn: str, previous: Properties, desired: Properties) -> None:
    """Update the tags of a SageMaker resource."""
    put, drop = tag_changes(previous, desired)
    client = work.client("sagemaker")
    if put:
        client.add_tags(ResourceArn=arn, Tags=put)
    if drop:
        client.delete_tags(ResourceArn=arn, TagKeys=drop)


def is_gone(call: Any, **arguments: Any) -> bool:
    """Return whether a describe operation reports that the resource does not exist."""
    try:
        call(**arguments)
    except ClientError as error:
        if gone(error, _ABSENT):
            return True
        raise
    return False


class SageMakerHandler(Importable):
    """Base class for resources of SageMaker, which are identified by their ARN."""

    def tags(self, client: Callable[[str], Any], physical_id: str) -> list[dict[str, str]]:
        pages = client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=physical_id)
        return [dict(tag) for page in pages for tag in page["Tags"]]


def described(describe: Callable[..., Any], arn: str, name: str, arn_key: str) -> dict[str, Any] | None:
    """Return the description of the resource with this ARN; None if no resource has the ARN."""
    try:
        answer: dict[str, Any] = describe(**{name: name_in(arn)})
    except ClientError as error:
        if gone(error, _ABSENT):
            return None
        raise
    return answer if answer[arn_key] == arn else None


class Model(SageMakerHandler):
    """A SageMaker model. Every change except a change of tags replaces the model."""

    type = ResourceType.MODEL
    attributes = ("ModelArn", "ModelName")
    name_property = "ModelName"

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("ModelName") or name_from_logical_id(work, 63)
        arn = work.client("sagemaker").create_model(**_with_string_environments({**desired, "ModelName": name}))[
            "ModelArn"
        ]
        work.started(arn)
        return _model(arn)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        update_tags(work, physical_id, previous, desired)
        return _model(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("sagemaker").delete_model, _ABSENT, ModelName=name_in(physical_id))

    def find(self, client: Callable[[str], Any], identifier: Mapping[str, str]) -> Made | None:
        arn = identifier["ModelArn"]
        return _model(arn) if described(client("sagemaker").describe_model, arn, "ModelName", "ModelArn") else None


def _model(arn: str) -> Made:
    return Made(arn, {"ModelArn": arn, "ModelName": name_in(arn)})


def _with_string_environments(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model whose environment values are strings: the schema does not type them, but SageMaker requires
    strings.
    """
    for container in [model.get("PrimaryContainer"), *model.get("Containers", [])]:
        if container and isinstance(container.get("Environment"), dict):
            container["Environment"] = {
                key: str(value).lower() if isinstance(value, bool) else str(value)
                for key, value in container["Environment"].items()
            }
    return model


class EndpointConfig(SageMakerHandler):
    """A SageMaker endpoint configuration. Every change except a change of tags replaces it."""

    type = ResourceType.ENDPOINT_CONFIG
    attributes = ("EndpointConfigArn", "EndpointConfigName")
    name_property = "EndpointConfigName"

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("EndpointConfigName") or name_from_logical_id(work, 63)
        answer = work.client("sagemaker").create_endpoint_config(**{**desired, "EndpointConfigName": name})
        work.started(answer["EndpointConfigArn"])
        return _config(answer["EndpointConfigArn"])

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        update_tags(work, physical_id, previous, desired)
        return _config(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("sagemaker").delete_endpoint_config, _ABSENT, EndpointConfigName=name_in(physical_id))

    def find(self, client: Callable[[str], Any], identifier: Mapping[str, str]) -> Made | None:
        arn, describe = identifier["EndpointConfigArn"], client("sagemaker").describe_endpoint_config
        return _config(arn) if described(describe, arn, "EndpointConfigName", "EndpointConfigArn") else None


def _config(arn: str) -> Made:
    return Made(arn, {"EndpointConfigArn": arn, "EndpointConfigName": name_in(arn)})


class Endpoint(SageMakerHandler):
    """A SageMaker endpoint. All properties except the name can be updated in place."""

    type = ResourceType.ENDPOINT
    attributes = ("EndpointArn", "EndpointName")
    name_property = "EndpointName"
    _update_arguments: ClassVar[tuple[str, ...]] = (
        "EndpointConfigName",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "DeploymentConfig",
        "RetainDeploymentConfig",
    )

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("EndpointName") or name_from_logical_id(work, 63)
        arguments = only(desired, "EndpointConfigName", "DeploymentConfig", "Tags")
        arn = work.client("sagemaker").create_endpoint(EndpointName=name, **arguments)["EndpointArn"]
        work.started(arn)
        self._wait(work, name, desired)
        return _endpoint(arn)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        name, client = name_in(physical_id), work.client("sagemaker")
        if work.changed - {"Tags"} and not (work.rolling_back and self._is_rolled_back(client, name, desired)):
            client.update_endpoint(EndpointName=name, **only(desired, *self._update_arguments))
            self._wait(work, name, desired)
        update_tags(work, physical_id, previous, desired)
        return _endpoint(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        name, client = name_in(physical_id), work.client("sagemaker")
        quietly(client.delete_endpoint, _ABSENT, EndpointName=name)
        work.until(lambda: is_gone(client.describe_endpoint, EndpointName=name))

    def find(self, client: Callable[[str], Any], identifier: Mapping[str, str]) -> Made | None:
        arn, describe = identifier["EndpointArn"], client("sagemaker").describe_endpoint
        return _endpoint(arn) if described(describe, arn, "EndpointName", "EndpointArn") else None

    def _is_rolled_back(self, client: Any, name: str, desired: Properties) -> bool:
        """Return whether SageMaker has already rolled the endpoint back after the failed update."""
        endpoint = client.describe_endpoint(EndpointName=name)
        in_service: bool = endpoint["EndpointStatus"] == "InService"
        return in_service and bool(endpoint["EndpointConfigName"] == desired["EndpointConfigName"])

    def _wait(self, work: Work, name: str, desired: Properties) -> None:
        client = work.client("sagemaker")

        def stable() -> bool:
            endpoint = client.describe_endpoint(EndpointName=name)
            status = endpoint["EndpointStatus"]
            if status in ("Failed", "UpdateRollbackFailed"):
                raise HandlerError(endpoint.get("FailureReason") or f"Endpoint {name} is {status}", ASSUMED)
            if status != "InService":
                return False
            if endpoint["EndpointConfigName"] != desired["EndpointConfigName"]:
                # After a failed update, the endpoint is InService with its former configuration.
                raise HandlerError(
                    endpoint.get("FailureReason") or f"Endpoint {name} went back to its former configuration", ASSUMED
                )
            return True

        work.until(stable, every_seconds=10, at_most_minutes=970)


def _endpoint(arn: str) -> Made:
    return Made(arn, {"EndpointArn": arn, "EndpointName": name_in(arn)})


HANDLERS: tuple[Handler, ...] = (Model(), EndpointConfig(), Endpoint())
