"""Data capture of an endpoint: its settings by the CloudFormation schema, and what its role may write."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam

from replicas import Component, DataCapture, Deployment, SizingError, plan
from replicas.rules import check
from replicas_cdk import MultiReplicaEndpoint
from tests.synthesis import template_of

KEY = f"arn:aws:kms:us-west-2:123456789012:key/{'0' * 36}"
OWN = {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}
THROUGH_S3 = {"Fn::Join": ["", ["s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]]}
OBJECTS = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::captured/chat/*"]]}


def deployment(**capture: Any) -> Deployment:
    return Deployment(
        name="chat",
        instance_type="ml.g6e.12xlarge",
        data_capture=DataCapture(**{"destination": "s3://captured/chat/", **capture}),
        components=[Component(model="Qwen/Qwen3-8B", tensor_parallel=1, copies=2)],
    )


def template(role: iam.IRole | None = None, stack: cdk.Stack | None = None, **capture: Any) -> dict[str, Any]:
    stack = stack or cdk.Stack()
    MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment(**capture)), role=role)
    return template_of(stack)


def policies(content: dict[str, Any]) -> list[dict[str, Any]]:
    (role,) = [body["Properties"] for body in content["Resources"].values() if body["Type"] == "AWS::IAM::Role"]
    statements: list[dict[str, Any]] = role["Policies"][0]["PolicyDocument"]["Statement"]
    return statements


def test_requests_and_answers_are_captured_as_json() -> None:
    captured = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://captured/chat/",
        "KmsKeyId": KEY,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    found = assertions.Template.from_json(template(percent=20, kms_key=KEY))
    found.has_resource_properties("AWS::SageMaker::EndpointConfig", {"DataCaptureConfig": captured})


def test_the_role_writes_under_the_prefix_and_nowhere_else() -> None:
    statements = policies(template(kms_key=KEY))
    (written,) = [statement for statement in statements if statement["Action"] == "s3:PutObject"]
    assert (written["Resource"], written["Condition"]) == (OBJECTS, OWN)
    (encrypted,) = [statement for statement in statements if "kms:GenerateDataKey" in statement["Action"]]
    assert encrypted["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert encrypted["Resource"] == KEY
    assert encrypted["Condition"] == {"StringEquals": {"kms:ViaService": THROUGH_S3}}


def test_without_a_key_no_right_on_a_key_is_given() -> None:
    assert not [statement for statement in policies(template()) if "kms" in str(statement["Action"])]


def test_what_the_constructs_give_is_what_the_rules_ask_for() -> None:
    content = template(kms_key=KEY)
    assert [warning.rule for warning in check(content, region="us-west-2").warnings] == []
    statements = policies(content)
    statements[:] = [statement for statement in statements if statement["Action"] != "s3:PutObject"]
    (warning,) = check(content, region="us-west-2").warnings
    assert (warning.rule, warning.fix) == (
        "role-cannot-capture",
        "add a statement: Allow s3:PutObject on arn:${AWS::Partition}:s3:::captured/chat/*",
    )


def test_an_imported_role_is_said_to_need_the_rights() -> None:
    stack = cdk.Stack()
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/serving", mutable=False)
    template(role, stack, kms_key=KEY)
    entries = [entry.data for construct in stack.node.find_all() for entry in construct.node.metadata]
    (said,) = [data for data in entries if "PutObject" in str(data)]
    assert f"s3:PutObject on s3://captured/chat/; kms:GenerateDataKey and kms:Decrypt on {KEY}" in said


def test_a_plan_says_that_capture_of_components_is_not_known() -> None:
    (warning,) = [warning for warning in plan(deployment()).warnings if warning.startswith("data_capture=")]
    assert "AWS does not document whether it captures requests to inference components" in warning


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"destination": "s3://captured/chat"}, "s3://bucket/prefix/, with the slash at the end"),
        ({"percent": 0}, "data_capture.percent"),
        ({"kms_key": "alias/captured"}, "the ARN of a KMS key"),
    ],
)
def test_what_sagemaker_would_refuse_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SizingError, match=sentence):
        plan(deployment(**wrong))


def test_a_key_of_another_region_is_refused() -> None:
    given = deployment(kms_key=KEY)
    with pytest.raises(SizingError, match=r"data_capture.kms_key=.* is in us-west-2, the deployment in eu-west-1"):
        plan(Deployment(**{**vars(given), "region": "eu-west-1"}))
