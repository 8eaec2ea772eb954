"""The execution role of an endpoint, with least privilege: each action only on the resources that serving uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas.deployment.patterns import ACCOUNT, KMS_KEY_ARN, POLICY_ARN, S3_ARTIFACT
from replicas.deployment.unresolved import is_unresolved
from replicas.names import SAGEMAKER_PRINCIPAL, LogGroup, MetricNamespace
from replicas_cdk.given_values import text_faults
from replicas_cdk.pseudo import ACCOUNT_ID, PARTITION, REGION, URL_SUFFIX
from replicas_cdk.reasons import for_wildcards, of_control
from replicas_cdk.serving_container import ServingContainer, bucket_and_prefix

LOG_GROUPS = (LogGroup.of_endpoint("*"), LogGroup.of_component("*"))
"""Patterns of all log groups that SageMaker writes to. Used when the names of endpoint and components are generated."""

NETWORK_ACTIONS = [
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
"""The actions that SageMaker's documentation of execution roles lists for endpoints in a VPC."""


class Artifact(NamedTuple):
    """A prefix in S3 that the role reads."""

    url: str
    """`s3://bucket/prefix/`; the bucket may be a CDK token."""
    account: str | None = None
    """Account that owns the bucket. None: the account of the stack."""

    def faults(self) -> list[str]:
        """Return the faults of the URL and the account. CDK tokens have no faults."""
        return [*text_faults("artifact_urls", self.url, S3_ARTIFACT), *text_faults("account", self.account, ACCOUNT)]


class ExecutionRole(iam.Role):
    """Execution role for an endpoint of inference components.

    It can pull the containers' images, read the weights in S3, and write SageMaker's logs and metrics. The policy is
    inline, so it exists as soon as the role exists. If the policy were separate, a Model that is created right after
    the role could fail because the policy is not attached yet.

    SageMaker can assume the role only for endpoints of the stack's account (`aws:SourceAccount`). The role can read
    only buckets of that account, or of the account that an artifact names (`aws:ResourceAccount`).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        containers: Sequence[ServingContainer],
        artifact_urls: Sequence[str | Artifact] = (),
        weights_kms_key_arn: str | None = None,
        in_vpc: bool = False,
        permissions_boundary_arn: str | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        log_groups: Sequence[str] = LOG_GROUPS,
    ) -> None:
        """Create a role with the permissions that the containers need. sagemaker.amazonaws.com may assume it.

        Args:
            scope: parent.
            construct_id: part of the logical id; changing it replaces the role.
            containers: containers whose images are pulled and whose weights are read.
            artifact_urls: S3 prefixes of adapters that the role may read. An `Artifact` also names the bucket's
                account.
            weights_kms_key_arn: KMS key that encrypts the weights and adapters. Default: no KMS key.
            in_vpc: allow creating network interfaces in a VPC.
            permissions_boundary_arn: permissions boundary of the role, by its ARN. Default: none.
            permissions_boundary: permissions boundary of the role, as a construct instead of an ARN. Default: none.
            log_groups: names of the log groups that SageMaker writes to, with `*` for unknown parts. Default: the log
                groups of all endpoints and inference components.

        Raises:
            ValueError: a URL, an account or an ARN is malformed, or the boundary is given twice.

        """
        artifacts = [artifact if isinstance(artifact, Artifact) else Artifact(artifact) for artifact in artifact_urls]
        faults = [
            *(fault for artifact in artifacts for fault in artifact.faults()),
            *text_faults("weights_kms_key_arn", weights_kms_key_arn, KMS_KEY_ARN),
            *text_faults("permissions_boundary_arn", permissions_boundary_arn, POLICY_ARN),
        ]
        if permissions_boundary is not None and permissions_boundary_arn is not None:
            faults.append("permissions_boundary= and permissions_boundary_arn= are both given: remove one of them")
        if faults:
            raise ValueError(f"{scope.node.path}/{construct_id}: {'; '.join(faults)}")
        self._read: list[Artifact] = []
        self._document = iam.PolicyDocument.from_json(
            {"Version": "2012-10-17", "Statement": _statements(containers, log_groups, in_vpc=in_vpc)}
        )
        boundary = permissions_boundary
        if permissions_boundary_arn:
            boundary = iam.ManagedPolicy.from_managed_policy_arn(scope, "PermissionsBoundary", permissions_boundary_arn)
        super().__init__(
            scope,
            construct_id,
            # SageMaker's developer guide (cross-service confused deputy prevention) documents aws:SourceAccount.
            assumed_by=_sagemaker(),
            inline_policies={"serve": self._document},
            permissions_boundary=boundary,
        )
        inline = "only this role uses the policy, and an inline policy exists as soon as the role exists"
        for_wildcards(self, _wildcards(log_groups, in_vpc=in_vpc), *of_control("IAMNoInlinePolicy", inline))
        for artifact in [*_weights(containers), *artifacts]:
            self.allow_reading(artifact)
        if weights_kms_key_arn:
            self.allow_decrypting(weights_kms_key_arn)

    def allow_reading(self, artifact: Artifact) -> None:
        """Allow reading all objects under a prefix, in the inline policy of the role."""
        if artifact in self._read:
            return
        self._read.append(artifact)
        self._document.add_statements(*reading(artifact))
        bucket, prefix = bucket_and_prefix(artifact.url)
        shown = self._reference_to(bucket) if is_unresolved(bucket) else bucket
        if shown is not None and not is_unresolved(prefix):  # an acknowledgement cannot contain a token
            wildcard = f"arn:<AWS::Partition>:s3:::{shown}/{prefix}*"
            for_wildcards(self, [(wildcard, "the weights are all objects under this prefix")])

    def allow_decrypting(self, key_arn: str) -> None:
        """Allow decrypting objects in S3 with a KMS key, in the inline policy of the role."""
        self._document.add_statements(decrypting(key_arn))

    def allow_encrypting_volumes(self, key_arn: str) -> None:
        """Allow SageMaker to encrypt the volumes of the instances with a KMS key, in the inline policy of the role."""
        self._document.add_statements(encrypting_volumes(key_arn))

    def allow_capturing(self, destination: str, key_arn: str | None) -> None:
        """Allow SageMaker to write captured requests and responses under a prefix, encrypted with the KMS
        key if given.
        """
        self._document.add_statements(*capturing(destination, key_arn))
        bucket, prefix = bucket_and_prefix(destination)
        wildcard = f"arn:<AWS::Partition>:s3:::{bucket}/{prefix}*"
        for_wildcards(self, [(wildcard, "SageMaker chooses the names of the objects under this prefix")])

    def _reference_to(self, bucket: str) -> str | None:
        """Return a bucket of this stack in cdk-nag's notation, `<LogicalId>`; None for any other CDK token."""
        value = Stack.of(self).resolve(bucket)
        return f"<{value['Ref']}>" if isinstance(value, dict) and set(value) == {"Ref"} else None


