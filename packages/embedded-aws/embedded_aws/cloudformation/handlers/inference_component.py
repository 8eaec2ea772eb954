"""SageMaker's inference components. `Ref` gives the ARN, and there is no attribute with the name.

The schema calls no property createOnly, yet the service can neither rename nor move a component: it has no operation
for it. What CloudFormation really does then is not documented; here such an update is refused before it starts.
"""

# ruff: noqa: ARG002, D102 (the methods are those of Handler, which says what they do)

from __future__ import annotations

from typing import Any

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    HandlerError,
    Made,
    Properties,
    Work,
    name_from_logical_id,
    only,
    quietly,
)
from embedded_aws.cloudformation.handlers.sagemaker import is_gone, name_in, update_tags
from embedded_aws.evidence import ASSUMED
from replicas.names import ResourceType

_FIXED = frozenset({"InferenceComponentName", "EndpointName", "VariantName"})
_BUSY = ("Creating", "Updating")


class InferenceComponent(Handler):
    """A component: copies of a model on an endpoint's instances."""

    type = ResourceType.COMPONENT
    attributes = (
        "InferenceComponentArn",
        "InferenceComponentStatus",
        "FailureReason",
        "CreationTime",
        "LastModifiedTime",
        "RuntimeConfig.CurrentCopyCount",
        "RuntimeConfig.DesiredCopyCount",
        "Specification.Container.DeployedImage",
    )
    name_property = "InferenceComponentName"

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("InferenceComponentName") or name_from_logical_id(work, 63)
        # CreateInferenceComponent knows no DeploymentConfig: it is for the updates to come.
        wanted = {key: value for key, value in desired.items() if key != "DeploymentConfig"}
        answer = work.client("sagemaker").create_inference_component(**{**wanted, "InferenceComponentName": name})
        work.started(answer["InferenceComponentArn"])
        return self._wait(work, name)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        fixed = sorted(work.changed & _FIXED)
        if fixed:
            raise HandlerError(
                f"An inference component can be neither renamed nor moved: {', '.join(fixed)} cannot change. "
                "Give the component another logical id: it is then created anew.",
                ASSUMED,
                "NotUpdatable",
            )
        name, client = name_in(physical_id), work.client("sagemaker")
        if work.rolling_back and (found := _back_already(client, name)):
            update_tags(work, physical_id, previous, desired)
            return Made(physical_id, _attributes(found))
        if work.changed & {"Specification", "Specifications", "DeploymentConfig"}:
            changes = only(desired, "Specification", "Specifications", "DeploymentConfig")
            if "RuntimeConfig" in work.changed:
                changes |= only(desired, "RuntimeConfig")
            client.update_inference_component(InferenceComponentName=name, **changes)
        elif "RuntimeConfig" in work.changed and "RuntimeConfig" in desired:
            client.update_inference_component_runtime_config(
                InferenceComponentName=name, DesiredRuntimeConfig=only(desired["RuntimeConfig"], "CopyCount")
            )
        made = self._wait(work, name, updated=True)
        update_tags(work, physical_id, previous, desired)
        return made

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        name, client = name_in(physical_id), work.client("sagemaker")
        describe = client.describe_inference_component

        # A component that is being created or updated cannot be deleted: the service refuses.
        def idle() -> bool:
            return is_gone(describe, InferenceComponentName=name) or (
                describe(InferenceComponentName=name)["InferenceComponentStatus"] not in _BUSY
            )

        work.until(idle, every_seconds=10)
        quietly(client.delete_inference_component, "Could not find", InferenceComponentName=name)
        work.until(lambda: is_gone(describe, InferenceComponentName=name))

    def _wait(self, work: Work, name: str, *, updated: bool = False) -> Made:
        client = work.client("sagemaker")
        found: dict[str, Any] = {}

        def stable() -> bool:
            found.update(client.describe_inference_component(InferenceComponentName=name))
            status = found["InferenceComponentStatus"]
            if status == "Failed" or (updated and status == "InService" and found.get("FailureReason")):
                raise HandlerError(found.get("FailureReason") or f"Inference component {name} is {status}", ASSUMED)
            return bool(status == "InService")

        work.until(stable, every_seconds=10, at_most_minutes=490)
        return Made(found["InferenceComponentArn"], _attributes(found))


def _back_already(client: Any, name: str) -> dict[str, Any] | None:
    """The component, where the service itself took it back after the update that failed.

    A second update would start copies again, for which a full instance has no room, although nothing is to change.
    """
    found: dict[str, Any] = client.describe_inference_component(InferenceComponentName=name)
    back = found["InferenceComponentStatus"] == "InService" and found.get("FailureReason")
    return found if back else None


def _attributes(component: dict[str, Any]) -> dict[str, Any]:
    runtime = component.get("RuntimeConfig", {})
    image = component.get("Specification", {}).get("Container", {}).get("DeployedImage", {})
    attributes = {
        "InferenceComponentArn": component["InferenceComponentArn"],
        "InferenceComponentStatus": component["InferenceComponentStatus"],
        "FailureReason": component.get("FailureReason", ""),
        "CreationTime": component["CreationTime"].isoformat(),
        "LastModifiedTime": component["LastModifiedTime"].isoformat(),
        "RuntimeConfig.CurrentCopyCount": runtime.get("CurrentCopyCount"),
        "RuntimeConfig.DesiredCopyCount": runtime.get("DesiredCopyCount"),
        "Specification.Container.DeployedImage": image.get("ResolvedImage"),
    }
    return {name: value for name, value in attributes.items() if value is not None}


HANDLERS: tuple[Handler, ...] = (InferenceComponent(),)
