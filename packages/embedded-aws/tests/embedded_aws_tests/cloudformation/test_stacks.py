"""Stacks as users ask for them: words of refusals, parameters, exports, change sets, restarts."""

from __future__ import annotations

import json
import pickle
import re
import threading
import time
from typing import Any

import boto3
import pytest

from embedded_aws.clock import Clock
from embedded_aws.cloudformation import CloudFormation
from embedded_aws.cloudformation.requests import bucket_and_key
from embedded_aws.faults import Faults
from embedded_aws.service import ServiceError
from embedded_aws_tests.cloudformation.conftest import REGION, Account, InProcess
from embedded_aws_tests.cloudformation.sagemaker_double import SageMakerDouble
from embedded_aws_tests.cloudformation.test_updates import component, model

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


def refused(account: Account, operation: str, **parameters: Any) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        account(operation, **parameters)
    return refusal.value


def body(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{", "JSON not well-formed"),
        ("Resources: [", "YAML not well-formed"),
        ("- a", "unsupported structure"),
        (body({}), "At least one Resources member must be defined"),
        (body({"A": HANDLE}, Resource={}), r"Invalid template property or properties \[Resource\]"),
        (body({"A-b": HANDLE}), "Resource name A-b is non alphanumeric"),
        (body({"A": {"Type": "AWS::Nope::Thing"}}), r"Unrecognized resource types: \[AWS::Nope::Thing\]"),
        (body({"A": {"Type": "AWS::EC2::VPC"}}), "does not provision AWS::EC2::VPC"),
        (body({"A": {"Type": "AWS::CloudFormation::Stack"}}), "does not provision AWS::CloudFormation::Stack"),
        (body({"A": {}}), "Every Resources object must contain a Type member"),
        (body({"A": {**HANDLE, "Propertys": {}}}), "Invalid template resource property 'Propertys'"),
        (
            body({"A": model({"Ref": "B"})}),  # type: ignore[arg-type]
            r"Unresolved resource dependencies \[B\] in the Resources block of the template",
        ),
        (
            body({"A": HANDLE}, Outputs={"O": {"Value": {"Fn::GetAtt": ["A", "Arn"]}}}),
            "resource A does not support attribute type Arn in Fn::GetAtt",
        ),
        (
            body({"A": {**HANDLE, "DependsOn": "B"}, "B": {**HANDLE, "DependsOn": ["A"]}}),
            r"Circular dependency between resources: \[A, B\]",
        ),
        (body({"A": {**HANDLE, "Condition": "C"}}), "Unresolved condition dependency C in the Resources block"),
        (body({"A": model(None)}), "'null' values are not allowed in templates"),  # type: ignore[arg-type]
        (body({"A": HANDLE}, Transform="AWS::Serverless-2016-10-31"), "has no transform AWS::Serverless"),
        (body({"A": HANDLE}, Parameters={"P": {"Type": "String"}}), r"Parameters: \[P\] must have values"),
    ],
)
def test_templates_are_refused_with_the_real_words(account: Account, template: str, words: str) -> None:
    with pytest.raises(ServiceError, match=words) as refusal:
        account("CreateStack", StackName="app", TemplateBody=template)

    assert refusal.value.code == "ValidationError"
    assert account("ListStacks")["StackSummaries"] == []


def test_a_type_is_refused_where_its_region_lacks_it() -> None:
    service = CloudFormation(
        InProcess("us-west-1", "http://127.0.0.1:5000", Clock(), Faults(), sagemaker=SageMakerDouble())
    )
    account = Account(service, SageMakerDouble())

    refusal = refused(account, "ValidateTemplate", TemplateBody=body({"Llama": model(), "C": component("Llama")}))

    assert refusal.message == "Template format error: Unrecognized resource types: [AWS::SageMaker::InferenceComponent]"


def test_roles_need_an_acknowledgement(account: Account) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {}}}

    refusal = refused(account, "CreateStack", StackName="app", TemplateBody=body({"R": role}))

    assert refusal.code == "InsufficientCapabilitiesException"
    assert refusal.message == "Requires capabilities : [CAPABILITY_NAMED_IAM]"


