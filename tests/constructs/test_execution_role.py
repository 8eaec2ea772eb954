"""Rights of the execution role, and what callers are granted. Conditions: SageMaker developer guide (cross-service
confused deputy prevention; monitoring-cloudwatch), IAM user guide (global condition keys)."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from replicas import Adapter, Component, Deployment, Monitoring, Rollout, plan
from replicas.rules import check
from replicas_cdk import Artifact, ExecutionRole, InferenceComponent, MultiReplicaEndpoint, ServingContainer
from tests.constructs.conftest import Refuses
from tests.synthesis import template_of

OWN = {"Ref": "AWS::AccountId"}
Template = dict[str, Any]


def endpoint(
    stack: cdk.Stack, *, role: iam.IRole | None = None, more: dict[str, Any] | None = None, **component: Any
) -> MultiReplicaEndpoint:
    """An endpoint of one component with weights in S3."""
    wishes = {"model": "Qwen/Qwen3-8B", "copies": 2, "weights": "s3://models/qwen/", **component}
    deployment = Deployment(
        name="chat",
        instance_type="ml.g6e.12xlarge",
        components=[Component(**{"tensor_parallel": 1, **wishes})],
        **(more or {}),
    )
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment), role=role)


def role_of(template: Template) -> Template:
    (role,) = [body["Properties"] for body in template["Resources"].values() if body["Type"] == "AWS::IAM::Role"]
    return role


def statements(template: Template, action: str) -> list[Template]:
    """The statements of the role's policy that allow an action."""
    (policy,) = role_of(template)["Policies"]
    found: list[Template] = policy["PolicyDocument"]["Statement"]
    return [statement for statement in found if action in [statement["Action"], *list(statement["Action"])]]


def text(value: Any) -> str:
    """A joined ARN with its pseudo parameters as `${...}`."""
    if isinstance(value, str):
        return value
    parts = value["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else f"${{{part.get('Ref', '?')}}}" for part in parts)


def test_only_the_own_account_lets_sagemaker_assume_the_role(stack: cdk.Stack) -> None:
    endpoint(stack)

    (trust,) = role_of(template_of(stack))["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": OWN}}


@pytest.mark.parametrize(("account", "owner"), [(None, OWN), ("210987654321", "210987654321")])
def test_weights_are_read_from_the_bucket_of_one_account(stack: cdk.Stack, account: str | None, owner: Any) -> None:
    endpoint(stack, weights_account=account)
    template = template_of(stack)

    (read,) = statements(template, "s3:GetObject")
    (listed,) = statements(template, "s3:ListBucket")

    assert text(read["Resource"]) == "arn:${AWS::Partition}:s3:::models/qwen/*"
    assert read["Condition"] == {"StringEquals": {"aws:ResourceAccount": owner}}
    assert listed["Condition"]["StringEquals"] == {"aws:ResourceAccount": owner}
    assert listed["Condition"]["StringLike"] == {"s3:prefix": ["qwen/*"]}


def test_an_adapter_can_be_in_the_bucket_of_another_account(stack: cdk.Stack) -> None:
    adapter = Adapter(name="sql", weights="s3://adapters/sql/", rank=16, weights_account="210987654321")
    endpoint(stack, adapters=[adapter])

    owners = {
        text(statement["Resource"]): statement["Condition"]["StringEquals"]["aws:ResourceAccount"]
        for statement in statements(template_of(stack), "s3:GetObject")
    }

    assert owners == {
        "arn:${AWS::Partition}:s3:::models/qwen/*": OWN,
        "arn:${AWS::Partition}:s3:::adapters/sql/*": "210987654321",
    }


