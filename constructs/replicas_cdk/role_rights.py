"""Gives an execution role rights on the keys, buckets and repositories that an app passes to an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from aws_cdk import Annotations, IResource
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas import DataCapture
from replicas.deployment.unresolved import is_unresolved
from replicas_cdk.execution_role import (
    NETWORK_ACTIONS,
    Artifact,
    ExecutionRole,
    decrypting,
    encrypting_volumes,
    reading,
)
from replicas_cdk.references import EndpointProps, place_of
from replicas_cdk.serving_container import ServingContainer

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


def allow_keys(role: ExecutionRole, props: EndpointProps) -> None:
    """Allow an `ExecutionRole` to use the KMS keys in `props`. The role can read the S3 locations already."""
    for arn in dict.fromkeys(key.key_arn for key in _keys_of_weights(props)):
        role.allow_decrypting(arn)
    if props.encryption_key is not None:
        role.allow_encrypting_volumes(props.encryption_key.key_arn)


def _keys_of_weights(props: EndpointProps) -> Iterator[kms.IKey]:
    for key in [*(location.bucket.encryption_key for _, location in props.locations), props.weights_key]:
        if key is not None:
            yield key


def grant_references(role: iam.IRole, props: EndpointProps, account: str) -> None:
    """Grant a role of the app the same rights on the constructs in `props` that an `ExecutionRole` has.

    The `grant_*` methods of buckets and keys are not used because they allow more than the endpoint needs: reading
    buckets of any account, and decrypting through any service.

    Args:
        role: role of the app.
        props: constructs that were passed to the endpoint.
        account: account of the stack; may be a CDK token.

    """
    for statement in _statements(props, account):
        role.add_to_principal_policy(statement)
    for image in props.images.values():
        if image.repository is not None:
            image.repository.grant_pull(role)
    if props.network.vpc is not None:
        iam.Grant.add_to_principal(grantee=role, actions=NETWORK_ACTIONS, resource_arns=["*"])


def _statements(props: EndpointProps, account: str) -> Iterator[iam.PolicyStatement]:
    for artifact in dict.fromkeys(Artifact(*place_of(location, account)) for _, location in props.locations):
        yield from reading(artifact)
    for arn in dict.fromkeys(key.key_arn for key in _keys_of_weights(props)):
        yield decrypting(arn)
    if props.encryption_key is not None:
        yield encrypting_volumes(props.encryption_key.key_arn)


def warn_of_rights(
    scope: Construct,
    role: iam.IRole,
    props: EndpointProps,
    containers: Iterable[ServingContainer],
    capture: DataCapture | None,
) -> None:
    """List the rights that an imported role needs, in a warning or an info annotation.

    aws-cdk reports success for a grant to an imported role even if it creates no policy.
    """
    if isinstance(role, iam.Role):
        return
    is_changed = any(isinstance(below, iam.CfnPolicy) for below in role.node.find_all())
    text = f"{scope.node.path}: the rights of the imported role {role.node.path} are not judged"
    needs = "; ".join(_needs(list(containers), props, capture))
    if props.has_references and not is_changed:
        Annotations.of(scope).add_warning_v2(
            "replicas:roleWithoutGrants", f"{text}: this app cannot change the role. It needs {needs}"
        )
    else:
        Annotations.of(scope).add_info(f"{text}. It needs {needs}")


def warn_of_accounts(scope: Construct, props: EndpointProps, account: str) -> None:
    """Warn about buckets, keys and repositories of other accounts, whose policies must allow the role."""
    for prop, resource in _resources(props):
        owner = resource.env.account
        if not is_unresolved(owner) and not is_unresolved(account) and owner != account:
            Annotations.of(scope).add_warning_v2(
                f"replicas:otherAccount-{prop}",
                f"{scope.node.path}: {prop} belongs to the account {owner}: in its resource policy, allow the "
                f"execution role of the "
                f"account {account}",
            )


def _resources(props: EndpointProps) -> Iterator[tuple[str, IResource]]:
    for prop, location in props.locations:
        yield prop, location.bucket
    for prop, key in (("encryption_key", props.encryption_key), ("weights_key", props.weights_key)):
        if key is not None:
            yield prop, key
    for name, image in props.images.items():
        if image.repository is not None:
            yield f"components[{name!r}].image", image.repository


def _needs(containers: Sequence[ServingContainer], props: EndpointProps, capture: DataCapture | None) -> list[str]:
    """Return the actions that the execution role of an endpoint needs, with their resources."""
    needs = [
        "ecr:GetAuthorizationToken, and ecr:BatchCheckLayerAvailability, ecr:BatchGetImage and "
        f"ecr:GetDownloadUrlForLayer on {' and '.join(sorted({container.repository_name for container in containers}))}"
    ]
    places = [
        container.weights for container in containers if container.weights and not is_unresolved(container.weights)
    ]
    places += [f"{location.bucket.node.path}/{location.prefix}" for _, location in props.locations]
    if places:
        needs.append(f"s3:GetObject and s3:ListBucket on {' and '.join(dict.fromkeys(places))}")
    keys = list(dict.fromkeys(key.node.path for key in _keys_of_weights(props)))
    if keys:
        needs.append(f"kms:Decrypt on {' and '.join(keys)}")
    if capture is not None:
        needs.append(f"s3:PutObject on {capture.destination}")
        if capture.kms_key:
            needs.append(f"kms:GenerateDataKey and kms:Decrypt on {capture.kms_key}")
    if props.encryption_key is not None:
        needs.append(f"kms:CreateGrant on {props.encryption_key.node.path}")
    if props.network.vpc is not None:
        needs.append(", ".join(NETWORK_ACTIONS))
    return [*needs, "cloudwatch:PutMetricData", "logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents"]