def test_the_words_of_what_does_not_exist_are_those_that_the_cdk_compares(account: Account) -> None:
    assert refused(account, "DescribeStacks", StackName="x").message == "Stack with id x does not exist"
    assert refused(account, "DescribeStackEvents", StackName="x").message == "Stack [x] does not exist"
    account.create({"A": HANDLE})
    gone = refused(account, "DescribeChangeSet", StackName="app", ChangeSetName="x")
    assert gone.code == "ChangeSetNotFound"
    assert account("DeleteStack", StackName="x") == {}


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"Bogus": 1}, r"\[#: extraneous key \[Bogus\] is not permitted\]"),
        ({"EnableNetworkIsolation": "maybe"}, "#/EnableNetworkIsolation: expected type: Boolean, found: String"),
        ({"ModelName": "a b"}, r"#/ModelName: failed validation constraint for keyword \[pattern\]"),
        ({"InferenceExecutionConfig": {}}, r"#/InferenceExecutionConfig: required key \[Mode\] not found"),
        ({"InferenceExecutionConfig": {"Mode": "Both"}}, r"Mode: failed validation constraint for keyword \[enum\]"),
        ({"ModelArn": "arn"}, r"#: extraneous key \[ModelArn\] is not permitted"),
    ],
)
def test_properties_are_held_against_the_schema(account: Account, broken: dict[str, Any], words: str) -> None:
    definition = model()
    definition["Properties"].update(broken)

    assert account.create({"Llama": definition})["StackStatus"] == "ROLLBACK_COMPLETE"
    account.delete()

    reason = account.reason("Llama", "CREATE_FAILED", account("ListStacks")["StackSummaries"][0]["StackId"])
    assert reason.startswith("Properties validation failed for resource Llama with message:\n[")
    assert re.search(words, reason)


def test_scalars_are_made_to_fit(account: Account) -> None:
    wanted = component("Llama")
    wanted["Properties"]["RuntimeConfig"] = {"CopyCount": "3"}
    definition = model()
    definition["Properties"]["EnableNetworkIsolation"] = "true"

    assert account.create({"Llama": definition, "C": wanted})["StackStatus"] == "CREATE_COMPLETE"

    (live,) = account.sagemaker.named("InferenceComponent").values()
    assert live["RuntimeConfig"] == {"CopyCount": 3}


YAML = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: test, AllowedValues: [test, live]}
  Names: {Type: CommaDelimitedList, Default: "a, b,c"}
  Secret: {Type: String, NoEcho: true, Default: hush}
Conditions:
  Live: !Equals [!Ref Stage, live]
  Other: !And [!Not [!Condition Live], !Or [!Equals [1, "1"], !Condition Live]]
Mappings:
  Images: {test: {tag: small}, live: {tag: large}}
Resources:
  Llama:
    Type: AWS::SageMaker::Model
    Properties:
      ExecutionRoleArn: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:role/serving
      EnableNetworkIsolation: !If [Live, true, !Ref "AWS::NoValue"]
      PrimaryContainer:
        Image: !Join [":", [!Select [1, !Ref Names], !FindInMap [Images, !Ref Stage, tag]]]
        Environment: {DATE: 2012-10-17, TOKEN: !Ref Secret, LITERAL: !Sub "${!x}"}
  Spare:
    Type: AWS::SageMaker::Model
    Condition: Live
    Properties: {ExecutionRoleArn: "arn:aws:iam::123456789012:role/serving"}
Outputs:
  Name: {Value: !GetAtt Llama.ModelName}
  Arn: {Value: !Ref Llama, Description: whole}
  Hosts: {Value: !Join [",", !GetAZs ""]}
  Encoded: {Value: !Base64 text}
  Blocks: {Value: !Join [" ", !Cidr [10.0.0.0/24, 2, 4]]}
  Spare: {Value: !Ref Spare, Condition: Live}
