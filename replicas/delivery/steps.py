"""Progress of a deploy: status of the endpoint, and running copies of each inference component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.session import Aws
from replicas.names import ResourceType

_KINDS = (ResourceType.ENDPOINT, ResourceType.COMPONENT)


@dataclass(frozen=True)
class Step:
    """Progress of an endpoint or an inference component that a deploy creates or changes."""

    label: str
    state: str
    """SageMaker's status of the resource; `waiting` before the resource exists."""
    copies: int | None = None
    """Running copies; None for an endpoint."""
    requested: int | None = None
    """Requested copies; None for an endpoint and for an adapter."""

    def __str__(self) -> str:
        copies = f"{self.copies or 0} of {self.requested} copies, " if self.requested is not None else ""
        return f"{self.label}: {copies}{self.state}"


class Follower:
    """Reads the progress of the endpoint and components of one stack during a deploy."""

    def __init__(self, aws: Aws, name: str, template: Mapping[str, Any]) -> None:
        """Read the endpoint and components from the template. Some of them may not exist yet."""
        self._aws, self._name = aws, name
        resources: Mapping[str, Any] = template.get("Resources", {})
        self._resources = {
            logical_id: resource
            for kind in _KINDS
            for logical_id, resource in resources.items()
            if resource["Type"] == kind
        }

    def look(self) -> list[Step] | None:
        """Return the current steps; None if AWS does not respond. The caller tries again later."""
        try:
            listed = self._aws.client("cloudformation").describe_stack_resources(StackName=self._name)
            existing = {
                entry["LogicalResourceId"]: entry["PhysicalResourceId"]
                for entry in listed["StackResources"]
                if entry.get("PhysicalResourceId") and entry["ResourceStatus"] != "DELETE_COMPLETE"
            }
            return [self._step(logical_id, existing.get(logical_id)) for logical_id in self._resources]
        except (ClientError, BotoCoreError):
            return None

    def _step(self, logical_id: str, physical_id: str | None) -> Step:
        resource, sagemaker = self._resources[logical_id], self._aws.client("sagemaker")
        name = physical_id.rpartition("/")[2] if physical_id else ""  # Ref gives the ARN
        if resource["Type"] == ResourceType.ENDPOINT:
            state = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] if name else "waiting"
            return Step("endpoint", state)
        asked = resource["Properties"].get("RuntimeConfig", {}).get("CopyCount")
        requested = asked if isinstance(asked, int) else None
        if not name:
            return Step(logical_id, "waiting", 0, requested)
        described = sagemaker.describe_inference_component(InferenceComponentName=name)
        runtime = described.get("RuntimeConfig", {})
        return Step(
            name,
            described["InferenceComponentStatus"],
            runtime.get("CurrentCopyCount", 0),
            runtime.get("DesiredCopyCount"),
        )
