"""Fixtures that deploy a stack of `deployments.py` on an embedded AWS."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.support import embedded, running_aws, settled
from replicas import Deployment

__all__ = [
    "Deploy",
    "create_stack",
    "deploy",
    "embedded",
    "environment",
    "running_aws",
    "scalable",
    "settled",
    "stage_manifests",
]

Deploy = Callable[[str], dict[str, str]]


@pytest.fixture
def deploy(embedded: EmbeddedAws, assembly: Path) -> Iterator[Deploy]:
    """Function that deploys a stack of `deployments.py` by name and returns its outputs; deleted after the test."""
    names: list[str] = []

    def deploy_stack(name: str) -> dict[str, str]:
        names.append(name)
        return create_stack(assembly, name)

    yield deploy_stack
    embedded.faults.clear()
    cloudformation = boto3.client("cloudformation")
    for name in names:
        cloudformation.delete_stack(StackName=name)
    for name in names:
        settled(name)


def create_stack(assembly: Path, name: str) -> dict[str, str]:
    """Deploy the template of an assembly; the stack's outputs."""
    boto3.client("ssm").put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True
    )
    # Without its spaces: CreateStack takes 51,200 bytes, the CDK CLI goes by way of S3.
    body = json.dumps(json.loads((assembly / f"{name}.template.json").read_text()), separators=(",", ":"))
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    stack = settled(name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@contextlib.contextmanager
def scalable(component: str, least: int, most: int) -> Iterator[None]:
    """Copies that a scalable target bounds meanwhile."""
    scaling = boto3.client("application-autoscaling")
    target: Any = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{component}",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=least, MaxCapacity=most)
    yield
    scaling.deregister_scalable_target(**target)


def environment(aws: EmbeddedAws) -> dict[str, str]:
    """For a child process."""
    return {**os.environ, **client_environment(aws.url)}


def stage_manifests(deployment: Deployment, s3: Any) -> None:
    """The manifests that `replicas stage` puts beside weights in S3: they tell stand-ins which model it is."""
    for component in deployment.components:
        if component.weights:
            bucket, _, prefix = component.weights.removeprefix("s3://").partition("/")
            with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
                s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
            s3.put_object(
                Bucket=bucket,
                Key=f"{prefix.rstrip('/')}.manifest.json",
                Body=json.dumps({"repository": component.model}).encode(),
            )
