"""moto's CloudFormation models: the adapter uses the right ones, and the others still have their faults.

A test here that fails after an update of moto says that a handler can go: the model has become right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.handlers.moto_model import OWN_HANDLERS, MotoModel
from embedded_aws.service import ACCOUNT
from embedded_aws_tests.cloudformation.conftest import REGION, Account

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
SERVICES = ("ApplicationAutoScaling", "CloudWatch::Alarm", "SageMaker")


@cache
def _models() -> Any:
    """moto's models by resource type. The first call imports all services of moto."""
    from moto.cloudformation.parsing import get_model_map

    return get_model_map()


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        yield


def created(resource_type: str, properties: dict[str, Any], name: str = "resource") -> Any:
    return _models()[resource_type].create_from_cloudformation_json(name, {"Properties": properties}, ACCOUNT, REGION)


def updated(resource_type: str, original: Any, properties: dict[str, Any], name: str = "resource") -> Any:
    return _models()[resource_type].update_from_cloudformation_json(
        original, name, {"Properties": properties}, ACCOUNT, REGION
    )


def client(service: str) -> Any:
    return boto3.client(service, REGION)


# ---- which types have a handler of their own, and why


def test_every_type_has_the_adapter_or_a_reason() -> None:
    adapted = {resource_type for resource_type, handler in HANDLERS.items() if isinstance(handler, MotoModel)}

    assert adapted == {"AWS::IAM::Policy", "AWS::Logs::ResourcePolicy"}
    assert adapted.isdisjoint(OWN_HANDLERS)
    assert adapted | set(OWN_HANDLERS) == set(HANDLERS)


def test_types_without_a_model_have_none() -> None:
    without = {name for name, reason in OWN_HANDLERS.items() if reason == "moto has no model of the type"}
    ours = {name for name in OWN_HANDLERS if any(service in name for service in SERVICES)}

    assert without == set(OWN_HANDLERS) - set(_models()) - ours


def test_models_without_an_update_have_none() -> None:
    stuck = {name for name, reason in OWN_HANDLERS.items() if reason == "moto's model cannot be updated"}

    for name in stuck:
        assert hasattr(_models()[name].update_from_cloudformation_json, "__isabstractmethod__"), name
    assert stuck == {"AWS::IAM::ManagedPolicy", "AWS::KMS::Key", "AWS::Logs::LogGroup"}


def role_leaves_out_managed_policies() -> bool:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    role = {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [arn], "MaxSessionDuration": 7200}
    original = created("AWS::IAM::Role", role)
    before = client("iam").get_role(RoleName="resource")["Role"]["MaxSessionDuration"]
    updated("AWS::IAM::Role", original, {**role, "RoleName": "resource"})
    attached = client("iam").list_attached_role_policies(RoleName="resource")["AttachedPolicies"]
    after = client("iam").get_role(RoleName="resource")["Role"]["MaxSessionDuration"]
    return (attached, before, after) == ([], 7200, 3600)


def bucket_leaves_out_settings() -> bool:
    created("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}})
    return "Status" not in client("s3").get_bucket_versioning(Bucket="resource")


def parameter_begins_again() -> bool:
    parameter = {"Name": "resource", "Type": "String", "Value": "1"}
    updated("AWS::SSM::Parameter", created("AWS::SSM::Parameter", parameter), {**parameter, "Value": "2"})
    return bool(client("ssm").get_parameter(Name="resource")["Parameter"]["Version"] == 1)


def topic_loses_its_subscriptions() -> bool:
    topic = created("AWS::SNS::Topic", {})
    client("sns").subscribe(TopicArn=topic.arn, Protocol="email", Endpoint="someone@example.com")
    updated("AWS::SNS::Topic", topic, {"DisplayName": "alarms"})
    return client("sns").list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"] == []


def repository_leaves_out_its_policy() -> bool:
    created("AWS::ECR::Repository", {"RepositoryPolicyText": DOCUMENT})
    ecr = client("ecr")
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName="resource")
    return True


