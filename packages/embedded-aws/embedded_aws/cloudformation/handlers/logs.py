"""Handlers for CloudWatch Logs: log groups and resource policies."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from typing import ClassVar

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import LogResourcePolicy, logs_backends

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    as_map,
    name_from_stack,
    quietly,
    tag_changes,
)
from embedded_aws.cloudformation.handlers.moto_model import MotoModel
from replicas.names import ResourceType


class LogGroup(Handler):
    """A CloudWatch Logs log group."""

    type = ResourceType.LOG_GROUP
    system_tags = True
    attributes = ("Arn",)
    name_property = "LogGroupName"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {"LogGroupName", "KmsKeyId", "LogGroupClass", "RetentionInDays", "Tags"}
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client, name = work.client("logs"), desired.get("LogGroupName") or name_from_stack(work, 512)
        arguments = {"kmsKeyId": desired.get("KmsKeyId"), "logGroupClass": desired.get("LogGroupClass")}
        tags = as_map(desired.get("Tags", []))
        if tags:
            arguments["tags"] = tags
        client.create_log_group(logGroupName=name, **{key: value for key, value in arguments.items() if value})
        work.started(name)
        if "RetentionInDays" in desired:
            client.put_retention_policy(logGroupName=name, retentionInDays=desired["RetentionInDays"])
        return self._made(work, name)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client, made = work.client("logs"), self._made(work, physical_id)
        if "RetentionInDays" in desired:
            client.put_retention_policy(logGroupName=physical_id, retentionInDays=desired["RetentionInDays"])
        elif "RetentionInDays" in previous:
            client.delete_retention_policy(logGroupName=physical_id)
        put, drop = tag_changes(previous, desired)
        arn = made.attributes["Arn"].removesuffix(":*")
        if put:
            client.tag_resource(resourceArn=arn, tags=as_map(put))
        if drop:
            client.untag_resource(resourceArn=arn, tagKeys=drop)
        return made

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("logs").delete_log_group, logGroupName=physical_id)

    def _made(self, work: Work, name: str) -> Made:
        return Made(name, {"Arn": f"arn:aws:logs:{work.region}:{work.account}:log-group:{name}:*"})


class ResourcePolicy(MotoModel):
    """A resource policy that lets AWS services write logs. Its physical id is its name."""

    type = "AWS::Logs::ResourcePolicy"
    name_property = "PolicyName"
    model = LogResourcePolicy

    @staticmethod
    def existing(account: str, region: str, physical_id: str) -> LogResourcePolicy:
        try:
            return logs_backends[account][region].resource_policies[physical_id]
        except KeyError:
            raise ResourceNotFoundException(msg=f"Policy with name [{physical_id}] does not exist") from None

    def physical_id(self, work: Work, desired: Properties) -> str:
        return str(desired["PolicyName"])


HANDLERS: tuple[Handler, ...] = (LogGroup(), ResourcePolicy())
