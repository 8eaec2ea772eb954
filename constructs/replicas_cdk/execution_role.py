"""The role that SageMaker assumes for an endpoint: what serving needs, on what it needs it, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas_cdk.pseudo import ACCOUNT_ID, PARTITION, REGION
from replicas_cdk.serving_container import ServingContainer

LOG_GROUPS = ("/aws/sagemaker/Endpoints/*", "/aws/sagemaker/InferenceComponents/*")
"""Where SageMaker writes for endpoints. The groups' names end in names that CloudFormation makes later."""


class ExecutionRole(iam.Role):
    """Execution role for an endpoint of inference components.

    Pulls the containers' repositories, reads the weights' prefixes, writes SageMaker's log groups and metrics.
    The policy is part of the role itself, so the role is never seen without it: a Model created right after it
    does not fail for a permission that is still on its way.
    """

    def __init__(self, scope: Construct, construct_id: str, *, containers: Sequence[ServingContainer]) -> None:
        """Grant what these containers need (default trust: sagemaker.amazonaws.com)."""
        document = {"Version": "2012-10-17", "Statement": _statements(containers)}
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            inline_policies={"serve": iam.PolicyDocument.from_json(document)},
        )
        # cdk-nag asks for a reason wherever a resource holds a `*`. Written down here, it holds in every app.
        Validations.of(self).acknowledge(
            *(
                Acknowledgment(id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
                for resource, reason in _wildcards(containers)
            )
        )


def _statements(containers: Sequence[ServingContainer]) -> list[dict[str, Any]]:
    repositories = sorted({container.repository_arn for container in containers})
    statements = [
        _allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories),
        # Neither action knows resources: `*` is the only one they take.
        _allow(["cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"], ["*"]),
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}" for group in LOG_GROUPS],
        ),
    ]
    for bucket, prefix in _weights(containers):
        statements.append(_allow(["s3:GetObject"], [f"arn:{PARTITION}:s3:::{bucket}/{prefix}*"]))
        listing = _allow(["s3:ListBucket"], [f"arn:{PARTITION}:s3:::{bucket}"])
        statements.append({**listing, "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}}})
    return statements


def _wildcards(containers: Sequence[ServingContainer]) -> Iterator[tuple[str, str]]:
    """Every resource with a `*`, as cdk-nag writes it, and why it is there."""
    yield "*", "ecr:GetAuthorizationToken and cloudwatch:PutMetricData know no resources"
    for group in LOG_GROUPS:
        resource = f"arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{group}"
        yield resource, "SageMaker names the log groups after components and endpoints that do not exist yet"
    for bucket, prefix in _weights(containers):
        yield f"arn:<AWS::Partition>:s3:::{bucket}/{prefix}*", "the weights are all objects under this prefix"


def _weights(containers: Sequence[ServingContainer]) -> list[tuple[str, str]]:
    places = (container.weights_bucket_and_prefix for container in containers)
    return list(dict.fromkeys(place for place in places if place))


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
