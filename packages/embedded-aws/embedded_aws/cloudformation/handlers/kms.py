"""Handlers for KMS: keys and aliases."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

import json
from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import Handler, Made, Properties, Work, only, quietly, tag_changes
from replicas.names import ResourceType


class Key(Handler):
    """A KMS key. `Ref` returns the key id. Deleting the resource schedules the deletion of the key."""

    type = ResourceType.KEY
    attributes = ("Arn", "KeyId")
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {
            "KeyPolicy",
            "Description",
            "Enabled",
            "EnableKeyRotation",
            "KeySpec",
            "KeyUsage",
            "MultiRegion",
            "Origin",
            "PendingWindowInDays",
            "BypassPolicyLockoutSafetyCheck",
            "Tags",
        }
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client = work.client("kms")
        arguments = only(
            desired, "Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin", "BypassPolicyLockoutSafetyCheck"
        )
        if "KeyPolicy" in desired:
            arguments["Policy"] = _document(desired["KeyPolicy"])
        if desired.get("Tags"):
            arguments["Tags"] = _tags(desired["Tags"])
        key = client.create_key(**arguments)["KeyMetadata"]
        work.started(key["KeyId"])
        _update_switches(client, key["KeyId"], {}, desired)
        return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("kms")
        if "KeyPolicy" in work.changed and "KeyPolicy" in desired:
            client.put_key_policy(KeyId=physical_id, PolicyName="default", Policy=_document(desired["KeyPolicy"]))
        if "Description" in work.changed:
            client.update_key_description(KeyId=physical_id, Description=desired.get("Description", ""))
        _update_switches(client, physical_id, previous, desired)
        put, drop = tag_changes(previous, desired)
        if put:
            client.tag_resource(KeyId=physical_id, Tags=_tags(put))
        if drop:
            client.untag_resource(KeyId=physical_id, TagKeys=drop)
        key = client.describe_key(KeyId=physical_id)["KeyMetadata"]
        return Made(physical_id, {"Arn": key["Arn"], "KeyId": physical_id})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(
            work.client("kms").schedule_key_deletion,
            "is pending deletion",
            KeyId=physical_id,
            PendingWindowInDays=int(properties.get("PendingWindowInDays", 30)),
        )


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tags(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags]


def _update_switches(client: Any, key: str, previous: Properties, desired: Properties) -> None:
    """Update whether the key is enabled and whether it is rotated."""
    if desired.get("EnableKeyRotation", False) != previous.get("EnableKeyRotation", False):
        turn = client.enable_key_rotation if desired.get("EnableKeyRotation") else client.disable_key_rotation
        turn(KeyId=key)
    if desired.get("Enabled", True) != previous.get("Enabled", True):
        turn = client.enable_key if desired.get("Enabled", True) else client.disable_key
        turn(KeyId=key)


class Alias(Handler):
    """An alias of a KMS key."""

    type = "AWS::KMS::Alias"
    name_property = "AliasName"

    def create(self, work: Work, desired: Properties) -> Made:
        work.client("kms").create_alias(**only(desired, "AliasName", "TargetKeyId"))
        return Made(desired["AliasName"])

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        work.client("kms").update_alias(AliasName=physical_id, TargetKeyId=desired["TargetKeyId"])
        return Made(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("kms").delete_alias, AliasName=physical_id)


HANDLERS: tuple[Handler, ...] = (Key(), Alias())
