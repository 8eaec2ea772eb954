"""How far a deploy is: the endpoint, and of each inference component the copies that run."""

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
    """An endpoint or an inference component that a deploy makes or changes."""

    label: str
    state: str
    """SageMaker's status; `waiting` before it exists."""
    copies: int | None = None
    """Copies that run now; None for an endpoint."""
    requested: int | None = None
    """Copies that are asked for; None for an endpoint and for an adapter."""

    def __str__(self) -> str:
        copies = f"{self.copies or 0} of {self.requested} copies, " if self.requested is not None else ""
        return f"{self.label}: {copies}{self.state}"


class Follower:
    """Looks at the endpoint and the components of one stack while it is deployed."""

    def __init__(self, aws: Aws, name: str, template: Mapping[str, Any]) -> None:
        """Take the components from the template: those that do not exist yet are waited for."""
        self._aws, self._name = aws, name
        resources: Mapping[str, Any] = template.get("Resources", {})
        self._resources = {
            logical_id: resource
            for kind in _KINDS
            for logical_id, resource in resources.items()
            if resource["Type"] == kind
        }

    def look(self) -> list[Step] | None:
        """Return the steps as they are now; None if AWS gives no answer, for which a later look is soon enough."""
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