def test_metrics_are_put_into_the_namespaces_of_sagemaker_alone(stack: cdk.Stack) -> None:
    endpoint(stack)

    (put,) = statements(template_of(stack), "cloudwatch:PutMetricData")

    assert put["Condition"] == {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*"]}}


def test_log_groups_are_those_of_all_endpoints_where_cloudformation_makes_the_names(stack: cdk.Stack) -> None:
    endpoint(stack)

    (write,) = statements(template_of(stack), "logs:PutLogEvents")

    assert [text(resource).partition(":log-group:")[2] for resource in write["Resource"]] == [
        "/aws/sagemaker/Endpoints/*",
        "/aws/sagemaker/InferenceComponents/*",
    ]


@pytest.mark.parametrize(
    ("component", "more"),
    [({}, {"monitoring": Monitoring(log_retention_days=30)}), ({"rollout": Rollout(roll_back=True)}, {})],
    ids=["logs that expire", "a roll that goes back"],
)
def test_log_groups_are_those_of_the_endpoint_where_the_names_are_fixed(
    stack: cdk.Stack, component: dict[str, Any], more: dict[str, Any]
) -> None:
    endpoint(stack, more={"endpoint_name": "chat", **more}, **component)
    template = template_of(stack)

    (write,) = statements(template, "logs:PutLogEvents")
    (name,) = [
        body["Properties"]["InferenceComponentName"]
        for body in template["Resources"].values()
        if body["Type"] == "AWS::SageMaker::InferenceComponent"
    ]

    assert [text(resource).partition(":log-group:")[2] for resource in write["Resource"]] == [
        "/aws/sagemaker/Endpoints/chat:*",
        f"/aws/sagemaker/InferenceComponents/{name}:*",
    ]


def test_an_adapter_that_is_added_later_can_be_read(stack: cdk.Stack) -> None:
    """From a bucket of the app, and from another one."""
    bucket = s3.Bucket(stack, "Weights")
    planned = [Adapter(name="zero", weights="s3://models/zero/", rank=16)]
    (component,) = endpoint(stack, adapters=planned).components.values()

    component.add_adapter("one", artifact_url=bucket.s3_url_for_object("one/"), rank=16)
    component.add_adapter("two", artifact_url="s3://other/two/", artifact_account="210987654321", rank=8)

    template = template_of(stack)
    read = [statement["Resource"] for statement in statements(template, "s3:GetObject")]
    resources = [resource for given in read for resource in (given if isinstance(given, list) else [given])]
    assert {text(resource).partition(":s3:::")[2] for resource in resources} == {
        "models/qwen/*",
        "models/zero/*",
        f"${{{stack.get_logical_id(bucket.node.default_child)}}}/one/*",  # type: ignore[arg-type]
        "other/two/*",
    }
    assert not [found for found in check(template).problems if found.rule == "role-cannot-read"]


def test_models_wait_for_the_policies_of_a_role_that_is_given(stack: cdk.Stack) -> None:
    """As aws/aws-cdk, issue 10064 recommends: a reference to a role does not wait for its policies."""
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    s3.Bucket.from_bucket_name(stack, "Models", "models").grant_read(role)
    endpoint(stack, role=role)

    template = template_of(stack)

    (policy,) = [name for name, body in template["Resources"].items() if body["Type"] == "AWS::IAM::Policy"]
    for body in template["Resources"].values():
        if body["Type"] in ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"):
            assert policy in body["DependsOn"]
    assert "rights-too-late" not in {found.rule for found in check(template).problems}


def test_nothing_waits_for_the_role_of_the_endpoint_itself(stack: cdk.Stack) -> None:
    """Its policy is inline: the references wait for both."""
    endpoint(stack)

    template = template_of(stack)

    assert not [body for body in template["Resources"].values() if "DependsOn" in body]
    assert not [found for found in check(template).warnings if found.rule == "rights-too-late"]


def test_the_grant_of_chat_holds_both_statements(stack: cdk.Stack) -> None:
    grant = endpoint(stack).grant_chat(iam.User(stack, "Caller"))

    actions = {action for statement in grant.principal_statements for action in statement.actions}
    assert actions == {
        "sagemaker:CallWithBearerToken",
        "sagemaker:InvokeEndpoint",
        "sagemaker:InvokeEndpointWithResponseStream",
    }


@pytest.mark.parametrize("grant", ["grant_invoke", "grant_invoke_with_response_stream", "grant_chat"])
@pytest.mark.parametrize("endpoint_name", [None, "chat"])
def test_a_grant_on_an_import_without_its_endpoint_warns(
    stack: cdk.Stack, grant: str, endpoint_name: str | None
) -> None:
    imported = InferenceComponent.from_inference_component_name(stack, "Import", "llama", endpoint_name=endpoint_name)

    getattr(imported, grant)(iam.User(stack, "Caller"))

    warnings = assertions.Annotations.from_stack(stack).find_warning("/Test/stack/Import", assertions.Match.any_value())
    assert len(warnings) == (0 if endpoint_name else 1)
    if warnings:
        assert "endpoint_name=" in str(warnings[0].entry.data)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"artifact_urls": ["models/sql/"]}, "artifact_urls='models/sql/': use s3://bucket/prefix/, with the slash"),
        ({"artifact_urls": [Artifact("s3://models/sql/", "12")]}, "account='12': use an account of twelve digits"),
        ({"weights_kms_key_arn": "alias/x"}, "weights_kms_key_arn='alias/x': use the ARN of a KMS key"),
        ({"permissions_boundary_arn": "x"}, "permissions_boundary_arn='x': use the ARN of an IAM policy"),
    ],
)
def test_a_role_of_texts_of_another_form_is_refused(
    stack: cdk.Stack, arguments: dict[str, Any], fault: str, refuses: Refuses
) -> None:
    with refuses(r"^Test/stack/Role: ") as refused:
        ExecutionRole(stack, "Role", containers=[], **arguments)

    assert str(refused.value).removeprefix("Test/stack/Role: ").startswith(fault)


