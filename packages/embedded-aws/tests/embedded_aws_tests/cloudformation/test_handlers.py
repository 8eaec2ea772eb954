"""Every type is made, changed and deleted through its service, and the service agrees."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws_tests.cloudformation.conftest import REGION, Account

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        },
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    },
}
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def get(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


EVERYTHING: dict[str, Any] = {
    "Role": ROLE,
    "Inline": {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyName": "inline", "PolicyDocument": DOCUMENT, "Roles": [ref("Role")]},
    },
    "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": DOCUMENT, "Roles": [ref("Role")]}},
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {"Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 30}]},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        },
    },
    "BucketPolicy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": ref("Bucket"),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            },
        },
    },
    "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
    "LogAccess": {
        "Type": "AWS::Logs::ResourcePolicy",
        "Properties": {"PolicyName": "writers", "PolicyDocument": json.dumps(DOCUMENT)},
    },
    "Setting": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": get("Bucket", "Arn")}},
    "Images": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryPolicyText": DOCUMENT}},
    "Key": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True, "Description": "of weights"}},
    "KeyName": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/weights", "TargetKeyId": ref("Key")}},
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "alarms"}},
    "TopicPolicy": {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [ref("Topic")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": ref("Topic"),
                    }
                ],
            },
        },
    },
    "Subscriber": {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": ref("Topic"), "Protocol": "email", "Endpoint": "someone@example.com"},
    },
    "Token": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "GenerateSecretString": {"SecretStringTemplate": '{"user": "hub"}', "GenerateStringKey": "token"}
        },
    },
    "Model": {
        "Type": "AWS::SageMaker::Model",
        "Properties": {
            "ExecutionRoleArn": get("Role", "Arn"),
            "PrimaryContainer": {"Image": "image", "Environment": {"SM_NUM_GPUS": 1}},
        },
    },
    "Configuration": {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {
            "ExecutionRoleArn": get("Role", "Arn"),
            "ProductionVariants": [
                {"VariantName": "AllTraffic", "InstanceType": "ml.p4d.24xlarge", "InitialInstanceCount": 1}
            ],
        },
    },
    "Endpoint": {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointConfigName": get("Configuration", "EndpointConfigName")},
    },
    "Component": {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": get("Endpoint", "EndpointName"),
            "VariantName": "AllTraffic",
            "RuntimeConfig": {"CopyCount": "8"},
            "Specification": {
                "ModelName": get("Model", "ModelName"),
                "ComputeResourceRequirements": {
                    "NumberOfAcceleratorDevicesRequired": 1,
                    "MinMemoryRequiredInMb": 1024,
                },
            },
        },
    },
    "Target": {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            # moto's list of dimensions is older than inference components.
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"},
            "MinCapacity": 1,
            "MaxCapacity": 8,
        },
    },
    "Scaling": {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "requests",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": ref("Target"),
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 5,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            },
        },
    },
    "Alarm": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "NoCapacityInvocationFailures",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "AlarmActions": [ref("Scaling")],
        },
    },
    "Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": '{"widgets": []}'}},
    "Note": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}},
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
}


SERVING = json.loads(
    json.dumps({name: EVERYTHING[name] for name in ("Model", "Configuration", "Endpoint", "Component")}).replace(
        json.dumps(get("Role", "Arn")), '"arn:aws:iam::123456789012:role/serving"'
    )
)
"""What needs nothing but SageMaker."""


def test_the_example_has_every_type() -> None:
    assert {resource["Type"] for resource in EVERYTHING.values()} == set(HANDLERS)


def test_every_type_is_made_changed_and_deleted(account: Account) -> None:
    created = account.create(EVERYTHING)
    assert created["StackStatus"] == "CREATE_COMPLETE", account.failures()

    changed = json.loads(json.dumps(EVERYTHING))
    changed["Role"]["Properties"] |= {"Description": "serves", "ManagedPolicyArns": []}
    changed["Inline"]["Properties"]["PolicyName"] = "renamed"
    changed["Managed"]["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "s3:ListBucket"
    del changed["Bucket"]["Properties"]["LifecycleConfiguration"]
    changed["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "s3:ListBucket"
    del changed["Log"]["Properties"]["RetentionInDays"]
    changed["LogAccess"]["Properties"]["PolicyDocument"] = "{}"
    changed["Setting"]["Properties"]["Value"] = "other"
    changed["Images"]["Properties"]["ImageTagMutability"] = "IMMUTABLE"
    changed["Key"]["Properties"] = {"EnableKeyRotation": False, "Description": "of all weights"}
    changed["Topic"]["Properties"]["DisplayName"] = "alerts"
    changed["TopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "SNS:Publish"
    changed["Subscriber"]["Properties"]["RawMessageDelivery"] = False
    changed["Token"]["Properties"]["Description"] = "of the hub"
    changed["Component"]["Properties"]["RuntimeConfig"]["CopyCount"] = 4
    changed["Target"]["Properties"]["MaxCapacity"] = 4
    changed["Scaling"]["Properties"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = 6
    changed["Alarm"]["Properties"]["Threshold"] = 2
    changed["Board"]["Properties"]["DashboardBody"] = '{"widgets": [], "start": "-PT1H"}'
    changed["Note"]["Properties"]["Analytics"] = "v3"
    ids = {name: account.physical_id(name) for name in EVERYTHING}

    updated = account.update(changed)

    assert updated["StackStatus"] == "UPDATE_COMPLETE", account.failures()
    assert {name: account.physical_id(name) for name in EVERYTHING} == ids
    role = boto3.client("iam")
    assert role.list_role_policies(RoleName=ids["Role"])["PolicyNames"] == ["renamed"]
    attached = role.list_attached_role_policies(RoleName=ids["Role"])["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [ids["Managed"]]
    assert boto3.client("ssm", REGION).get_parameter(Name=ids["Setting"])["Parameter"]["Value"] == "other"
    (log_access,) = boto3.client("logs", REGION).describe_resource_policies()["resourcePolicies"]
    assert (log_access["policyName"], log_access["policyDocument"]) == ("writers", "{}")
    (alarm,) = boto3.client("cloudwatch", REGION).describe_alarms(AlarmNames=[ids["Alarm"]])["MetricAlarms"]
    assert alarm["Threshold"] == 2
    (component,) = account.sagemaker.named("InferenceComponent").values()
    assert component["RuntimeConfig"] == {"CopyCount": 4}

    assert account.delete()["StackStatus"] == "DELETE_COMPLETE", account.failures(updated["StackId"])
    assert account.sagemaker.live == {}
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("s3", REGION).list_buckets()["Buckets"] == []
    assert boto3.client("logs", REGION).describe_log_groups()["logGroups"] == []
    assert boto3.client("logs", REGION).describe_resource_policies()["resourcePolicies"] == []
    assert boto3.client("cloudwatch", REGION).describe_alarms()["MetricAlarms"] == []
    assert boto3.client("sns", REGION).list_topics()["Topics"] == []
    scaling = boto3.client("application-autoscaling", REGION)
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_names_are_generated_as_the_real_ones(account: Account) -> None:
    stack = "a-stack-with-quite-a-long-name-that-leaves-little-room"
    few = {name: EVERYTHING[name] for name in ("Role", "Bucket", "Log", "Setting")} | {"Model": SERVING["Model"]}
    account.create(few, stack)

    names = {name: account.physical_id(name, stack) for name in few}

    assert names["Role"].startswith("a-stack-with-quite")
    assert "-Role-" in names["Role"]
    assert len(names["Role"]) <= 64
    assert names["Bucket"] == names["Bucket"].lower()
    assert len(names["Bucket"]) <= 63
    model = names["Model"].rsplit("/", 1)[-1]
    assert model.startswith("Model-")
    assert len(model) == len("Model-") + 12


@pytest.mark.parametrize("length", [10, 60, 200])
def test_sagemakers_names_stay_within_63_letters(account: Account, length: int) -> None:
    logical_id = "M" * length
    account.create(
        {
            logical_id: {
                "Type": "AWS::SageMaker::Model",
                "Properties": {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/r"},
            }
        }
    )

    (name,) = account.sagemaker.named("Model")
    assert len(name) <= 63


def test_the_tags_of_a_stack_are_on_what_it_makes(account: Account) -> None:
    account.create({"Topic": EVERYTHING["Topic"]}, Tags=[{"Key": "team", "Value": "serving"}])
    arn = account.physical_id("Topic")

    client = boto3.client("sns", REGION)
    tags = {one["Key"]: one["Value"] for one in client.list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert (tags["team"], tags["aws:cloudformation:logical-id"]) == ("serving", "Topic")

    account.update({"Topic": EVERYTHING["Topic"]}, Tags=[{"Key": "team", "Value": "platform"}])
    assert {"Key": "team", "Value": "platform"} in client.list_tags_for_resource(ResourceArn=arn)["Tags"]


def test_a_property_that_no_handler_provisions_is_refused_and_not_left_out(account: Account) -> None:
    stack = account.create(
        {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {"IndexDocument": "a"}}}}
    )

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "does not provision WebsiteConfiguration of AWS::S3::Bucket" in account.reason("Bucket", "CREATE_FAILED")


def test_only_the_number_of_copies_changes_by_the_runtime_configuration(account: Account) -> None:
    account.create(SERVING)
    changed = json.loads(json.dumps(SERVING))
    changed["Component"]["Properties"]["RuntimeConfig"]["CopyCount"] = 2
    account.sagemaker.calls.clear()

    account.update(changed)

    assert account.sagemaker.calls == ["UpdateInferenceComponentRuntimeConfig"]


def test_a_component_is_neither_renamed_nor_moved(account: Account) -> None:
    account.create(SERVING)
    changed = json.loads(json.dumps(SERVING))
    changed["Component"]["Properties"]["VariantName"] = "Other"

    assert account.update(changed)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "can be neither renamed nor moved" in account.reason("Component", "UPDATE_FAILED")


def test_a_component_that_fails_says_why(account: Account) -> None:
    account.sagemaker.failing["CreateInferenceComponent"] = "There is not enough hardware"

    assert account.create(SERVING)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "There is not enough hardware" in account.reason("Component", "CREATE_FAILED")
    assert account.sagemaker.live == {}


def test_throttled_calls_are_repeated(account: Account) -> None:
    account.sagemaker.throttled = 3

    assert account.create(SERVING)["StackStatus"] == "CREATE_COMPLETE"
    assert account.sagemaker.calls.count("CreateModel") + account.sagemaker.calls.count("CreateEndpointConfig") == 5


@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}, {"Version": "2012-10-17"}])
def test_a_policy_in_either_version_of_the_language_is_taken(account: Account, version: dict[str, str]) -> None:
    """AWS refuses other versions alone: cdk-preflight 1.9.1, rule pf-iam-policy-version."""
    policy = {"PolicyName": "read", "PolicyDocument": {**version, "Statement": DOCUMENT["Statement"]}}
    role = {**ROLE, "Properties": {**ROLE["Properties"], "Policies": [policy]}}  # type: ignore[dict-item]

    assert account.create({"Role": role})["StackStatus"] == "CREATE_COMPLETE"
