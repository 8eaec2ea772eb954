"""CloudFormation with moto in this process behind it, and a small double in place of SageMaker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from moto import mock_aws

from embedded_aws.clock import Clock
from embedded_aws.cloudformation import CloudFormation
from embedded_aws.faults import Faults
from embedded_aws.service import Answer, Surroundings
from embedded_aws_tests.calling import called
from embedded_aws_tests.cloudformation.sagemaker_double import SageMakerDouble

REGION = "us-east-1"
_MODEL = botocore.session.get_session().get_service_model("cloudformation")


@dataclass(frozen=True)
class InProcess(Surroundings):
    sagemaker: SageMakerDouble = field(default_factory=SageMakerDouble)

    def new_client(self, service: str) -> Any:
        return self.sagemaker if service == "sagemaker" else _client(service, self.region)


@cache
def _client(service: str, region: str) -> Any:
    """One client for all tests. moto, which answers it, starts empty in each."""
    return boto3.client(service, region_name=region)


class Account:
    """Calls CloudFormation as a user does: parameters and answers are held against botocore's model."""

    def __init__(self, service: CloudFormation, sagemaker: SageMakerDouble) -> None:
        self.service = service
        self.sagemaker = sagemaker

    def __call__(self, operation: str, **parameters: Any) -> Answer:
        model = _MODEL.operation_model(operation)
        report = ParamValidator().validate(parameters, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        return called(self.service, operation, parameters)

    def settle(self, stack: str) -> dict[str, Any]:
        """The stack once nothing is in progress any more."""
        deadline = time.monotonic() + 180
        while True:
            (described,) = self("DescribeStacks", StackName=stack)["Stacks"]
            if (
                not described["StackStatus"].endswith("_IN_PROGRESS")
                or described["StackStatus"] == "REVIEW_IN_PROGRESS"
            ):
                return dict(described)
            assert time.monotonic() < deadline, described
            time.sleep(0.002)

    def create(self, resources: dict[str, Any], stack: str = "app", **more: Any) -> dict[str, Any]:
        return self.settle(self("CreateStack", **_request(resources, stack, more))["StackId"])

    def update(self, resources: dict[str, Any], stack: str = "app", **more: Any) -> dict[str, Any]:
        return self.settle(self("UpdateStack", **_request(resources, stack, more))["StackId"])

    def delete(self, stack: str = "app") -> dict[str, Any]:
        (described,) = self("DescribeStacks", StackName=stack)["Stacks"]
        self("DeleteStack", StackName=stack)
        return self.settle(described["StackId"])

    def all_events(self, stack: str = "app") -> list[dict[str, Any]]:
        """Every event, newest first."""
        events: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self("DescribeStackEvents", StackName=stack, **token)
            events += answer["StackEvents"]
            if "NextToken" not in answer:
                return events
            token = {"NextToken": answer["NextToken"]}

    def events(self, stack: str = "app") -> list[tuple[str, str]]:
        """Logical id and status of each event, oldest first."""
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(self.all_events(stack))]

    def failures(self, stack: str = "app") -> list[str]:
        """What the events say of failures."""
        failed = [one for one in self.all_events(stack) if one["ResourceStatus"].endswith("_FAILED")]
        return [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}" for one in failed]

    def reason(self, logical_id: str, status: str, stack: str = "app") -> str:
        """The reason of the newest event of a resource with a status."""
        for event in self.all_events(stack):
            if (event["LogicalResourceId"], event["ResourceStatus"]) == (logical_id, status):
                return str(event.get("ResourceStatusReason"))
        raise AssertionError(f"no event {logical_id} {status}")

    def physical_id(self, logical_id: str, stack: str = "app") -> str:
        detail = self("DescribeStackResource", StackName=stack, LogicalResourceId=logical_id)["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])


def _request(resources: dict[str, Any], stack: str, more: dict[str, Any]) -> dict[str, Any]:
    sections = {key: more.pop(key) for key in list(more) if key in SECTIONS}
    body = json.dumps({"Resources": resources, **sections})
    return {"StackName": stack, "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"], **more}


SECTIONS = ("Outputs", "Conditions", "Mappings", "Rules", "Description", "Transform", "TemplateParameters")


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        sagemaker = SageMakerDouble()
        service = CloudFormation(InProcess(REGION, "http://127.0.0.1:5000", Clock(6000), Faults(), sagemaker=sagemaker))
        yield Account(service, sagemaker)
        service.shutdown()
