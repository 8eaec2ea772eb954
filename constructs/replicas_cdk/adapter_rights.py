"""Rights to read an adapter that is added to a component, for the execution role of its endpoint."""

from __future__ import annotations

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from replicas_cdk.execution_role import Artifact, ExecutionRole, decrypting, reading


def allow_adapter(role: iam.IRole | None, adapter: Construct, artifact: Artifact, key: kms.IKey | None) -> None:
    """Let a role read an adapter and decrypt it, and the adapter wait for that right.

    Args:
        role: execution role of the endpoint; None if it is not known.
        adapter: the adapter.
        artifact: weights of the adapter.
        key: KMS key of their bucket; None if it has none, or none that is known.

    """
    if role is None:
        return
    path = adapter.node.path
    if not artifact.url.startswith("s3://"):
        _warn(
            adapter, f"{path}: its URL is a token, so no right to read it is given here: the role of the endpoint must"
        )
        return
    if isinstance(role, ExecutionRole):
        role.allow_reading(artifact)
        if key is not None:
            role.allow_decrypting(key.key_arn)
        return
    statements = [*reading(artifact), *([decrypting(key.key_arn)] if key is not None else [])]
    results = [role.add_to_principal_policy(statement) for statement in statements]
    # aws-cdk reports success for a role that cannot be changed, too: only a policy shows that it was.
    is_changed = isinstance(role, iam.Role) or any(isinstance(below, iam.CfnPolicy) for below in role.node.find_all())
    if not is_changed:
        _warn(adapter, f"{path}: the role of the endpoint cannot be changed here, and for {artifact.url} it must")
        return
    for policy in {id(result.policy_dependable): result.policy_dependable for result in results}.values():
        if policy is not None:
            adapter.node.add_dependency(policy)


def _warn(adapter: Construct, sentence: str) -> None:
    Annotations.of(adapter).add_warning_v2(
        "replicas:adapterUnread", f"{sentence} be allowed s3:GetObject and s3:ListBucket, and kms:Decrypt with its key"
    )
