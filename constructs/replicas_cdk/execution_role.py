"""The execution role of an endpoint, with least privilege: each action only on the resources that serving uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk import Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas.names import SAGEMAKER_PRINCIPAL, LogGroup
from replicas_cdk.pseudo import ACCOUNT_ID, PARTITION, REGION, URL_SUFFIX
from replicas_cdk.reasons import for_wildcards, of_control
from replicas_cdk.serving_container import ServingContainer, bucket_and_prefix

LOG_GROUPS = (LogGroup.of_endpoint("*"), LogGroup.of_component("*"))
"""Log groups that SageMaker writes to. They end in `*` because CloudFormation generates the names later."""

_NETWORK_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]


class ExecutionRole(iam.Role):
    """Execution role for an endpoint of inference components.

    It can pull the containers' images, read the weights in S3, and write SageMaker's logs and metrics. The policy is
    inline, so it exists as soon as the role does. With a separate policy, a Model created right after the role could
    fail because the policy is not attached yet.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        containers: Sequence[ServingContainer],
        artifact_urls: Sequence[str] = (),
        weights_kms_key_arn: str | None = None,
        in_vpc: bool = False,
        permissions_boundary_arn: str | None = None,
    ) -> None:
        """Create a role with the permissions that these containers need; sagemaker.amazonaws.com may assume it.

        Args:
            scope: parent.
            construct_id: part of the logical id; changing it replaces the role.
            containers: containers whose images are pulled and whose weights are read.
            artifact_urls: S3 prefixes of adapters, read as well.
            weights_kms_key_arn: KMS key that encrypts the weights and adapters. Default: no KMS key.
            in_vpc: allow creating network interfaces in a VPC.
            permissions_boundary_arn: permissions boundary of the role. Default: none.

        """
        weights = _places(containers, artifact_urls)
        document: dict[str, Any] = {
            "Version": "2012-10-17",
            "Statement": _statements(containers, weights, in_vpc=in_vpc),
        }
        if weights_kms_key_arn:
            document["Statement"].append(_decrypt(weights_kms_key_arn))
        boundary = None
        if permissions_boundary_arn:
            boundary = iam.ManagedPolicy.from_managed_policy_arn(scope, "PermissionsBoundary", permissions_boundary_arn)
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal(SAGEMAKER_PRINCIPAL),
            inline_policies={"serve": iam.PolicyDocument.from_json(document)},
            permissions_boundary=boundary,
        )
        inline = "it is this role's alone, and the role is never seen without it"
        Validations.of(self).acknowledge(*of_control("IAMNoInlinePolicy", inline))
        for_wildcards(self, _wildcards(weights, in_vpc=in_vpc))


def _statements(
    containers: Sequence[ServingContainer], weights: Sequence[tuple[str, str]], *, in_vpc: bool
) -> list[dict[str, Any]]:
    repositories = sorted({container.repository_arn for container in containers})
    statements = [
        _allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories),
        # Neither action supports resource-level permissions: IAM accepts only `*`.
        _allow(["cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"], ["*"]),
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}" for group in LOG_GROUPS],
        ),
    ]
    for bucket, prefix in weights:
        statements.append(_allow(["s3:GetObject"], [f"arn:{PARTITION}:s3:::{bucket}/{prefix}*"]))
        listing = _allow(["s3:ListBucket"], [f"arn:{PARTITION}:s3:::{bucket}"])
        statements.append({**listing, "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}}})
    if in_vpc:
        # The actions that SageMaker's documentation of execution roles lists for endpoints in a VPC.
        statements.append(_allow(_NETWORK_ACTIONS, ["*"]))
    return statements


def _decrypt(key_arn: str) -> dict[str, Any]:
    """Allow kms:Decrypt, only through S3."""
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.{URL_SUFFIX}"}}
    return {**_allow(["kms:Decrypt"], [key_arn]), "Condition": through_s3}


def _wildcards(weights: Sequence[tuple[str, str]], *, in_vpc: bool) -> Iterator[tuple[str, str]]:
    """Every resource with a `*`, in cdk-nag's notation, with the reason for it."""
    network = ", and network interfaces do not exist yet" if in_vpc else ""
    yield "*", f"ecr:GetAuthorizationToken and cloudwatch:PutMetricData know no resources{network}"
    for group in LOG_GROUPS:
        resource = f"arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{group}"
        yield resource, "SageMaker names the log groups after components and endpoints that do not exist yet"
    for bucket, prefix in weights:
        yield f"arn:<AWS::Partition>:s3:::{bucket}/{prefix}*", "the weights are all objects under this prefix"


def _places(containers: Sequence[ServingContainer], artifact_urls: Sequence[str]) -> list[tuple[str, str]]:
    """Bucket and prefix of all weights and adapters in S3, without duplicates."""
    weights = [container.weights_bucket_and_prefix for container in containers]
    artifacts = [bucket_and_prefix(url) for url in artifact_urls]
    return list(dict.fromkeys(place for place in [*weights, *artifacts] if place))


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