"""


def test_yaml_conditions_and_functions(account: Account) -> None:
    account("CreateStack", StackName="app", TemplateBody=YAML)
    stack = account.settle("app")

    (live,) = account.sagemaker.named("Model").values()
    assert live["PrimaryContainer"]["Image"] == "b:small"
    assert live["PrimaryContainer"]["Environment"] == {"DATE": "2012-10-17", "TOKEN": "hush", "LITERAL": "${x}"}
    assert "EnableNetworkIsolation" not in live
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs == {
        "Name": live["ModelName"],
        "Arn": live["ModelArn"],
        "Hosts": "us-east-1a,us-east-1b,us-east-1c",
        "Encoded": "dGV4dA==",
        "Blocks": "10.0.0.0/28 10.0.0.16/28",
    }


def test_hidden_parameters_are_shown_nowhere(account: Account) -> None:
    account("CreateStack", StackName="app", TemplateBody=YAML)
    stack = account.settle("app")
    account(
        "CreateChangeSet",
        StackName="app",
        ChangeSetName="more",
        TemplateBody=YAML,
        Parameters=[{"ParameterKey": "Secret", "ParameterValue": "other-secret"}],
    )

    change_set = account("DescribeChangeSet", StackName="app", ChangeSetName="more", IncludePropertyValues=True)

    shown = json.dumps([stack, account.all_events(), change_set], default=str)
    assert change_set["Changes"]
    assert {"ParameterKey": "Secret", "ParameterValue": "****"} in stack["Parameters"]
    assert "hush" not in shown
    assert "other-secret" not in shown


def test_a_parameter_outside_its_allowed_values_is_refused(account: Account) -> None:
    wrong = [{"ParameterKey": "Stage", "ParameterValue": "both"}]

    refusal = refused(account, "CreateStack", StackName="app", TemplateBody=YAML, Parameters=wrong)

    assert refusal.message == "Parameter 'Stage' must be one of AllowedValues [test, live]"


def test_rules_speak_with_their_own_description(account: Account) -> None:
    boto3.client("ssm", REGION).put_parameter(Name="/version", Value="5", Type="String")
    template = body(
        {"A": HANDLE},
        Parameters={"Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/version"}},
        Rules={
            "Check": {
                "Assertions": [
                    {
                        "Assert": {"Fn::Not": [{"Fn::Contains": [["4", "5"], {"Ref": "Version"}]}]},
                        "AssertDescription": "version 6 required",
                    }
                ]
            }
        },
    )
    assert "version 6 required" in refused(account, "CreateStack", StackName="app", TemplateBody=template).message

    boto3.client("ssm", REGION).put_parameter(Name="/version", Value="6", Type="String", Overwrite=True)
    account("CreateStack", StackName="app", TemplateBody=template)
    (parameter,) = account.settle("app")["Parameters"]
    assert parameter == {"ParameterKey": "Version", "ParameterValue": "/version", "ResolvedValue": "6"}


def test_a_secret_is_resolved_for_the_service_and_stored_nowhere(account: Account) -> None:
    boto3.client("secretsmanager", REGION).create_secret(Name="hub", SecretString='{"token": "hf_secret"}')
    definition = model()
    definition["Properties"]["PrimaryContainer"]["Environment"] = {
        "HF_TOKEN": "{{resolve:secretsmanager:hub:SecretString:token}}"
    }
    account.create({"Llama": definition})

    (live,) = account.sagemaker.named("Model").values()

    assert live["PrimaryContainer"]["Environment"] == {"HF_TOKEN": "hf_secret"}
    assert b"hf_secret" not in pickle.dumps(account.service.state())
    assert "hf_secret" not in json.dumps(account.all_events(), default=str)
    assert (
        refused(account, "UpdateStack", StackName="app", UsePreviousTemplate=True).message
        == "No updates are to be performed."
    )


def test_exports_in_use_hold_their_stack(account: Account) -> None:
    export = {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "shared"}}}
    account.create({"A": HANDLE}, "giver", Outputs=export)
    taker = model({"Fn::ImportValue": "shared"})  # type: ignore[arg-type]
    assert account.create({"Llama": taker}, "taker")["StackStatus"] == "CREATE_COMPLETE"

    assert [one["Name"] for one in account("ListExports")["Exports"]] == ["shared"]
    assert account("ListImports", ExportName="shared")["Imports"] == ["taker"]
    kept = account.delete("giver")
    assert kept["StackStatus"] == "CREATE_COMPLETE"
    assert kept["StackStatusReason"] == "Export shared cannot be deleted as it is in use by taker"
    rolled = account.update({"A": HANDLE, "B": HANDLE}, "giver")
    assert rolled["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    account.delete("taker")
    assert account.delete("giver")["StackStatus"] == "DELETE_COMPLETE"


def test_a_protected_stack_is_not_deleted(account: Account) -> None:
    account.create({"A": HANDLE}, EnableTerminationProtection=True)

    assert "TerminationProtection is enabled" in refused(account, "DeleteStack", StackName="app").message

    account("UpdateTerminationProtection", StackName="app", EnableTerminationProtection=False)
    assert account.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_creates_a_stack(account: Account) -> None:
    made = account(
        "CreateChangeSet",
        StackName="app",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=body({"Llama": model()}),
    )
    assert account.settle("app")["StackStatus"] == "REVIEW_IN_PROGRESS"
    described = account("DescribeChangeSet", ChangeSetName=made["Id"])
    (change,) = described["Changes"]
    assert (change["ResourceChange"]["Action"], described["ExecutionStatus"]) == ("Add", "AVAILABLE")

    account("ExecuteChangeSet", ChangeSetName=made["Id"], ClientRequestToken="mine")

    assert account.settle("app")["StackStatus"] == "CREATE_COMPLETE"
    assert account.all_events()[0]["ClientRequestToken"] == "mine"
    assert account("DescribeChangeSet", ChangeSetName=made["Id"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert refused(account, "DescribeChangeSet", ChangeSetName="first", StackName="app").code == "ChangeSetNotFound"


def test_a_change_set_without_changes_fails_with_the_words_that_the_cdk_compares(account: Account) -> None:
    account.create({"Llama": model()})

    made = account("CreateChangeSet", StackName="app", ChangeSetName="same", TemplateBody=body({"Llama": model()}))

    described = account("DescribeChangeSet", ChangeSetName=made["Id"])
    assert described["Status"] == "FAILED"
    assert described["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert refused(account, "ExecuteChangeSet", ChangeSetName=made["Id"]).code == "InvalidChangeSetStatus"


def test_a_change_set_tells_replacement_and_what_follows_from_it(account: Account) -> None:
    account.create({"Llama": model("one"), "C": component("Llama"), "Old": model("old")})
    wanted = {"Llama": model("two"), "C": component("Llama"), "New": model("new")}

    made = account("CreateChangeSet", StackName="app", ChangeSetName="next", TemplateBody=body(wanted))
    changes = [one["ResourceChange"] for one in account("DescribeChangeSet", ChangeSetName=made["Id"])["Changes"]]

    told = {one["LogicalResourceId"]: (one["Action"], one.get("Replacement")) for one in changes}
    assert told == {
        "Llama": ("Modify", "True"),
        "C": ("Modify", "False"),
        "New": ("Add", None),
        "Old": ("Remove", None),
    }
    (follows,) = next(one for one in changes if one["LogicalResourceId"] == "C")["Details"]
    assert (follows["ChangeSource"], follows["CausingEntity"]) == ("ResourceAttribute", "Llama.ModelName")


def test_what_lasts_as_long_as_its_resource_follows_from_no_change_in_place(account: Account) -> None:
    """A component's ARN is its identifier, an endpoint's name cannot change in place: nothing need be said of users."""
    wanted = {"Llama": model(), "C": component("Llama"), "User": model({"Ref": "C"})}  # type: ignore[arg-type]
    wanted["Other"] = model({"Fn::GetAtt": ["C", "InferenceComponentArn"]})  # type: ignore[arg-type]
    account.create(wanted)
    wanted["C"] = component("Llama", 2)

    made = account("CreateChangeSet", StackName="app", ChangeSetName="next", TemplateBody=body(wanted))

    changes = account("DescribeChangeSet", ChangeSetName=made["Id"])["Changes"]
    assert [one["ResourceChange"]["LogicalResourceId"] for one in changes] == ["C"]


def test_early_validation_says_where_a_property_is_wrong(account: Account) -> None:
    wrong = component("Llama")
    wrong["Properties"]["RuntimeConfig"]["CopyCount"] = "many"

    made = account(
        "CreateChangeSet",
        StackName="app",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=body({"Llama": model(), "C": wrong}),
    )

    described = account("DescribeChangeSet", ChangeSetName=made["Id"])
    assert "AWS::EarlyValidation::PropertyValidation" in described["StatusReason"]
    (event,) = account("DescribeEvents", ChangeSetName=made["Id"], Filters={"FailedEvents": True})["OperationEvents"]
    assert event["ValidationPath"] == "/Resources/C/Properties/RuntimeConfig/CopyCount"


def test_a_template_is_answered_as_it_was_given(account: Account) -> None:
    account("CreateStack", StackName="app", TemplateBody=YAML)

    assert account("GetTemplate", StackName="app", TemplateStage="Original")["TemplateBody"] == YAML
    summary = account("GetTemplateSummary", StackName="app")
    assert [one["ParameterKey"] for one in summary["Parameters"]] == ["Stage", "Names", "Secret"]
    assert summary["ResourceTypes"] == ["AWS::SageMaker::Model"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5000/assets/a/b.json",
        "http://assets.s3.us-east-1.amazonaws.com/a/b.json",
        "https://s3.us-east-1.amazonaws.com/assets/a/b.json",
        "http://assets.localhost:5000/a/b.json",
    ],
)
def test_a_template_is_found_wherever_the_address_has_its_bucket(url: str) -> None:
    endpoint = "http://localhost:5000" if "localhost" in url else "http://127.0.0.1:5000"

    assert bucket_and_key(url, endpoint) == ("assets", "a/b.json")


def test_a_template_is_read_from_s3(account: Account) -> None:
    client = boto3.client("s3", REGION)
    client.create_bucket(Bucket="assets")
    client.put_object(Bucket="assets", Key="app.json", Body=body({"A": HANDLE}))

    account("CreateStack", StackName="app", TemplateURL="http://127.0.0.1:5000/assets/app.json")

    assert account.settle("app")["StackStatus"] == "CREATE_COMPLETE"
    missing = refused(account, "CreateStack", StackName="b", TemplateURL="http://127.0.0.1:5000/assets/none.json")
    assert missing.message == "S3 error: The specified key does not exist."


def test_long_lists_come_in_pages(account: Account) -> None:
    wanted = {f"Handle{number}": HANDLE for number in range(120)}
    account.create(wanted)

    first = account("ListStackResources", StackName="app")
    second = account("ListStackResources", StackName="app", NextToken=first["NextToken"])

    listed = first["StackResourceSummaries"] + second["StackResourceSummaries"]
    assert {one["LogicalResourceId"] for one in listed} == set(wanted)


def restarted_from(service: CloudFormation) -> CloudFormation:
    again = CloudFormation(service.surroundings)
    again.restore(pickle.loads(pickle.dumps(service.state())))  # noqa: S301
    return again


def test_stacks_survive_a_restart(account: Account) -> None:
    account.create({"Llama": model(), "C": component("Llama")})

    again = restarted_from(account.service)
    restarted = Account(again, account.sagemaker)

    assert restarted.settle("app")["StackStatus"] == "CREATE_COMPLETE"
    assert restarted.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert account.sagemaker.live == {}
    again.shutdown()


def test_what_was_in_progress_at_a_restart_counts_as_failed() -> None:
    sagemaker = SageMakerDouble(throttled=10**6)  # for ever: nothing but the shutdown ends the operation
    service = CloudFormation(InProcess(REGION, "http://127.0.0.1:5000", Clock(1), Faults(), sagemaker=sagemaker))
    account = Account(service, sagemaker)
    account("CreateStack", StackName="app", TemplateBody=body({"Llama": model()}))
    while not sagemaker.calls:
        time.sleep(0.001)

    saved = Account(restarted_from(service), sagemaker)
    service.shutdown()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cloudformation")]
    for one in (saved, account):
        (stack,) = one("DescribeStacks", StackName="app")["Stacks"]
        assert stack["StackStatus"] == "CREATE_FAILED"
        assert "was stopped" in stack["StackStatusReason"]
        assert one.reason("Llama", "CREATE_FAILED") == stack["StackStatusReason"]
