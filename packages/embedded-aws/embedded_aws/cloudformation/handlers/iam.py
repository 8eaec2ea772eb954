"""Handlers for IAM: roles and policies."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

import json
from typing import Any, ClassVar

from moto.iam.models import InlinePolicy, iam_backends
from moto.utilities.utils import get_partition

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    name_from_stack,
    only,
    quietly,
    tag_changes,
)
from embedded_aws.cloudformation.handlers.moto_model import MotoModel
from replicas.names import ResourceType


def _document(value: Any) -> str:
    """Return a policy document as JSON, with version 2012-10-17 of the policy language.

    AWS also accepts version 2008-10-17, which is the default (cdk-preflight 1.9.1, rule pf-iam-policy-version); moto
    refuses it.
    """
    if isinstance(value, str):
        return value
    is_older = value.get("Version") in (None, "2008-10-17")
    return json.dumps({**value, "Version": "2012-10-17"} if is_older else value)


class Role(Handler):
    """An IAM role with its inline policies and attached managed policies."""

    type = ResourceType.ROLE
    attributes = ("Arn", "RoleId")
    name_property = "RoleName"

    def create(self, work: Work, desired: Properties) -> Made:
        client, name = work.client("iam"), desired.get("RoleName") or name_from_stack(work, 64)
        role = client.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_document(desired["AssumeRolePolicyDocument"]),
            **only(desired, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"),
        )["Role"]
        work.started(name)
        self._policies(client, name, {}, desired)
        return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("iam")
        if "AssumeRolePolicyDocument" in work.changed:
            client.update_assume_role_policy(
                RoleName=physical_id, PolicyDocument=_document(desired["AssumeRolePolicyDocument"])
            )
        if work.changed & {"Description", "MaxSessionDuration"}:
            client.update_role(
                RoleName=physical_id,
                Description=desired.get("Description", ""),
                MaxSessionDuration=desired.get("MaxSessionDuration", 3600),
            )
        if "PermissionsBoundary" in desired:
            client.put_role_permissions_boundary(
                RoleName=physical_id, PermissionsBoundary=desired["PermissionsBoundary"]
            )
        elif "PermissionsBoundary" in previous:
            quietly(client.delete_role_permissions_boundary, RoleName=physical_id)
        self._policies(client, physical_id, previous, desired)
        put, drop = tag_changes(previous, desired)
        if put:
            client.tag_role(RoleName=physical_id, Tags=put)
        if drop:
            client.untag_role(RoleName=physical_id, TagKeys=drop)
        role = client.get_role(RoleName=physical_id)["Role"]
        return Made(physical_id, {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        client = work.client("iam")
        self._policies(client, physical_id, properties, {})
        quietly(client.delete_role, RoleName=physical_id)

    def _policies(self, client: Any, name: str, previous: Properties, desired: Properties) -> None:
        for policy in desired.get("Policies", []):
            client.put_role_policy(
                RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=_document(policy["PolicyDocument"])
            )
        desired_names = {policy["PolicyName"] for policy in desired.get("Policies", [])}
        for policy in previous.get("Policies", []):
            if policy["PolicyName"] not in desired_names:
                quietly(client.delete_role_policy, RoleName=name, PolicyName=policy["PolicyName"])
        before, after = (list(properties.get("ManagedPolicyArns", [])) for properties in (previous, desired))
        for arn in after:
            if arn not in before:
                client.attach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in before:
            if arn not in after:
                quietly(client.detach_role_policy, RoleName=name, PolicyArn=arn)


_HOLDERS = {"Roles": "role", "Users": "user", "Groups": "group"}


def _holders(properties: Properties) -> set[tuple[str, str]]:
    """Return the roles, users and groups that a policy is attached to, as (kind, name)."""
    return {(kind, name) for key, kind in _HOLDERS.items() for name in properties.get(key, [])}


class Policy(MotoModel):
    """An inline policy of IAM roles, users and groups."""

    type = ResourceType.POLICY
    attributes = ("Id",)
    model = InlinePolicy

    @staticmethod
    def existing(account: str, region: str, physical_id: str) -> InlinePolicy:
        return iam_backends[account][get_partition(region)].get_inline_policy(physical_id)

    def physical_id(self, work: Work, desired: Properties) -> str:
        return name_from_stack(work, 64)


class ManagedPolicy(Handler):
    """An IAM managed policy. `Ref` returns the ARN."""

    type = ResourceType.MANAGED_POLICY
    attributes = ("PolicyArn", "PolicyId")
    name_property = "ManagedPolicyName"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {"ManagedPolicyName", "Path", "Description", "PolicyDocument", "Roles", "Users", "Groups"}
    )

    def create(self, work: Work, desired: Properties) -> Made:
        policy = work.client("iam").create_policy(
            PolicyName=desired.get("ManagedPolicyName") or name_from_stack(work, 128),
            PolicyDocument=_document(desired["PolicyDocument"]),
            **only(desired, "Path", "Description"),
        )["Policy"]
        work.started(policy["Arn"])
        self._attach(work, policy["Arn"], {}, desired)
        return Made(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("iam")
        if "PolicyDocument" in work.changed:
            self._drop_old_versions(client, physical_id)
            client.create_policy_version(
                PolicyArn=physical_id, PolicyDocument=_document(desired["PolicyDocument"]), SetAsDefault=True
            )
        self._attach(work, physical_id, previous, desired)
        policy = client.get_policy(PolicyArn=physical_id)["Policy"]
        return Made(physical_id, {"PolicyArn": physical_id, "PolicyId": policy["PolicyId"]})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        self._attach(work, physical_id, properties, {})
        client = work.client("iam")
        quietly(lambda: self._drop_old_versions(client, physical_id))
        quietly(client.delete_policy, PolicyArn=physical_id)

    def _attach(self, work: Work, arn: str, previous: Properties, desired: Properties) -> None:
        client, before, after = work.client("iam"), _holders(previous), _holders(desired)
        for kind, holder in sorted(after - before):
            getattr(client, f"attach_{kind}_policy")(**{f"{kind.title()}Name": holder}, PolicyArn=arn)
        for kind, holder in sorted(before - after):
            quietly(getattr(client, f"detach_{kind}_policy"), **{f"{kind.title()}Name": holder}, PolicyArn=arn)

    def _drop_old_versions(self, client: Any, arn: str) -> None:
        for version in client.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


HANDLERS: tuple[Handler, ...] = (Role(), Policy(), ManagedPolicy())
