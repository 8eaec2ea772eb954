"""Finds a deployed endpoint and its components, by the outputs of a stack or by the endpoint's own name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code, error_message
from replicas.errors import OperationError
from replicas.names import Output, ResourceType

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef


IN_REVIEW = "REVIEW_IN_PROGRESS"
"""Status of a stack whose first change set was not executed. DeleteStack accepts it (go-to-k/delstack, pull 646)."""


IMPORTED = "IMPORT_COMPLETE"
"""Status of a stack after an import of existing resources. The stack has no outputs until its first update."""


@dataclass(frozen=True)
class DeployedComponent:
    """An inference component: its SageMaker name, and a short label taken from the key of its stack output."""

    name: str
    label: str
    alias: str | None = None
    """For an adapter only: its label prefixed with the label of its base component."""


@dataclass(frozen=True)
class Deployed:
    """A deployed endpoint with its inference components."""

    name: str
    """Name of the deployment's stack; the endpoint's name if the user gave --endpoint."""
    region: str
    endpoint_name: str
    components: tuple[DeployedComponent, ...]
    stack_id: str | None
    """Id of the stack; None if the user gave --endpoint."""
    adapters: tuple[DeployedComponent, ...] = ()
    """Adapters in the stack's outputs. Empty if the user gave --endpoint: `components` then contains the adapters."""

    @property
    def askable(self) -> tuple[DeployedComponent, ...]:
        """The components and adapters that can be invoked: first the components, then the adapters."""
        return (*self.components, *self.adapters)

    def component(self, name_or_label: str | None) -> DeployedComponent:
        """Return the component or adapter with this name or label.

        If it is None, return the only component of the endpoint.

        Raises:
            OperationError: no component matches, or no name is given and the endpoint does not have exactly one
                component.

        """
        labels = ", ".join(component.label for component in self.askable)
        if name_or_label is None:
            if len(self.components) == 1:
                return self.components[0]
            if not self.components:
                raise OperationError(f"endpoint {self.endpoint_name} has no inference components")
            raise OperationError(f"{self.name} has several components: choose one with --component ({labels})")
        folded = label(name_or_label)
        for component in self.askable:
            if name_or_label == component.name or folded in (label(component.label), component.alias):
                return component
        raise OperationError(f"{self.name} has no component {name_or_label!r}; it has: {labels or 'none'}")


def find_deployed(aws: Aws, name: str | None, endpoint: str | None = None) -> Deployed:
    """Return the endpoint of the stack `name`, or the endpoint called `endpoint`. Exactly one must be given.

    Raises:
        OperationError: none or both names are given, the endpoint does not exist, or the stack lacks the outputs.

    """
    if (name is None) == (endpoint is None):
        raise OperationError("give either the NAME of a deployment, or --endpoint with the name of an endpoint")
    if endpoint is not None:
        return _named_by_hand(aws, endpoint)
    assert name is not None  # noqa: S101 (one of the two is given)
    stack = find_stack(aws, name)
    if stack is None:
        raise OperationError(f"no stack {name!r} in {aws.region}{stack_hint(aws, name)}")
    return deployed_by(aws, name, stack)


def tells_its_endpoint(stack: Mapping[str, Any]) -> bool:
    """True if the outputs of a stack name an endpoint, or if the stack was just imported. Its resources then name the
    endpoint.
    """
    keys = [output["OutputKey"] for output in stack.get("Outputs", ())]
    return Output.ENDPOINT in keys or stack["StackStatus"] == IMPORTED


def deployed_by(aws: Aws, name: str, stack: Mapping[str, Any]) -> Deployed:
    """Return the endpoint of a stack, from the outputs or, after an import, from the resources of the stack.

    Raises:
        OperationError: the stack has neither an output with an endpoint name nor an imported endpoint.

    """
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    if Output.ENDPOINT not in outputs and stack["StackStatus"] == IMPORTED:
        imported = _imported(aws, name, stack)
        if imported is not None:
            return imported
    if Output.ENDPOINT not in outputs:
        state = stack["StackStatus"]
        if "IN_PROGRESS" in state:
            reason = "it is not ready: `replicas status` shows its events"
        elif state.endswith("_FAILED") or state == "ROLLBACK_COMPLETE":
            reason = f"`replicas status {name}` shows why, `replicas teardown {name}` removes its remaining resources"
        else:
            reason = "it does not belong to this project, or was never deployed: use --endpoint for other endpoints"
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
    """Return the stack as DescribeStacks describes it; None if it does not exist."""
    try:
        stacks = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as fault:
        if error_code(fault) == "ValidationError" and "does not exist" in error_message(fault):
            return None
        raise
    return stacks[0]


def component_names(aws: Aws, endpoint: str) -> list[str]:
    """Return the names of all inference components on an endpoint, oldest first."""
    pages = aws.client("sagemaker").get_paginator("list_inference_components")
    listed = pages.paginate(EndpointNameEquals=endpoint, SortBy="CreationTime", SortOrder="Ascending")
    return [entry["InferenceComponentName"] for page in listed for entry in page["InferenceComponents"]]


def _imported(aws: Aws, name: str, stack: Mapping[str, Any]) -> Deployed | None:
    """Read the endpoint and the components of a stack from its resources; None if it has no endpoint."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack["StackId"])
    names: dict[str, list[str]] = {ResourceType.ENDPOINT: [], ResourceType.COMPONENT: []}
    for entry in (entry for page in pages for entry in page["StackResourceSummaries"]):
        if entry["ResourceType"] in names:
            names[entry["ResourceType"]].append(entry["PhysicalResourceId"].rpartition("/")[2])
    if not names[ResourceType.ENDPOINT]:
        return None
    return Deployed(
        name=name,
        region=aws.region,
        endpoint_name=names[ResourceType.ENDPOINT][0],
        components=tuple(DeployedComponent(name=one, label=one) for one in names[ResourceType.COMPONENT]),
        stack_id=stack["StackId"],
    )


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
    """Find the adapters by their output keys. A key consists of `AdapterName`, the suffix of the base component (which
    can be empty) and the suffix of the adapter.
    """
    bases = [key.removeprefix(Output.COMPONENT) for key in outputs if key.startswith(Output.COMPONENT)]
    for key, value in outputs.items():
        if key.startswith(Output.ADAPTER):
            suffix = key.removeprefix(Output.ADAPTER)
            before = [base for base in bases if suffix.startswith(base) and not suffix[len(base) :][:1].islower()]
            own = suffix.removeprefix(max(before, key=len, default=""))
            yield DeployedComponent(name=value, label=label(own), alias=label(suffix))


def label(name: str) -> str:
    """Return a component name, or the suffix of an output key, in lower case: `mistral-7b` and `Mistral7b` become
    `mistral7b`.
    """
    return name.replace("-", "").lower()


def stack_hint(aws: Aws, name: str) -> str:
    """Return a hint that lists the existing stacks, as the end of a not-found message."""
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    ours = [
        stack["StackName"]
        for page in pages
        for stack in page["Stacks"]
        if any(output["OutputKey"] == Output.ENDPOINT for output in stack.get("Outputs", ()))
    ]
    if not ours:
        return (
            f": no stack of this project is deployed there: run `npx cdk deploy {name}`, or select "
            "another region with --region"
        )
    near = difflib.get_close_matches(name, ours, n=3, cutoff=0.4)
    return f"; near: {', '.join(near)}" if near else f"; deployed there: {', '.join(ours)}"
