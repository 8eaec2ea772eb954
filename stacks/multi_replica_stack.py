"""The stack of one deployment: the endpoint of its plan, and outputs for the CLI and for users."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Unpack

from aws_cdk import CfnOutput, Environment, Stack
from constructs import Construct

from replicas import ComponentPlan, EndpointPlan
from replicas.catalogue.tasks import Task
from replicas.names import Output
from replicas_cdk import MultiReplicaEndpoint
from replicas_cdk.pseudo import REGION, URL_SUFFIX
from replicas_cdk.references import plan_faults
from stacks.stack_options import StackOptions

_TEXTS: Mapping[Task, Sequence[str]] = {
    "embed": ("What is a GPU?",),
    "score": ("What is a GPU?", "A processor with many cores.", "A river in Africa."),
}
"""Example texts of the `replicas invoke` command in a stack's outputs: a text to embed, or a query and documents to
score."""


class MultiReplicaStack(Stack):
    """A stack with one planned endpoint, named after the plan."""

    def __init__(
        self, scope: Construct, plan: EndpointPlan, construct_id: str | None = None, **options: Unpack[StackOptions]
    ) -> None:
        """Create the endpoint and the outputs. If the plan names no region, the stack can be deployed to any region.

        Args:
            scope: parent.
            plan: plan of the endpoint.
            construct_id: id of the stack. Default: the name of the plan.
            options: keywords of `Stack`. Default: a description of the plan, and the account and region of the plan. If
                `env` sets only one of account and region, the plan sets the other.

        Raises:
            ValueError: the plan is no `EndpointPlan`, is for another region than the stack, or cannot be deployed
                there.

        """
        if faults := plan_faults(plan):
            raise ValueError(f"MultiReplicaStack: {faults[0]}")
        environment = options.get("env") or Environment()
        defaults: StackOptions = {"description": describe(plan)}
        merged: StackOptions = {**defaults, **options}
        merged["env"] = Environment(
            account=environment.account or plan.account, region=environment.region or plan.region
        )
        super().__init__(scope, construct_id or plan.name, **merged)
        self.endpoint = MultiReplicaEndpoint(self, "Endpoint", plan=plan)
        self._output(Output.ENDPOINT, self.endpoint.endpoint_name)
        self._output(Output.REGION, REGION)
        name = self.stack_name
        for component in plan.components:
            self._outputs_of(component, name)

    def _outputs_of(self, component: ComponentPlan, stack_name: str) -> None:
        # A component named like the deployment has no suffix, so its keys stay when other components are added.
        suffix = "" if component.name == self.endpoint.plan.name else _pascal(component.name)
        endpoint, name = self.endpoint.endpoint_name, self.endpoint.components[component.name].inference_component_name
        self._output(f"{Output.COMPONENT}{suffix}", name)
        if component.accepts_chat:
            host = f"https://runtime.sagemaker.{REGION}.{URL_SUFFIX}"
            path = f"endpoints/{endpoint}/inference-components/{name}/openai/v1"
            self._output(f"{Output.OPENAI_URL}{suffix}", f"{host}/{path}")
        which = f" --component {component.name}" if suffix else ""
        if component.task == "generate":
            command = f'replicas chat {stack_name} "What is a GPU?"{which} --region {REGION}'
            self._output(f"{Output.CHAT_COMMAND}{suffix}", command)
        else:
            texts = " ".join(f"--text {shlex.quote(text)}" for text in _TEXTS[component.task])
            command = f"replicas invoke {stack_name} {texts}{which} --region {REGION}"
            self._output(f"{Output.INVOKE_COMMAND}{suffix}", command)
        if component.model.declared.fields:
            self._output(f"{Output.DECLARED_SIZES}{suffix}", str(component.model.declared))
        for label, adapter in self.endpoint.components[component.name].adapters.items():
            self._output(f"{Output.ADAPTER}{suffix}{_pascal(label)}", adapter.inference_component_name)

    def _output(self, name: str, value: str) -> None:
        CfnOutput(self, name, value=value)


def describe(plan: EndpointPlan) -> str:
    """Describe a plan in one line: `8 x NousResearch/Llama-2-13b-chat-hf on 1 x ml.p4d.24xlarge`."""
    components = " + ".join(f"{component.copies} x {component.model.id}" for component in plan.components)
    return f"{components} on {plan.instances} x {plan.instance.name}"


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
