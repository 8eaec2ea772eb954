"""Rights on the references of an endpoint, for its execution role: the one that is made here, or a given one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aws_cdk import Annotations, IResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
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


def allow_keys(role: ExecutionRole, props: EndpointProps) -> None:
    """Let a role that is made here use the keys of the references. It reads the locations in S3 already."""
    for arn in dict.fromkeys(key.key_arn for key in _keys_of_weights(props)):
        role.allow_decrypting(arn)
    if props.encryption_key is not None:
        role.allow_encrypting_volumes(props.encryption_key.key_arn)


def _keys_of_weights(props: EndpointProps) -> Iterator[kms.IKey]:
    for key in [*(location.bucket.encryption_key for _, location in props.locations), props.weights_key]:
        if key is not None:
            yield key


def grant_references(role: iam.IRole, props: EndpointProps, account: str) -> None:
    """Grant a given role the rights on the references: the statements of a role that is made here.

    The `grant_*` methods of buckets and keys would allow more: to read for any caller of any account, and to decrypt
    for any service.

    Args:
        role: role of the app.
        props: references of the endpoint.
        account: account of the stack; may be a token.

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
    """Say which rights a role needs that is made elsewhere, and cannot be changed here.

    A grant to an imported role becomes a policy below it, or nothing: aws-cdk reports success in both cases.
    """
    if isinstance(role, iam.Role):
        return
    is_changed = any(isinstance(below, iam.CfnPolicy) for below in role.node.find_all())
    text = f"{scope.node.path}: the role {role.node.path} is made elsewhere, and its rights are not judged"
    needs = "; ".join(_needs(list(containers), props, capture))
    if props.has_references and not is_changed:
        Annotations.of(scope).add_warning_v2(
            "replicas:roleWithoutGrants", f"{text}: it cannot be changed here, and needs {needs}"
        )
    else:
        Annotations.of(scope).add_info(f"{text}: it needs {needs}")


def warn_of_accounts(scope: Construct, props: EndpointProps, account: str) -> None:
    """Say whose policies must let the role in: those of buckets, keys and repositories of other accounts."""
    for prop, resource in _resources(props):
        owner = resource.env.account
        if not is_unresolved(owner) and not is_unresolved(account) and owner != account:
            Annotations.of(scope).add_warning_v2(
                f"replicas:otherAccount-{prop}",
                f"{scope.node.path}: {prop} belongs to the account {owner}: its policy must let the execution role of "
                f"the account {account} use it",
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
    """Return what the execution role of an endpoint needs, as actions on resources."""
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