def test_a_boundary_by_construct_and_by_arn_is_refused(stack: cdk.Stack, refuses: Refuses) -> None:
    arn = "arn:aws:iam::aws:policy/PowerUserAccess"
    boundary = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", arn)

    with refuses(r"permissions_boundary= and permissions_boundary_arn= are both given: remove"):
        ExecutionRole(stack, "Role", containers=[], permissions_boundary=boundary, permissions_boundary_arn=arn)


def test_a_bucket_of_another_stack_by_import_is_read_and_its_wildcard_is_not_acknowledged(stack: cdk.Stack) -> None:
    """An acknowledgement names a bucket of the same stack by its logical id, and cannot hold any other CDK token."""
    role = ExecutionRole(stack, "Role", containers=[], artifact_urls=[f"s3://{cdk.Fn.import_value('Bucket')}/sql/"])

    acknowledged = [str(entry.data) for entry in role.node.metadata if entry.type == "aws:cdk:acknowledged-rules"]
    assert acknowledged
    assert not [text for text in acknowledged if "s3:::" in text]


@pytest.mark.parametrize("in_vpc", [{}, {"in_vpc": False}, {"in_vpc": True}])
def test_a_role_makes_network_interfaces_only_in_a_vpc(stack: cdk.Stack, in_vpc: dict[str, bool]) -> None:
    planned = plan(
        Deployment(name="chat", instance_type="ml.g6e.xlarge", components=[Component(model="Qwen/Qwen3-8B", copies=1)])
    )
    ExecutionRole(stack, "Role", containers=[ServingContainer(stack, planned.components[0])], **in_vpc)

    assert ("ec2:CreateNetworkInterface" in str(template_of(stack))) == bool(in_vpc.get("in_vpc"))


def test_a_prefix_that_is_read_twice_is_allowed_once(stack: cdk.Stack) -> None:
    role = ExecutionRole(stack, "Role", containers=[], artifact_urls=["s3://models/sql/", "s3://models/sql/"])

    acknowledged = [str(entry.data) for entry in role.node.metadata if entry.type == "aws:cdk:acknowledged-rules"]
    assert len([text for text in acknowledged if "s3:::models/sql/*" in text]) == 1
