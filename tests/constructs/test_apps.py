"""Apps of other teams, with the answer that each must get: several stacks, stages, accounts, regions and pipelines.

What each of these apps tries was tried on this library by its users; the parts about one construct are tested with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import pipelines

from replicas import Adapter, Component, Deployment, EndpointPlan, Rollout, plan
from replicas.rules import check
from replicas_cdk import CopySpecification, InferenceComponent, MultiReplicaEndpoint
from stacks.multi_replica_stack import MultiReplicaStack
from tests.constructs.conftest import Refuses
from tests.synthesis import stage

HOME = cdk.Environment(account="111111111111", region="us-east-1")
Template = dict[str, Any]


def planned(**changes: Any) -> EndpointPlan:
    adapter = Adapter(name="sql", weights="s3://models/sql/", rank=16)
    one = Component(name="a", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, adapters=[adapter], rollout=Rollout())
    two = Component(name="b", model="mistralai/Mistral-7B-Instruct-v0.3", copies=1, tensor_parallel=1)
    return plan(Deployment(**{"name": "chat", "instance_type": "ml.g6e.12xlarge", "components": [one, two], **changes}))


def function(stack: cdk.Stack) -> lambda_.Function:
    code = lambda_.Code.from_inline("def h(event, context): pass")
    return lambda_.Function(stack, "Caller", runtime=lambda_.Runtime.PYTHON_3_13, handler="i.h", code=code)


def templates(scope: cdk.Stage) -> dict[str, Template]:
    """The templates of a stage and of the stages below it, by the name of their stack."""
    scope.synth()
    found = {}
    for stack in scope.node.find_all():
        if isinstance(stack, cdk.Stack) and not isinstance(stack, cdk.NestedStack):
            outdir = cdk.Stage.of(stack).outdir  # type: ignore[union-attr]
            found[stack.stack_name] = json.loads((Path(outdir) / stack.template_file).read_text())
    return found


def of_type(template: Mapping[str, Any], kind: str) -> list[Template]:
    return [body["Properties"] for body in template["Resources"].values() if body["Type"] == f"AWS::{kind}"]


class Environment(cdk.Stage):
    """An endpoint and a caller of it in another stack, for one account and region."""

    def __init__(self, scope: cdk.Stage, construct_id: str, account: str, region: str) -> None:
        super().__init__(scope, construct_id, env=cdk.Environment(account=account, region=region))
        self.llm = MultiReplicaStack(self, planned())
        caller = function(cdk.Stack(self, "Callers"))
        self.llm.endpoint.grant_invoke(caller)
        caller.add_environment("NAME", self.llm.endpoint.components["a"].inference_component_name)


@pytest.mark.slow
def test_one_plan_is_deployed_by_stages_to_several_accounts_and_regions(context: dict[str, Any]) -> None:
    scope = stage(context)
    Environment(scope, "Dev", "111111111111", "us-east-1")
    Environment(scope, "Prod", "222222222222", "eu-central-1")

    found = templates(scope)

    dev, prod = found["Test-Dev-chat"], found["Test-Prod-chat"]
    rolled = [name for name in dev["Resources"] if name not in prod["Resources"]]
    # A component that rolls with alarms has a fixed name, and two stages may share an account: it holds the stack's.
    assert all(name.startswith("EndpointComponenta") for name in rolled)
    assert [name[:18] for name in dev["Resources"]] == [name[:18] for name in prod["Resources"]]
    assert "Mappings" not in dev  # the registry of a known region is a literal
    callers = found["Test-Prod-Callers"]
    (policy,) = of_type(callers, "IAM::Policy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert len(set(map(json.dumps, statement["Resource"]))) == 4  # the endpoint, two components, an adapter


@pytest.mark.parametrize(
    ("region", "plan_region", "sentence"),
    [
        ("mx-central-1", None, r"region mx-central-1: CloudFormation does not know AWS::SageMaker::InferenceComponent"),
        ("eu-west-1", None, r"region eu-west-1: ml\.g6e\.12xlarge has no hosting price there"),
        ("eu-central-1", "us-east-1", r"the plan is for us-east-1 and the stack is in eu-central-1"),
    ],
)
def test_a_plan_is_held_against_the_region_of_the_stack(
    context: dict[str, Any], region: str, plan_region: str | None, sentence: str, refuses: Refuses
) -> None:
    stack = cdk.Stack(stage(context), "A", env=cdk.Environment(account="111111111111", region=region))
    one = planned(region=plan_region)

    with refuses(rf"^Test/A/Endpoint: chat cannot be deployed: {sentence}"):
        MultiReplicaEndpoint(stack, "Endpoint", plan=one)


def test_a_caller_in_another_account_is_granted_each_arn(context: dict[str, Any]) -> None:
    """aws-cdk reads the outputs of the other account's stack by Fn::GetStackOutput (aws-cdk-lib 2.275)."""
    scope = stage(context)
    home = cdk.Stack(scope, "A", env=HOME)
    abroad = cdk.Stack(scope, "B", env=cdk.Environment(account="222222222222", region="us-east-1"))
    endpoint = MultiReplicaEndpoint(home, "Endpoint", plan=planned())
    role = iam.Role(abroad, "Caller", role_name="caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    endpoint.grant_invoke(role)

    found = templates(scope)
    (policy,) = of_type(found["Test-B"], "IAM::Policy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    outputs = {resource["Fn::GetStackOutput"]["OutputName"] for resource in statement["Resource"]}
    assert len(outputs) == 4  # the endpoint, two components, an adapter
    assert outputs <= set(found["Test-A"]["Outputs"])


def test_two_endpoints_share_a_stack_and_the_registries_of_their_images(context: dict[str, Any]) -> None:
    scope = stage(context)
    stack = cdk.Stack(scope, "Two")
    for name in ("One", "Other"):
        MultiReplicaEndpoint(stack, name, plan=planned())

    (template,) = templates(scope).values()

    assert len(of_type(template, "SageMaker::Endpoint")) == 2
    assert len(template["Mappings"]) == 1
    components = of_type(template, "SageMaker::InferenceComponent")
    names = [body["InferenceComponentName"] for body in components if "InferenceComponentName" in body]
    assert len(names) == len(set(names)) == 2
    report = check(template, region="us-east-1")
    assert report.problems == ()


def test_a_pipeline_deploys_a_stage_and_reads_the_name_of_the_endpoint(context: dict[str, Any]) -> None:
    scope = stage(context)
    stack = cdk.Stack(scope, "Pipeline", env=HOME)
    source = pipelines.CodePipelineSource.connection(
        "owner/repository", "main", connection_arn="arn:aws:codeconnections:us-east-1:111111111111:connection/x"
    )
    pipeline = pipelines.CodePipeline(
        stack, "Pipeline", synth=pipelines.ShellStep("Synth", input=source, commands=["cdk synth"])
    )
    prod = cdk.Stage(stack, "Prod", env=HOME)
    output = MultiReplicaStack(prod, planned()).node.find_child("EndpointName")
    assert isinstance(output, cdk.CfnOutput)
    pipeline.add_stage(
        prod, post=[pipelines.ShellStep("Verify", env_from_cfn_outputs={"NAME": output}, commands=["echo $NAME"])]
    )
    pipeline.build_pipeline()

    found = templates(scope)

    stages = of_type(found["Test-Pipeline"], "CodePipeline::Pipeline")[0]["Stages"]
    assert [one["Name"] for one in stages] == ["Source", "Build", "UpdatePipeline", "Test-Prod"]
    assert "EndpointName" in json.dumps(stages[-1])


def test_a_component_of_ones_own_image_needs_no_plan_and_is_said_not_to_be_judged(context: dict[str, Any]) -> None:
    scope = stage(context)
    stack = cdk.Stack(scope, "A")
    repository, bucket = ecr.Repository(stack, "Repository"), s3.Bucket(stack, "Weights")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    repository.grant_pull(role)
    bucket.grant_read(role)
    source = sagemaker.CfnModel.S3DataSourceProperty(
        s3_uri=bucket.s3_url_for_object("model/"), s3_data_type="S3Prefix", compression_type="None"
    )
    model = sagemaker.CfnModel(
        stack,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=repository.repository_uri_for_tag("1"),
            model_data_source=sagemaker.CfnModel.ModelDataSourceProperty(s3_data_source=source),
        ),
    )
    model.node.add_dependency(role)
    variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name="AllTraffic", initial_instance_count=1, instance_type="ml.g6e.12xlarge"
    )
    configuration = sagemaker.CfnEndpointConfig(
        stack, "Configuration", execution_role_arn=role.role_arn, production_variants=[variant]
    )
    endpoint = sagemaker.CfnEndpoint(stack, "Endpoint", endpoint_config_name=configuration.attr_endpoint_config_name)

    class OfOnesOwn:
        endpoint_name = endpoint.attr_endpoint_name
        endpoint_arn = endpoint.ref
        endpoint_identity = "Endpoint"

    component = InferenceComponent(
        stack,
        "Component",
        endpoint=OfOnesOwn(),
        variant_name="AllTraffic",
        copies=4,
        specifications=[CopySpecification(model_name=model.attr_model_name, accelerators=1, cpus=9, memory_mib=70_000)],
    )
    component.auto_scale_copies(min_copies=1, max_copies=4).scale_on_concurrency(target=8)

    (template,) = templates(scope).values()

    report = check(template, region="us-east-1")
    assert report.problems == ()
    assert [question.question for question in report.unjudged] == ["memory"]


def test_a_role_that_sagemaker_cannot_assume_and_that_has_no_rights_fails_the_check(context: dict[str, Any]) -> None:
    scope = stage(context)
    stack = cdk.Stack(scope, "A")
    bare = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), role=bare)

    (template,) = templates(scope).values()

    rules = {finding.rule for finding in check(template, region="us-east-1").problems}
    assert rules == {"role-not-assumable", "role-cannot-pull", "role-cannot-read"}
