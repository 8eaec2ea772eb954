"""Type checkers refuse a misspelt keyword of every construct, and take the right one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

PREAMBLE = """\
import aws_cdk as cdk
from aws_cdk import aws_apigateway, aws_applicationautoscaling as autoscaling, aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam, aws_s3 as s3, aws_sagemaker as sagemaker
from replicas import Adapter, Alarms, Component, Deployment, EndpointPlan, Monitoring, plan
from replicas_cdk import *
from stacks.multi_replica_stack import MultiReplicaStack

def use(
    stack: cdk.Stack, planned: EndpointPlan, endpoint: MultiReplicaEndpoint, component: InferenceComponent,
    scaling: CopyScaling, alarms: ComponentAlarms, user: iam.User, role: iam.Role, daily: autoscaling.Schedule,
    container: ServingContainer, foreign: ImportedEndpoint, imported: ImportedInferenceComponent,
    metric: cloudwatch.Metric, minute: cdk.Duration, copy: CopySpecification, dashboard: EndpointDashboard,
    bucket: s3.Bucket,
) -> None:
"""

CALLS = [
    "MultiReplicaEndpoint(stack, 'E', plan=planned)",
    "MultiReplicaEndpoint(stack, 'E', plan=planned, role=role)",
    "MultiReplicaEndpoint(stack, 'E', plan=planned, removal_policy=cdk.RemovalPolicy.RETAIN)",
    "MultiReplicaEndpoint(stack, 'E', plan=planned, components={'a': ComponentOptions(environment={})})",
    "S3Location(bucket, prefix='p/')",
    "ContainerImage.from_catalogue(digest='sha256:0')",
    "component.add_adapter('x', location=S3Location(bucket, 'x/'), rank=8)",
    "InferenceComponentAdapter(stack, 'A', base=component, artifact_url='s3://b/x/')",
    "MultiReplicaEndpoint.from_endpoint_attributes(stack, 'E', endpoint_arn='a')",
    "MultiReplicaEndpoint.from_endpoint_attributes(stack, 'E', endpoint_name='a', inference_component_names=['b'])",
    "MultiReplicaEndpoint.from_endpoint_attributes(stack, 'E', endpoint_name='a', variant_name='b', role=role)",
    "MultiReplicaEndpoint.from_endpoint_name(stack, 'E', endpoint_name='a')",
    "MultiReplicaEndpoint.from_endpoint_arn(stack, 'E', endpoint_arn='a')",
    "InferenceComponent(stack, 'C', endpoint=endpoint, variant_name='v', copies=1, specifications=[copy])",
    "InferenceComponent(stack, 'C', endpoint=foreign, variant_name='v', copies=1, specifications=[copy])",
    "InferenceComponent.from_inference_component_attributes(stack, 'C', inference_component_arn='a')",
    "InferenceComponent.from_inference_component_arn(stack, 'C', 'a', endpoint_arn='b')",
    "InferenceComponent.from_inference_component_name(stack, 'C', 'a', endpoint_name='b')",
    "CopySpecification(model_name='m', accelerators=1, cpus=1, memory_mib=128, startup_timeout=minute)",
    "RollingUpdate(batch_copies=1, wait=minute, timeout=minute)",
    "component.auto_scale_copies(min_copies=1, max_copies=2)",
    "imported.auto_scale_copies(min_copies=1, max_copies=2)",
    "component.add_adapter('x', artifact_url='s3://b/x/', rank=8)",
    "imported.add_adapter('x', artifact_url='s3://b/x/', artifact_account='1')",
    "scaling.scale_on_concurrency(target=1, scale_in_cooldown=minute)",
    "scaling.scale_on_invocations(target=1, scale_out_cooldown=minute)",
    "scaling.scale_on_metric('m', metric=metric, target=1)",
    "scaling.scale_on_schedule('s', schedule=daily, min_copies=1)",
    "component.grant_invoke(grantee=user)",
    "endpoint.grant_chat(grantee=user)",
    "foreign.grant_invoke_stream(grantee=user)",
    "component.metric('M', namespace='n')",
    "component.metric('M', statistic='p90')",
    "component.metric_invocations(period=minute)",
    "component.metric_model_latency(statistic='p99')",
    "imported.metric_gpu_utilization(label='l')",
    "endpoint.metric('M', period=minute)",
    "endpoint.metric_gpu_reservation(color='#000000')",
    "foreign.metric_invocations(region='us-east-1')",
    "endpoint.alarms.override(server_errors=1)",
    "endpoint.alarms['a'].override(latency_p90=minute)",
    "alarms.override(treat_missing_data=cloudwatch.TreatMissingData.IGNORE)",
    "AlarmThresholds(latency_p90=minute)",
    "ComponentAlarms(stack, 'A', component_name='c', thresholds=AlarmThresholds())",
    "CopyScaling(stack, 'S', component_name='c', min_copies=1, max_copies=2)",
    "ExecutionRole(stack, 'R', containers=[container])",
    "ServingContainer(stack, planned.components[0], accounts=None)",
    "Artifact('s3://b/x/', account='1')",
    "MultiReplicaStack(stack, planned, description='d')",
    "MultiReplicaStack(stack, planned, termination_protection=True)",
    "Deployment(name='n', instance_type='i', components=[])",
    "Component(model='m', copies=1)",
    "Adapter(name='n', weights='s3://b/x/', rank=8)",
    "Monitoring(alarms=Alarms())",
]

# What is no keyword, and what must be accepted for what.
VALUES = [
    ("aws_apigateway.SagemakerIntegration(endpoint)", True),
    ("aws_apigateway.SagemakerIntegration(foreign)", True),
    ("v0: IMultiReplicaEndpoint = endpoint", True),
    ("v1: IMultiReplicaEndpoint = foreign", True),
    ("v2: sagemaker.IEndpoint = foreign", True),
    ("v3: IInferenceComponent = component", True),
    ("v4: IInferenceComponent = imported", True),
    ("dashboard.add_widgets(cloudwatch.TextWidget(markdown='m'))", True),
    ("scaling.scale_on_concurrency(target=1, scale_in_cooldown=60)", False),
    ("scaling.scale_on_schedule('s', schedule='rate(1 day)', min_copies=1)", False),
    ("endpoint.alarms.override(latency_p90=60)", False),
    ("component.metric_invocations(period=60)", False),
    ("RollingUpdate(batch_copies=1, wait=60, timeout=minute)", False),
]


def misspelt(call: str) -> str:
    """The call with another name for its last keyword."""
    return re.sub(r"(\w+)=(?!.*\w=)", r"\1x=", call)


def lines_with_errors(folder: Path, calls: list[str]) -> tuple[set[int], str]:
    """The calls that mypy refuses, by their place in the list."""
    module = folder / "snippets.py"
    module.write_text(PREAMBLE + "".join(f"    {call}\n" for call in calls))
    out, err, _ = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--strict", str(module)])
    first = PREAMBLE.count("\n") + 1
    found = {int(line) - first for line in re.findall(r"snippets\.py:(\d+): error", out)}
    return found, f"{out}{err}"


def test_the_keywords_and_values_of_the_constructs_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    wrong = [misspelt(call) for call in CALLS]
    calls = [*CALLS, *wrong, *(call for call, _ in VALUES)]
    refused = {*range(len(CALLS), 2 * len(CALLS))}
    refused |= {2 * len(CALLS) + index for index, (_, accepted) in enumerate(VALUES) if not accepted}

    found, output = lines_with_errors(tmp_path, calls)

    assert {calls[index] for index in found - refused} == set(), output
    assert {calls[index] for index in refused - found} == set(), output
