"""The region that is checked is that of the stack, whatever the deployment says."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from replicas import Component, Deployment, plan
from replicas_cdk import MultiReplicaEndpoint
from tests.constructs.conftest import Refuses


def endpoint(context: dict[str, Any], stack_region: str | None, plan_region: str | None) -> MultiReplicaEndpoint:
    """The endpoint of a plan for one region, in a stack of another; None for any region."""
    component = Component(model="NousResearch/Llama-2-13b-chat-hf", copies=1, tensor_parallel=1, engine="tgi-1.1.0")
    deployment = Deployment(name="test", instance_type="ml.p4d.24xlarge", region=plan_region, components=[component])
    environment = cdk.Environment(region=stack_region)
    stack = cdk.Stack(cdk.App(context=context), "stack", env=environment)
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))


@pytest.mark.parametrize(
    ("stack_region", "plan_region"),
    [("us-east-1", "us-east-1"), ("us-east-1", None), (None, "us-east-1"), (None, None)],
)
def test_a_plan_in_a_stack_of_its_region_or_of_any_is_fine(
    context: dict[str, Any], stack_region: str | None, plan_region: str | None
) -> None:
    assert endpoint(context, stack_region, plan_region).components


def test_a_plan_for_another_region_than_that_of_the_stack_is_refused(context: dict[str, Any], refuses: Refuses) -> None:
    with refuses(r"the plan is for us-west-2 and the stack is in us-east-1: set region='us-east-1' in the"):
        endpoint(context, "us-east-1", "us-west-2")


def test_the_region_of_the_stack_must_have_the_instance_type(context: dict[str, Any], refuses: Refuses) -> None:
    """A p4d has no hosting price in eu-north-1 (instances.json)."""
    with refuses(r"region eu-north-1: ml\.p4d\.24xlarge has no hosting price there: use a region"):
        endpoint(context, "eu-north-1", None)


def test_the_region_of_the_stack_must_have_inference_components(context: dict[str, Any], refuses: Refuses) -> None:
    """CloudFormation has no AWS::SageMaker::InferenceComponent in eu-west-3 (regions.json)."""
    with refuses(r"region eu-west-3: CloudFormation does not know AWS::SageMaker::Inference"):
        endpoint(context, "eu-west-3", None)
