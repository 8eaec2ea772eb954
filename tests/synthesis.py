"""Templates of stacks without the validation of a whole app, which takes seconds of Node for every process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk

from replicas import EndpointPlan
from stacks.multi_replica_stack import MultiReplicaStack

Template = dict[str, Any]


def stage(context: Mapping[str, Any]) -> cdk.Stage:
    """A scope for stacks. An app validates its templates when it is synthesised; a stage alone does not."""
    return cdk.Stage(cdk.App(context=dict(context)), "Test")


def template_of(stack: cdk.Stack) -> Template:
    """What a stack of a stage synthesises to."""
    assembly = cdk.Stage.of(stack).synth()  # type: ignore[union-attr]
    template: Template = json.loads(json.dumps(assembly.get_stack_artifact(stack.artifact_id).template))
    return template


def template_of_plan(planned: EndpointPlan, context: Mapping[str, Any]) -> Template:
    """What the stack of a plan synthesises to. Its outputs name the stack after the stage: `Test-NAME`."""
    return template_of(MultiReplicaStack(stage(context), planned))
