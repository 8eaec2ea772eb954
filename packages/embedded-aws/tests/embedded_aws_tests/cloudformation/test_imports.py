"""Imports: a stack takes over what exists already and touches nothing but tags; all else is refused in AWS's words.

The expected messages are AWS's answers by ministackorg/ministack, tests/test_cfn_import_change_set.py, where a test
names no other source.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from embedded_aws.service import ServiceError
from embedded_aws_tests.cloudformation.conftest import Account

ROLE = "arn:aws:iam::123456789012:role/serving"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
CONTAINER = {"Image": "engine:1"}
KEPT = {"DeletionPolicy": "Retain"}

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Llama": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": CONTAINER},
            **KEPT,
        },
        "Configuration": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ProductionVariants": [{"VariantName": "main"}], "ExecutionRoleArn": ROLE},
            **KEPT,
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Configuration", "EndpointConfigName"]}},
            **KEPT,
        },
        "Component": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "Properties": {
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "VariantName": "main",
                "RuntimeConfig": {"CopyCount": 2},
                "Specification": {
                    "ModelName": {"Fn::GetAtt": ["Llama", "ModelName"]},
                    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
                },
            },
            **KEPT,
        },
    }
}


def entry(name: str, kind: str, key: str, value: str) -> dict[str, Any]:
    return {"LogicalResourceId": name, "ResourceType": kind, "ResourceIdentifier": {key: value}}


MODEL = entry("Llama", "AWS::SageMaker::Model", "ModelArn", f"{ARN}model/by-hand")
ENTRIES = [
    MODEL,
    entry("Configuration", "AWS::SageMaker::EndpointConfig", "EndpointConfigArn", f"{ARN}endpoint-config/by-hand"),
    entry("Endpoint", "AWS::SageMaker::Endpoint", "EndpointArn", f"{ARN}endpoint/by-hand"),
    entry(
        "Component",
        "AWS::SageMaker::InferenceComponent",
        "InferenceComponentArn",
        f"{ARN}inference-component/by-hand",
    ),
]
ONLY_MODEL = {"Resources": {"Llama": TEMPLATE["Resources"]["Llama"]}}


@pytest.fixture
def by_hand(account: Account) -> Account:
    """An endpoint with one component that no stack has."""
    sagemaker, name = account.sagemaker, "by-hand"
    tags = [{"Key": "team", "Value": "search"}]
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=CONTAINER, Tags=tags)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[{"VariantName": "main"}]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    specification = {"ModelName": name, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}
    sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName=name,
        VariantName="main",
        Specification=specification,
        RuntimeConfig={"CopyCount": 2},
    )
    sagemaker.calls.clear()
    return account


def change_set(account: Account, template: Any, entries: Any, stack: str = "app", **more: Any) -> dict[str, Any]:
    """A change set of the type IMPORT, as DescribeChangeSet answers."""
    asked = {"ResourcesToImport": entries} if entries else {}
    answer = account(
        "CreateChangeSet",
        StackName=stack,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template),
        **asked,
        **more,
    )
    return dict(account("DescribeChangeSet", ChangeSetName=answer["Id"]))


def imported(account: Account, template: Any, entries: Any, stack: str = "app") -> dict[str, Any]:
    """The stack after an import."""
    made = change_set(account, template, entries, stack)
    assert made["Status"] == "CREATE_COMPLETE", made
    account("ExecuteChangeSet", ChangeSetName=made["ChangeSetId"])
    return account.settle(stack)


def test_a_new_stack_takes_an_endpoint_over_and_asks_sagemaker_for_nothing_but_tags(by_hand: Account) -> None:
    stack = imported(by_hand, TEMPLATE, ENTRIES)

    assert stack["StackStatus"] == "IMPORT_COMPLETE"
    assert by_hand.physical_id("Component") == f"{ARN}inference-component/by-hand"
    # The update that follows an import makes the tags those of the template, which has none.
    assert by_hand.sagemaker.calls == ["DeleteTags"]
    # The events of one resource: realestate-com-au/stackup, issue 96.
    events = [event for event in by_hand.all_events()[::-1] if event["LogicalResourceId"] == "Llama"]
    assert [(event["ResourceStatus"], event.get("ResourceStatusReason")) for event in events] == [
        ("IMPORT_IN_PROGRESS", "Resource import started."),
        ("IMPORT_COMPLETE", "Resource import completed."),
        ("UPDATE_IN_PROGRESS", "Apply stack-level tags to imported resource if applicable."),
        ("UPDATE_COMPLETE", None),
    ]


def test_an_update_after_an_import_changes_in_place(by_hand: Account) -> None:
    imported(by_hand, TEMPLATE, ENTRIES)
    by_hand.sagemaker.calls.clear()
    resources = copy.deepcopy(TEMPLATE["Resources"])
    resources["Component"]["Properties"]["RuntimeConfig"]["CopyCount"] = 3
    for resource in resources.values():
        del resource["DeletionPolicy"]
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}}}

    stack = by_hand.update(resources, Outputs=outputs)

    assert stack["StackStatus"] == "UPDATE_COMPLETE", by_hand.failures()
    assert stack["Outputs"] == [{"OutputKey": "Name", "OutputValue": "by-hand"}]
    assert by_hand.sagemaker.calls == ["UpdateInferenceComponentRuntimeConfig"]
    assert by_hand.sagemaker.named("InferenceComponent")["by-hand"]["RuntimeConfig"] == {"CopyCount": 3}


def test_a_stack_that_is_deleted_right_after_an_import_leaves_what_it_took_over(by_hand: Account) -> None:
    imported(by_hand, TEMPLATE, ENTRIES)
    before = set(by_hand.sagemaker.live)

    assert by_hand.delete()["StackStatus"] == "DELETE_COMPLETE"

    assert set(by_hand.sagemaker.live) == before


def test_an_import_change_set_shows_imports_and_no_replacement(by_hand: Account) -> None:
    made = change_set(by_hand, ONLY_MODEL, [MODEL])

    assert made["Changes"] == [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Import",
                "LogicalResourceId": "Llama",
                "PhysicalResourceId": f"{ARN}model/by-hand",
                "ResourceType": "AWS::SageMaker::Model",
                "Scope": [],
                "Details": [],
            },
        }
    ]


def test_an_import_whose_update_fails_gives_everything_back(by_hand: Account) -> None:
    broken = copy.deepcopy(ONLY_MODEL)
    made = change_set(by_hand, broken, [MODEL])
    by_hand.sagemaker.refuse_tags = "not authorized to perform: sagemaker:DeleteTags"
    by_hand("ExecuteChangeSet", ChangeSetName=made["ChangeSetId"])

    assert by_hand.settle("app")["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    assert ("Llama", "UPDATE_FAILED") in by_hand.events()
    assert by_hand("DescribeStackResources", StackName="app")["StackResources"] == []
    assert "by-hand" in by_hand.sagemaker.named("Model")


@pytest.mark.parametrize(
    ("template", "entries", "message"),
    [
        pytest.param(ONLY_MODEL, [], "Must Provide at least one resource to import", id="none"),
        pytest.param(
            ONLY_MODEL, [MODEL, MODEL], "Every resource to import must have unique LogicalResourceId", id="twice"
        ),
        pytest.param(
            ONLY_MODEL,
            [{**MODEL, "ResourceIdentifier": {"ModelName": "by-hand"}}],
            "Invalid resource identifier for resource type AWS::SageMaker::Model. Expected [ModelArn]",
            id="another key",
        ),
        pytest.param(
            ONLY_MODEL,
            [{**MODEL, "LogicalResourceId": "Other"}],
            "The logical resource ids [Other] provided in ResourceToImport do not exist in the template.",
            id="not in the template",
        ),
        pytest.param(
            ONLY_MODEL,
            [entry("Llama", "AWS::SageMaker::Endpoint", "EndpointArn", f"{ARN}endpoint/by-hand")],
            "Resource type of [Llama] passed in ResourceToImport does not match with resource type defined in the "
            "template. Resource type in ResourceToImport: AWS::SageMaker::Endpoint; Resource type in Template: "
            "AWS::SageMaker::Model.",
            id="another type",
        ),
        pytest.param(
            TEMPLATE,
            [MODEL],
            "Resources [Configuration, Endpoint, Component] is missing from ResourceToImport list",
            id="more than it imports",
        ),
        pytest.param(
            {"Resources": {"Llama": {**TEMPLATE["Resources"]["Llama"], "DeletionPolicy": None}}},
            [MODEL],
            "The following resources to import [Llama] must have DeletionPolicy attribute specified in the template.",
            id="no DeletionPolicy",
        ),
        # awslabs/aws-security-assessment-solution, issue 6
        pytest.param(
            {**ONLY_MODEL, "Outputs": {"Role": {"Value": ROLE}}},
            [MODEL],
            "As part of the import operation, you cannot modify or add [Outputs]",
            id="outputs",
        ),
        # pbudzon/aws-maintenance, issue 16
        pytest.param(
            ONLY_MODEL,
            [entry("Policy", "AWS::IAM::Policy", "Id", "one")],
            "The following resource types are not supported for resource import: AWS::IAM::Policy",
            id="no read handler",
        ),
    ],
)
def test_what_is_no_import_alone_is_refused_and_leaves_no_stack(
    by_hand: Account, template: Any, entries: Any, message: str
) -> None:
    template = json.loads(json.dumps(template), object_hook=_without_nulls)

    with pytest.raises(ServiceError) as refused:
        change_set(by_hand, template, entries)

    assert refused.value.message == message
    assert by_hand("DescribeStacks")["Stacks"] == []


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"RoleARN": "arn:aws:iam::123456789012:role/cdk"}, "RoleArn"),
        (
            {"RoleARN": "arn:aws:iam::123456789012:role/cdk", "Tags": [{"Key": "team", "Value": "search"}]},
            "RoleArn, Tags",
        ),
    ],
)
def test_a_new_stack_takes_neither_a_role_nor_tags_while_it_imports(
    by_hand: Account, more: dict[str, Any], named: str
) -> None:
    # aws/aws-cdk, issue 24954: `cdk import` into a stack that does not exist, with the role of the bootstrap
    with pytest.raises(ServiceError, match=rf"you cannot modify or add \[{named}\]"):
        change_set(by_hand, ONLY_MODEL, [MODEL], **more)


def test_an_import_into_a_stack_keeps_what_it_has(by_hand: Account) -> None:
    imported(by_hand, ONLY_MODEL, [MODEL])
    changed = copy.deepcopy(TEMPLATE)
    changed["Resources"]["Llama"]["Properties"]["PrimaryContainer"] = {"Image": "engine:2"}

    with pytest.raises(ServiceError, match=r"You have modified resources \[Llama\] in your template"):
        change_set(by_hand, changed, ENTRIES[1:])
    with pytest.raises(ServiceError, match=r"Resources \[Llama\] passed in ResourceToImport are already in a stack"):
        change_set(by_hand, TEMPLATE, ENTRIES)

    assert imported(by_hand, TEMPLATE, ENTRIES[1:])["StackStatus"] == "IMPORT_COMPLETE"


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (
            [{**MODEL, "ResourceIdentifier": {"ModelArn": f"{ARN}model/ghost"}}],
            f"Resource of type 'AWS::SageMaker::Model' with identifier '{ARN}model/ghost' was not found.",
        ),
        ([MODEL], f"{ARN}model/by-hand already exists in stack "),
    ],
    ids=["not there", "of another stack"],
)
def test_an_identifier_of_nothing_or_of_another_stacks_resource_fails_the_change_set(
    by_hand: Account, entries: Any, reason: str
) -> None:
    imported(by_hand, ONLY_MODEL, [MODEL], stack="first")

    made = change_set(by_hand, ONLY_MODEL, entries, stack="second")

    assert (made["Status"], made["ExecutionStatus"], made["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert made["StatusReason"].startswith(reason)