def alias_takes_a_name_in_use() -> bool:
    keys = [client("kms").create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    for key in keys:
        created("AWS::KMS::Alias", {"AliasName": "alias/weights", "TargetKeyId": key})
    return [one["AliasName"] for one in client("kms").list_aliases()["Aliases"]].count("alias/weights") == 2


def dashboard_takes_any_body() -> bool:
    board = created("AWS::CloudWatch::Dashboard", {"DashboardName": "board", "DashboardBody": "no JSON"})
    return updated("AWS::CloudWatch::Dashboard", board, {"DashboardBody": "{}"}, "board").name != "board"


PROBES: dict[str, Callable[[], bool]] = {
    "AWS::CloudWatch::Dashboard": dashboard_takes_any_body,
    "AWS::ECR::Repository": repository_leaves_out_its_policy,
    "AWS::IAM::Role": role_leaves_out_managed_policies,
    "AWS::KMS::Alias": alias_takes_a_name_in_use,
    "AWS::S3::Bucket": bucket_leaves_out_settings,
    "AWS::SNS::Topic": topic_loses_its_subscriptions,
    "AWS::SSM::Parameter": parameter_begins_again,
}


@pytest.mark.parametrize("resource_type", PROBES)
@pytest.mark.usefixtures("moto")
def test_the_fault_of_a_model_is_still_there(resource_type: str) -> None:
    assert PROBES[resource_type](), f"{OWN_HANDLERS[resource_type]}: no longer true, use the adapter"


def test_every_other_reason_has_a_probe() -> None:
    general = {"moto has no model of the type", "moto's model cannot be updated"}
    ours = {name for name in OWN_HANDLERS if any(service in name for service in SERVICES)}

    assert set(PROBES) == {name for name, reason in OWN_HANDLERS.items() if reason not in general} - ours


# ---- the adapter


def policy(**changes: Any) -> dict[str, Any]:
    properties = {"PolicyName": "inline", "PolicyDocument": DOCUMENT, "Roles": ["present"], **changes}
    return {"Inline": {"Type": "AWS::IAM::Policy", "Properties": properties}}


@pytest.fixture
def role(account: Account) -> str:
    boto3.client("iam").create_role(RoleName="present", AssumeRolePolicyDocument=json.dumps(TRUST))
    return "present"


def test_a_refusal_of_moto_is_the_reason_of_the_event(account: Account, role: str) -> None:
    wrong = {"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps", "Action": "x", "Resource": "*"}]}

    assert account.create(policy(PolicyDocument=wrong))["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = account.reason("Inline", "CREATE_FAILED")
    assert "Syntax errors in policy." in reason
    assert "HandlerErrorCode: InvalidRequest" in reason


def test_a_policy_that_fails_halfway_leaves_nothing(account: Account, role: str) -> None:
    stack = account.create(policy(Roles=["present", "absent"]))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: NotFound" in account.reason("Inline", "CREATE_FAILED")
    assert boto3.client("iam").list_role_policies(RoleName=role)["PolicyNames"] == []


def test_a_log_policy_that_somebody_deleted_cannot_be_updated_and_can_be_deleted(account: Account) -> None:
    properties = {"PolicyName": "writers", "PolicyDocument": "{}"}
    resources = {"Access": {"Type": "AWS::Logs::ResourcePolicy", "Properties": properties}}
    account.create(resources)
    client("logs").delete_resource_policy(policyName="writers")

    properties["PolicyDocument"] = "[]"
    assert account.update(resources)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert "Policy with name [writers] does not exist" in account.reason("Access", "UPDATE_FAILED")
    assert account.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_a_policy_that_somebody_deleted_can_be_deleted(account: Account, role: str) -> None:
    account.create(policy())
    boto3.client("iam").delete_role_policy(RoleName=role, PolicyName="inline")

    assert account.delete()["StackStatus"] == "DELETE_COMPLETE"
