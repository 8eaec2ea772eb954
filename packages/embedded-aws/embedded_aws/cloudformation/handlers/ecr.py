"""Handler for ECR repositories."""

# ruff: noqa: D102 (Handler documents the methods)

from __future__ import annotations

import json
from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    name_from_stack,
    quietly,
    tag_changes,
)
from replicas.names import ResourceType


class Repository(Handler):
    """An ECR repository of container images."""

    type = ResourceType.REPOSITORY
    system_tags = True
    attributes = ("Arn", "RepositoryUri")
    name_property = "RepositoryName"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {
            "RepositoryName",
            "ImageTagMutability",
            "ImageScanningConfiguration",
            "EncryptionConfiguration",
            "LifecyclePolicy",
            "RepositoryPolicyText",
            "EmptyOnDelete",
            "Tags",
        }
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client, name = work.client("ecr"), desired.get("RepositoryName") or name_from_stack(work, 256, lower=True)
        arguments: dict[str, Any] = {}
        if "ImageTagMutability" in desired:
            arguments["imageTagMutability"] = desired["ImageTagMutability"]
        if "ImageScanningConfiguration" in desired:
            arguments["imageScanningConfiguration"] = _scanning(desired)
        if "EncryptionConfiguration" in desired:
            encryption = desired["EncryptionConfiguration"]
            arguments["encryptionConfiguration"] = {
                key[0].lower() + key[1:]: value for key, value in encryption.items()
            }
        if desired.get("Tags"):
            arguments["tags"] = desired["Tags"]
        repository = client.create_repository(repositoryName=name, **arguments)["repository"]
        work.started(name)
        _policies(client, name, {}, desired)
        return _made(repository)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("ecr")
        if "ImageTagMutability" in work.changed:
            client.put_image_tag_mutability(
                repositoryName=physical_id, imageTagMutability=desired.get("ImageTagMutability", "MUTABLE")
            )
        if "ImageScanningConfiguration" in work.changed:
            client.put_image_scanning_configuration(
                repositoryName=physical_id, imageScanningConfiguration=_scanning(desired)
            )
        _policies(client, physical_id, previous, desired)
        (repository,) = client.describe_repositories(repositoryNames=[physical_id])["repositories"]
        put, drop = tag_changes(previous, desired)
        if put:
            client.tag_resource(resourceArn=repository["repositoryArn"], tags=put)
        if drop:
            client.untag_resource(resourceArn=repository["repositoryArn"], tagKeys=drop)
        return _made(repository)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(
            work.client("ecr").delete_repository,
            repositoryName=physical_id,
            force=bool(properties.get("EmptyOnDelete", False)),
        )


def _made(repository: dict[str, Any]) -> Made:
    uri = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
    return Made(repository["repositoryName"], uri)


def _scanning(properties: Properties) -> dict[str, bool]:
    return {"scanOnPush": bool(properties.get("ImageScanningConfiguration", {}).get("ScanOnPush", False))}


def _policies(client: Any, name: str, previous: Properties, desired: Properties) -> None:
    if "RepositoryPolicyText" in desired:
        text = desired["RepositoryPolicyText"]
        client.set_repository_policy(
            repositoryName=name, policyText=text if isinstance(text, str) else json.dumps(text)
        )
    elif "RepositoryPolicyText" in previous:
        quietly(client.delete_repository_policy, repositoryName=name)
    if "LifecyclePolicyText" in desired.get("LifecyclePolicy", {}):
        client.put_lifecycle_policy(
            repositoryName=name, lifecyclePolicyText=desired["LifecyclePolicy"]["LifecyclePolicyText"]
        )
    elif "LifecyclePolicy" in previous:
        quietly(client.delete_lifecycle_policy, repositoryName=name)


HANDLERS: tuple[Handler, ...] = (Repository(),)
