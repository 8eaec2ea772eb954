"""The same change has one answer: from two templates, from a review, and from a change set for the deployed stack."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from embedded_aws_tests.cloudformation.conftest import Account
from replicas.review.effects import Kind, effects
from replicas.template.changes import Fate, serving_changes
from replicas.template.differences import differences
from replicas.template.updates import Outcome

Resources = dict[str, Any]
ANSWERS = {
    ("Add", None): {Outcome.CREATED},
    ("Remove", None): {Outcome.DELETED},
    ("Modify", "True"): {Outcome.REPLACED},
    ("Modify", "Conditional"): {Outcome.MAY_BE_REPLACED},
    ("Modify", "False"): {Outcome.UPDATED, Outcome.ROLLED},
}


def deployed() -> Resources:
    """A role, a model in it, an endpoint with one component, and a bucket."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1}
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "PrimaryContainer": {"Image": "one", "Environment": {"ROLE": {"Fn::Sub": "role ${Role}"}}},
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "ProductionVariants": [variant]},
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "chat",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Llama": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "Properties": {
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "VariantName": "AllTraffic",
                "RuntimeConfig": {"CopyCount": 1},
                "Specification": {
                    "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
                },
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket"},
    }


def put(logical_id: str, value: object, *path: str) -> Callable[[Resources], None]:
    def change(resources: Resources) -> None:
        place = resources[logical_id].setdefault("Properties", {})
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def without(logical_id: str) -> Callable[[Resources], None]:
    return lambda resources: resources.pop(logical_id)


def with_topic(resources: Resources) -> None:
    resources["Topic"] = {"Type": "AWS::SNS::Topic"}


def in_other_words(resources: Resources) -> None:
    resources["Endpoint"]["Properties"]["EndpointName"] = {"Fn::Join": ["", ["ch", "at"]]}


POLICY = {
    "PolicyName": "read",
    "PolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    },
}
CHANGES: dict[str, tuple[Callable[[Resources], None], dict[str, Outcome]]] = {
    "nothing": (lambda _: None, {}),
    "other words for the same": (in_other_words, {}),
    "more copies": (put("Llama", 2, "RuntimeConfig", "CopyCount"), {"Llama": Outcome.UPDATED}),
    "more memory": (
        put("Llama", 2048, "Specification", "ComputeResourceRequirements", "MinMemoryRequiredInMb"),
        {"Llama": Outcome.ROLLED},
    ),
    "another image": (
        put("Model", "two", "PrimaryContainer", "Image"),
        {"Model": Outcome.REPLACED, "Llama": Outcome.ROLLED},
    ),
    "another network": (
        put("Config", True, "EnableNetworkIsolation"),
        {"Config": Outcome.REPLACED, "Endpoint": Outcome.UPDATED},
    ),
    "tags of a configuration": (put("Config", [{"Key": "a", "Value": "b"}], "Tags"), {"Config": Outcome.UPDATED}),
    "another endpoint": (
        put("Endpoint", "talk", "EndpointName"),
        {"Endpoint": Outcome.REPLACED, "Llama": Outcome.UPDATED},
    ),
    "another policy of the role": (
        put("Role", [POLICY], "Policies"),
        {
            "Role": Outcome.UPDATED,
            "Model": Outcome.MAY_BE_REPLACED,
            "Config": Outcome.MAY_BE_REPLACED,
            "Endpoint": Outcome.UPDATED,
            "Llama": Outcome.ROLLED,
        },
    ),
    "another role": (
        put("Role", "serving", "RoleName"),
        {
            "Role": Outcome.REPLACED,
            "Model": Outcome.REPLACED,
            "Config": Outcome.REPLACED,
            "Endpoint": Outcome.UPDATED,
            "Llama": Outcome.ROLLED,
        },
    ),
    "one more resource": (with_topic, {"Topic": Outcome.CREATED}),
    "one resource less": (without("Bucket"), {"Bucket": Outcome.DELETED}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_templates_and_a_change_set_give_the_same_answer(account: Account, name: str) -> None:
    change, expected = CHANGES[name]
    old, new = deployed(), copy.deepcopy(deployed())
    change(new)
    assert account.create(old)["StackStatus"] == "CREATE_COMPLETE", account.failures()

    account(
        "CreateChangeSet",
        StackName="app",
        ChangeSetName="change",
        TemplateBody=json.dumps({"Resources": new}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    described = account("DescribeChangeSet", StackName="app", ChangeSetName="change")
    answered = {
        resource["LogicalResourceId"]: ANSWERS[resource["Action"], resource.get("Replacement")]
        for entry in described["Changes"]
        for resource in [entry["ResourceChange"]]
    }
    planned = differences({"Resources": old}, {"Resources": new}, region="us-east-1")
    outcomes = {key: each.outcome for key, each in planned.items() if each.outcome is not Outcome.UNCHANGED}

    assert outcomes == expected
    assert outcomes.keys() == answered.keys()
    assert all(outcomes[key] in answered[key] for key in outcomes)


@pytest.mark.parametrize(
    ("name", "kinds", "fates"),
    [
        ("nothing", set(), set()),
        ("more copies", {Kind.COPIES}, set()),
        ("more memory", {Kind.ROLL}, set()),
        ("another image", {Kind.ROLL}, set()),
        ("another network", {Kind.ENDPOINT_UPDATE}, set()),
        ("tags of a configuration", set(), set()),
        ("another endpoint", set(), {Fate.REPLACED, Fate.STUCK}),
        ("another policy of the role", {Kind.BESIDE}, set()),
        ("another role", {Kind.BESIDE, Kind.ROLL, Kind.ENDPOINT_UPDATE}, set()),
        ("one more resource", {Kind.BESIDE}, set()),
        ("one resource less", {Kind.BESIDE}, set()),
    ],
)
def test_a_review_says_what_surely_happens(name: str, kinds: set[Kind], fates: set[Fate]) -> None:
    old, new = deployed(), copy.deepcopy(deployed())
    CHANGES[name][0](new)
    templates = {"Resources": old}, {"Resources": new}

    assert {effect.kind for effect in effects(*templates)} == kinds
    assert {change.fate for change in serving_changes(*templates)} == fates