def reading(artifact: Artifact) -> Iterator[iam.PolicyStatement]:
    """Yield the statements that allow reading all objects under a prefix."""
    bucket, prefix = bucket_and_prefix(artifact.url)
    owner = {"StringEquals": {"aws:ResourceAccount": artifact.account or ACCOUNT_ID}}
    objects, bucket_arn = f"arn:{PARTITION}:s3:::{bucket}/{prefix}*", f"arn:{PARTITION}:s3:::{bucket}"
    yield iam.PolicyStatement.from_json({**_allow(["s3:GetObject"], [objects]), "Condition": owner})
    listed = {**owner, "StringLike": {"s3:prefix": [f"{prefix}*"]}}
    yield iam.PolicyStatement.from_json({**_allow(["s3:ListBucket"], [bucket_arn]), "Condition": listed})


def capturing(destination: str, key_arn: str | None) -> Iterator[iam.PolicyStatement]:
    """Yield the statements that allow writing captured requests into a bucket of the stack's account.

    Source: SageMaker developer guide, data capture; S3 user guide, SSE-KMS: a write needs kms:GenerateDataKey, and a
    multipart upload also needs kms:Decrypt.
    """
    bucket, prefix = bucket_and_prefix(destination)
    owner = {"StringEquals": {"aws:ResourceAccount": ACCOUNT_ID}}
    objects = f"arn:{PARTITION}:s3:::{bucket}/{prefix}*"
    yield iam.PolicyStatement.from_json({**_allow(["s3:PutObject"], [objects]), "Condition": owner})
    if key_arn:
        yield _through_s3(["kms:GenerateDataKey", "kms:Decrypt"], key_arn)


def decrypting(key_arn: str) -> iam.PolicyStatement:
    """Return the statement that allows kms:Decrypt for requests through S3 only."""
    return _through_s3(["kms:Decrypt"], key_arn)


def _through_s3(actions: list[str], key_arn: str) -> iam.PolicyStatement:
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.{URL_SUFFIX}"}}
    return iam.PolicyStatement.from_json({**_allow(actions, [key_arn]), "Condition": through_s3})


def encrypting_volumes(key_arn: str) -> iam.PolicyStatement:
    """Return the statement that allows SageMaker to create a KMS grant for each volume.

    Source: SageMaker developer guide, execution roles: kms:CreateGrant for a volume key.
    """
    for_resources = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return iam.PolicyStatement.from_json({**_allow(["kms:CreateGrant"], [key_arn]), "Condition": for_resources})


@cache
def _sagemaker() -> iam.ServicePrincipal:
    """Return SageMaker's service principal, limited to the account of the stack. All roles share the cached object."""
    return iam.ServicePrincipal(SAGEMAKER_PRINCIPAL, conditions={"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}})


def _statements(
    containers: Sequence[ServingContainer], log_groups: Sequence[str], *, in_vpc: bool
) -> list[dict[str, Any]]:
    repositories = sorted({container.repository_arn for container in containers})
    # SageMaker publishes the metrics of hosting in namespaces of this form (developer guide, monitoring-cloudwatch).
    of_hosting = {"StringLike": {"cloudwatch:namespace": [f"{MetricNamespace.HOSTING}*"]}}
    statements = [
        _allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories),
        # These actions do not support resource-level permissions: IAM accepts only `*`.
        _allow(["ecr:GetAuthorizationToken"], ["*"]),
        {**_allow(["cloudwatch:PutMetricData"], ["*"]), "Condition": of_hosting},
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}" for group in log_groups],
        ),
    ]
    if in_vpc:
        statements.append(_allow(NETWORK_ACTIONS, ["*"]))
    return statements


def _wildcards(log_groups: Sequence[str], *, in_vpc: bool) -> Iterator[tuple[str, str]]:
    """Yield every resource with a `*` except S3 prefixes, in cdk-nag's notation, and the reason for the wildcard."""
    network = "; the EC2 actions for the VPC need * because the network interfaces do not exist yet" if in_vpc else ""
    yield "*", f"ecr:GetAuthorizationToken and cloudwatch:PutMetricData accept no resource but *{network}"
    for group in log_groups:
        resource = f"arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{group}"
        if group in LOG_GROUPS:
            yield resource, "SageMaker names the log groups after components and endpoints that do not exist yet"
        else:
            yield resource, "SageMaker names the streams of this log group"


def _weights(containers: Sequence[ServingContainer]) -> Iterator[Artifact]:
    """Yield the weights in S3 of all containers."""
    for container in containers:
        if container.weights is not None:
            yield Artifact(container.weights, container.weights_account)


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
