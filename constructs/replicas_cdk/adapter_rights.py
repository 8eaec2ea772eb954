"""Rights to read an adapter that is added to a component, for the execution role of its endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas_cdk.execution_role import Artifact, ExecutionRole, decrypting, reading

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


def allow_adapter(role: iam.IRole | None, adapter: Construct, artifact: Artifact, key: kms.IKey | None) -> None:
    """Allow a role to read and decrypt the weights of an adapter. The adapter depends on the policy that allows this.

    Args:
        role: execution role of the endpoint. None: the role is unknown, and no right is given.
        adapter: the adapter.
        artifact: weights of the adapter.
        key: KMS key of the bucket with the weights. None: the bucket has no KMS key, or the app does not know it.

    """
    if role is None:
        return
    path = adapter.node.path
    if not artifact.url.startswith("s3://"):
        _warn(
            adapter, f"{path}: no right to read the adapter was granted, because its URL is a CDK token: the role must"
        )
        return
    if isinstance(role, ExecutionRole):
        role.allow_reading(artifact)
        if key is not None:
            role.allow_decrypting(key.key_arn)
        return
    statements = [*reading(artifact), *([decrypting(key.key_arn)] if key is not None else [])]
    results = [role.add_to_principal_policy(statement) for statement in statements]
    # aws-cdk reports success even for a role that cannot be changed. Only a new policy proves that it was changed.
    is_changed = isinstance(role, iam.Role) or any(isinstance(below, iam.CfnPolicy) for below in role.node.find_all())
    if not is_changed:
        _warn(adapter, f"{path}: this app cannot change the endpoint's role. To read {artifact.url}, the role must")
        return
    for policy in {id(result.policy_dependable): result.policy_dependable for result in results}.values():
        if policy is not None:
            adapter.node.add_dependency(policy)


def _warn(adapter: Construct, sentence: str) -> None:
    Annotations.of(adapter).add_warning_v2(
        "replicas:adapterUnread",
        f"{sentence} be allowed s3:GetObject and s3:ListBucket on the bucket, and kms:Decrypt on its KMS key",
    )
