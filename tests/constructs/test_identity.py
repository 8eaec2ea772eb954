"""Logical ids and fixed names stay when constructs move, and when others stand beside them.

CloudFormation replaces a resource whose logical id changes (user guide, update behaviours of stack resources).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replicas import Adapter, Alarms, Component, Deployment, EndpointPlan, Monitoring, Rollout, plan
from replicas_cdk import CopySpecification, InferenceComponent, MultiReplicaEndpoint

Names = dict[str, Any]
"""By logical id, the fixed name of a resource; None if CloudFormation makes the name."""

_KINDS = ("AWS::SageMaker::", "AWS::Logs::", "AWS::IAM::", "AWS::CloudWatch::", "AWS::ApplicationAutoScaling::")
_FIXED = ("InferenceComponentName", "LogGroupName")


@functools.cache
def planned() -> EndpointPlan:
    """An endpoint in whose template everything with a fixed name occurs."""
    adapter = Adapter(name="sql", weights="s3://adapters/sql/", rank=16)
    component = Component(
        name="a", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, adapters=[adapter], rollout=Rollout()
    )
    monitoring = Monitoring(alarms=Alarms(), log_retention_days=30, dashboard=True)
    return plan(Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=[component], monitoring=monitoring))


def names_of(template: Mapping[str, Any]) -> Names:
    """The resources of the endpoint in a template, with their fixed names."""
    return {
        logical_id: next((body["Properties"][name] for name in _FIXED if name in body.get("Properties", {})), None)
        for logical_id, body in template["Resources"].items()
        if body["Type"].startswith(_KINDS)
    }


def add_tokens(scope: cdk.Stack, tokens: int) -> None:
    """Construct what has nothing to do with the endpoint and takes numbers of tokens."""
    for index in range(tokens):
        cdk.CfnParameter(scope, f"Beside{index}", default="-").value_as_string.upper()
        _ = s3.CfnBucket(scope, f"Bucket{index}").attr_arn


def templates_in(stage: cdk.Stage) -> list[Mapping[str, Any]]:
    """All templates of a stage; those of nested stacks are files of assets."""
    folder = Path(stage.synth().directory)
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.template.json"))]


def names_where(
    context: Mapping[str, Any], *, tokens: int = 0, staged: bool = False, nested: bool = False, later: bool = False
) -> Names:
    """The names of the endpoint's resources.

    Args:
        context: feature flags.
        tokens: constructs with tokens in the same stack.
        staged: the stack is in one more stage.
        nested: the endpoint is in a nested stack.
        later: the other constructs are made after the endpoint.

    """
    outer = cdk.Stage(cdk.App(context=dict(context)), "Test")
    stage = cdk.Stage(outer, "Prod") if staged else outer
    stack = cdk.Stack(stage, "Llm", stack_name="llm")
    scope = cdk.NestedStack(stack, "Nested") if nested else stack
    if not later:
        add_tokens(stack, tokens)
    MultiReplicaEndpoint(scope, "Endpoint", plan=planned())
    if later:
        add_tokens(stack, tokens)
    outer.synth()
    (names,) = filter(None, map(names_of, templates_in(stage)))
    return names


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tokens=st.integers(0, 4), staged=st.booleans(), later=st.booleans(), nested=st.booleans())
def test_no_id_or_name_depends_on_what_stands_beside_the_endpoint(
    context: dict[str, Any], tokens: int, staged: bool, later: bool, nested: bool
) -> None:
    assert names_where(context, tokens=tokens, staged=staged, nested=nested, later=later) == _alone(
        json.dumps(context), nested
    )


@functools.cache
def _alone(context: str, nested: bool) -> Names:
    names = names_where(json.loads(context), nested=nested)
    assert all("Token" not in text for text in [*names, *filter(None, names.values())])
    return names


def test_names_in_two_nested_stacks_differ(context: dict[str, Any]) -> None:
    stage = cdk.Stage(cdk.App(context=context), "Test")
    stack = cdk.Stack(stage, "Llm", stack_name="llm")
    for name in ("One", "Two"):
        MultiReplicaEndpoint(cdk.NestedStack(stack, name), "Endpoint", plan=planned())

    one, two = filter(None, map(names_of, templates_in(stage)))

    assert set(filter(None, one.values())).isdisjoint(filter(None, two.values()))


@pytest.mark.parametrize("parameter", ["Name", "AnotherName"])
@pytest.mark.parametrize("tokens", [0, 3])
def test_a_name_by_parameter_has_one_logical_id(context: dict[str, Any], parameter: str, tokens: int) -> None:
    stage = cdk.Stage(cdk.App(context=context), "Test")
    stack = cdk.Stack(stage, "Llm")
    add_tokens(stack, tokens)
    endpoint = MultiReplicaEndpoint(stack, "Endpoint", plan=planned())
    specification = CopySpecification(model_name="model", accelerators=1, cpus=1, memory_mib=1024)
    InferenceComponent(
        stack,
        "Component",
        endpoint=endpoint,
        variant_name="AllTraffic",
        copies=1,
        specifications=[specification],
        inference_component_name=cdk.CfnParameter(stack, parameter, default="-").value_as_string,
    )

    (template,) = templates_in(stage)

    (logical_id,) = [name for name in names_of(template) if name.startswith("ComponentResource")]
    assert logical_id == "ComponentResourcec90d9430E84B028B"


def test_the_identity_in_a_stack_is_the_id_as_the_path_has_it(context: dict[str, Any]) -> None:
    """A construct's id has no slash in its path: the library `constructs` writes `--` there."""
    stack = cdk.Stack(cdk.App(context=context), "stack")

    made = MultiReplicaEndpoint(stack, "Chat/One", plan=planned())

    assert made.endpoint_identity == made.node.id == "Chat--One"
