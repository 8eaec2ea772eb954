"""What is deployed under a name: found from the outputs of its stack, or named by hand."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code, error_message
from replicas.errors import OperationError
from replicas.names import Output

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef


@dataclass(frozen=True)
class DeployedComponent:
    """An inference component by its name on AWS, and by the label that its stack's output gives it."""

    name: str
    label: str
    alias: str | None = None
    """Of an adapter: the label with its base's before it."""


@dataclass(frozen=True)
class Deployed:
    """An endpoint that is deployed, with its components."""

    name: str
    """Of the deployment, or of the endpoint where no stack of ours made it."""
    region: str
    endpoint_name: str
    components: tuple[DeployedComponent, ...]
    stack_id: str | None
    """None for an endpoint that was named by hand."""
    adapters: tuple[DeployedComponent, ...] = ()
    """Adapters of a stack's components; on an endpoint that was named by hand they are among the components."""

    @property
    def askable(self) -> tuple[DeployedComponent, ...]:
        """Everything that takes requests: components, then adapters."""
        return (*self.components, *self.adapters)

    def component(self, wanted: str | None) -> DeployedComponent:
        """The component or adapter of a name or label; without one, the only component there is.

        Raises:
            OperationError: no such component, or several to choose from.

        """
        labels = ", ".join(component.label for component in self.askable)
        if wanted is None:
            if len(self.components) == 1:
                return self.components[0]
            if not self.components:
                raise OperationError(f"endpoint {self.endpoint_name} has no inference components")
            raise OperationError(f"{self.name} has several components: choose one with --component ({labels})")
        folded = label(wanted)
        for component in self.askable:
            if wanted == component.name or folded in (label(component.label), component.alias):
                return component
        raise OperationError(f"{self.name} has no component {wanted!r}; it has: {labels or 'none'}")


def find_deployed(aws: Aws, name: str | None, endpoint: str | None = None) -> Deployed:
    """The deployment of a stack's name, or an endpoint that no stack of ours made.

    Raises:
        OperationError: neither or both are given, no such stack or endpoint, or a stack without our outputs.

    """
    if (name is None) == (endpoint is None):
        raise OperationError("give the NAME of a deployment, or --endpoint with the name of any endpoint")
    if endpoint is not None:
        return _named_by_hand(aws, endpoint)
    assert name is not None  # noqa: S101 (one of the two is given)
    stack = find_stack(aws, name)
    if stack is None:
        raise OperationError(f"no stack {name!r} in {aws.region}{stack_hint(aws, name)}")
    return deployed_by(aws, name, stack)


def deployed_by(aws: Aws, name: str, stack: Mapping[str, Any]) -> Deployed:
    """What a stack deployed, as its outputs tell. Raises `OperationError` for a stack without ours."""
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    if Output.ENDPOINT not in outputs:
        state = stack["StackStatus"]
        if "IN_PROGRESS" in state:
            reason = "it is not ready; `replicas status` shows its events"
        elif state.endswith("_FAILED") or state == "ROLLBACK_COMPLETE":
            reason = f"`replicas status {name}` shows why, `replicas teardown {name}` removes what is left of it"
        else:
            reason = "not one of ours, or never deployed: --endpoint names any endpoint"
        raise OperationError(f"stack {name} has no output {Output.ENDPOINT} (it is {state}): {reason}")
    return Deployed(
        name=name,
        region=aws.region,
        endpoint_name=outputs[Output.ENDPOINT],
        components=tuple(_components(name, outputs)),
        stack_id=stack["StackId"],
        adapters=tuple(_adapters(outputs)),
    )


def find_stack(aws: Aws, name: str) -> StackTypeDef | None:
    """Return the stack as DescribeStacks describes it, None if it does not exist."""
    try:
        stacks = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as fault:
        if error_code(fault) == "ValidationError" and "does not exist" in error_message(fault):
            return None
        raise
    return stacks[0]


def component_names(aws: Aws, endpoint: str) -> list[str]:
    """The inference components on an endpoint, oldest first, all pages."""
    pages = aws.client("sagemaker").get_paginator("list_inference_components")
    found = pages.paginate(EndpointNameEquals=endpoint, SortBy="CreationTime", SortOrder="Ascending")
    return [entry["InferenceComponentName"] for page in found for entry in page["InferenceComponents"]]


def _named_by_hand(aws: Aws, endpoint: str) -> Deployed:
    try:
        aws.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as fault:
        if error_code(fault) == "ValidationException" and "Could not find" in error_message(fault):
            raise OperationError(f"no endpoint {endpoint!r} in {aws.region}") from None
        raise
    components = tuple(DeployedComponent(name=name, label=name) for name in component_names(aws, endpoint))
    return Deployed(endpoint, aws.region, endpoint, components, stack_id=None)


def _components(name: str, outputs: Mapping[str, str]) -> Iterator[DeployedComponent]:
    for key, value in outputs.items():
        if key.startswith(Output.COMPONENT):
            suffix = key.removeprefix(Output.COMPONENT)
            yield DeployedComponent(name=value, label=label(suffix) or name)


def _adapters(outputs: Mapping[str, str]) -> Iterator[DeployedComponent]:
    """`AdapterName`, then the suffix of its base (none where that bears the deployment's name), then its own."""
    bases = [key.removeprefix(Output.COMPONENT) for key in outputs if key.startswith(Output.COMPONENT)]
    for key, value in outputs.items():
        if key.startswith(Output.ADAPTER):
            suffix = key.removeprefix(Output.ADAPTER)
            before = [base for base in bases if suffix.startswith(base) and not suffix[len(base) :][:1].islower()]
            own = suffix.removeprefix(max(before, key=len, default=""))
            yield DeployedComponent(name=value, label=label(own), alias=label(suffix))


def label(name: str) -> str:
    """The component `mistral-7b` is `Mistral7b` in the keys of outputs: here both are `mistral7b`."""
    return name.replace("-", "").lower()


def stack_hint(aws: Aws, name: str) -> str:
    """The end of a sentence about a stack that is not there: what is."""
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    ours = [
        stack["StackName"]
        for page in pages
        for stack in page["Stacks"]
        if any(output["OutputKey"] == Output.ENDPOINT for output in stack.get("Outputs", ()))
    ]
    if not ours:
        return f": nothing of ours is deployed there; `npx cdk deploy {name}` deploys it, --region looks elsewhere"
    near = difflib.get_close_matches(name, ours, n=3, cutoff=0.4)
    return f"; near: {', '.join(near)}" if near else f"; deployed there: {', '.join(ours)}"
