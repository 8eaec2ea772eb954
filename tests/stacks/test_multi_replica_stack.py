"""The stack of a plan as other apps make it: with keywords of `aws_cdk.Stack`, an id and a name of its own."""

from __future__ import annotations

import inspect
from typing import Any

import aws_cdk as cdk
import pytest

from replicas import Component, Deployment, EndpointPlan, plan
from stacks.multi_replica_stack import MultiReplicaStack
from stacks.stack_options import StackOptions
from tests.synthesis import stage


def planned(**more: Any) -> EndpointPlan:
    components = [Component(model="Qwen/Qwen3-8B", copies=2)]
    return plan(Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=components, **more))


def test_the_options_are_those_of_a_stack_of_aws_cdk() -> None:
    keywords = inspect.signature(cdk.Stack.__init__).parameters.values()
    assert StackOptions.__annotations__.keys() == {
        keyword.name for keyword in keywords if keyword.kind is inspect.Parameter.KEYWORD_ONLY
    }


def test_options_reach_the_stack(context: dict[str, Any]) -> None:
    stack = MultiReplicaStack(
        stage(context),
        planned(),
        "Llm",
        stack_name="org-chat",
        description="ours",
        termination_protection=True,
        tags={"team": "llm"},
        env=cdk.Environment(account="123456789012", region="us-west-2"),
    )

    assert (stack.node.id, stack.stack_name, stack.termination_protection) == ("Llm", "org-chat", True)
    assert stack.template_options.description == "ours"
    assert stack.tags.tag_values() == {"team": "llm"}
    assert (stack.account, stack.region) == ("123456789012", "us-west-2")


def test_without_options_a_stack_has_name_description_account_and_region_of_its_plan(context: dict[str, Any]) -> None:
    stack = MultiReplicaStack(stage(context), planned(account="123456789012", region="us-east-1"))

    assert (stack.node.id, stack.account, stack.region) == ("chat", "123456789012", "us-east-1")
    assert stack.template_options.description == "2 x Qwen/Qwen3-8B on 1 x ml.g6e.12xlarge"


def test_an_environment_without_region_has_the_region_of_the_plan(context: dict[str, Any]) -> None:
    environment = cdk.Environment(account="123456789012")

    stack = MultiReplicaStack(stage(context), planned(region="us-east-1"), env=environment)

    assert (stack.account, stack.region) == ("123456789012", "us-east-1")


def test_an_environment_of_another_region_than_the_plan_is_refused(context: dict[str, Any]) -> None:
    environment = cdk.Environment(region="us-west-2")

    with pytest.raises(ValueError, match="the plan is for us-east-1 and the stack is in us-west-2"):
        MultiReplicaStack(stage(context), planned(region="us-east-1"), env=environment)
