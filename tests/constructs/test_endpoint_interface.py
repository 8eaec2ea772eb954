"""The endpoint as aws-cdk's own constructs see it: an `aws_sagemaker.IEndpoint`, a resource with a removal policy."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from replicas import Adapter, Alarms, Component, Deployment, Monitoring, plan
from replicas_cdk import IInferenceComponent, IMultiReplicaEndpoint, MultiReplicaEndpoint
from tests.constructs.conftest import Refuses
from tests.synthesis import Template, template_of


def endpoint(stack: cdk.Stack, *, component: dict[str, Any] | None = None, **more: Any) -> MultiReplicaEndpoint:
    """An endpoint with a component named chat."""
    wishes = {"name": "chat", "model": "Qwen/Qwen3-8B", "copies": 2, **(component or {})}
    deployment = Deployment(
        name="e", instance_type="ml.g6e.12xlarge", components=[Component(**{"tensor_parallel": 1, **wishes})], **more
    )
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))


def of_type(template: Template, kind: str) -> dict[str, Template]:
    return {key: body for key, body in template["Resources"].items() if body["Type"] == kind}


def granted(template: Template) -> list[tuple[Any, Any]]:
    """Actions and resources of each statement of the callers' policies."""
    return [
        (statement["Action"], statement["Resource"])
        for body in of_type(template, "AWS::IAM::Policy").values()
        for statement in body["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_an_integration_of_api_gateway_takes_the_endpoint(stack: cdk.Stack) -> None:
    served: IMultiReplicaEndpoint = endpoint(stack)
    api = apigateway.RestApi(stack, "Api")

    api.root.add_method("POST", apigateway.SagemakerIntegration(served))

    template = template_of(stack)
    (method,) = of_type(template, "AWS::ApiGateway::Method").values()
    (key,) = of_type(template, "AWS::SageMaker::Endpoint")
    (component,) = of_type(template, "AWS::SageMaker::InferenceComponent")
    uri = json.dumps(method["Properties"]["Integration"]["Uri"])
    assert f'{{"Fn::GetAtt": ["{key}", "EndpointName"]}}' in uri
    # API Gateway asks the endpoint for the grant of its role: it covers the component, too.
    both = [{"Fn::GetAtt": [component, "InferenceComponentArn"]}, {"Ref": key}]
    assert granted(template) == [("sagemaker:InvokeEndpoint", both)]


def test_the_endpoint_and_its_components_are_references_of_aws_cdk(stack: cdk.Stack) -> None:
    served = endpoint(stack)
    component: IInferenceComponent = served.components["chat"]

    assert served.endpoint_ref.endpoint_arn == served.endpoint_arn
    assert component.inference_component_ref.inference_component_arn == component.inference_component_arn


def test_every_construct_has_its_resource_as_default_child(stack: cdk.Stack) -> None:
    served = endpoint(stack, component={"adapters": [Adapter(name="sql", weights="s3://b/sql/", rank=16)]})
    component = served.components["chat"]

    assert isinstance(served.node.default_child, sagemaker.CfnEndpoint)
    for owner in (component, component.adapters["sql"]):
        assert isinstance(owner.node.default_child, sagemaker.CfnInferenceComponent)


def test_a_removal_policy_reaches_every_resource_of_the_endpoint(stack: cdk.Stack) -> None:
    served = endpoint(stack, monitoring=Monitoring(alarms=Alarms(), log_retention_days=30, dashboard=True))

    served.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    served.components["chat"].auto_scale_copies(min_copies=2, max_copies=3)

    resources = template_of(stack)["Resources"].values()
    assert len(resources) == 11
    assert {(body["DeletionPolicy"], body["UpdateReplacePolicy"]) for body in resources} == {("Retain", "Retain")}


def test_a_removal_policy_of_a_component_is_that_of_the_component_alone(stack: cdk.Stack) -> None:
    served = endpoint(stack)

    served.components["chat"].apply_removal_policy(cdk.RemovalPolicy.RETAIN)

    kept = [body["Type"] for body in template_of(stack)["Resources"].values() if "DeletionPolicy" in body]
    assert kept == ["AWS::SageMaker::InferenceComponent"]


def test_a_log_group_goes_with_the_stack_as_cloudformation_does_by_default(stack: cdk.Stack) -> None:
    endpoint(stack, monitoring=Monitoring(log_retention_days=30))

    (group,) = of_type(template_of(stack), "AWS::Logs::LogGroup").values()
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("Delete", "Delete")
    assert group["Properties"]["RetentionInDays"] == 30


def test_an_endpoint_has_no_snapshots(stack: cdk.Stack, refuses: Refuses) -> None:
    served = endpoint(stack)

    with refuses(r"^Test/stack/Endpoint: an endpoint does not support snapshots: use RETAIN"):
        served.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT)


def test_grants_become_one(stack: cdk.Stack) -> None:
    """A combined grant holds all statements, and what depends on it waits for all of them."""
    served, caller = endpoint(stack), iam.User(stack, "Caller")

    both = served.grant_invoke(caller).combine(served.grant_invoke_stream(caller))
    all_three = both.combine(served.components["chat"].grant_chat(caller))

    actions = [statement.actions for statement in all_three.principal_statements]
    assert actions == [
        ["sagemaker:InvokeEndpoint"],
        ["sagemaker:InvokeEndpointWithResponseStream"],
        ["sagemaker:CallWithBearerToken"],
        ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"],
    ]


def test_who_may_invoke_the_endpoint_may_invoke_an_adapter_that_comes_later(stack: cdk.Stack) -> None:
    served = endpoint(stack, component={"adapters": [Adapter(name="sql", weights="s3://b/sql/", rank=16)]})
    served.grant_invoke(iam.User(stack, "Caller"))

    added = served.components["chat"].add_adapter("law", artifact_url="s3://b/law/", rank=16)

    ((action, resources),) = granted(template_of(stack))
    assert action == "sagemaker:InvokeEndpoint"
    assert len(resources) == 4
    assert stack.resolve(added.inference_component_arn) in resources
