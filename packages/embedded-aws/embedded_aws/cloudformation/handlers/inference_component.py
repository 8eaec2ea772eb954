"""Handler for SageMaker inference components. `Ref` returns the ARN, and no attribute returns the name.

The schema marks no property as createOnly, but SageMaker has no operation to rename an inference component or to move
it to another endpoint or variant. CloudFormation's behavior is not documented. The embedded AWS refuses such an update.
"""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from embedded_aws.cloudformation.handlers.sagemaker import SageMakerHandler, described, is_gone, name_in, update_tags
from embedded_aws.evidence import ASSUMED
from replicas.names import ResourceType

_FIXED = frozenset({"InferenceComponentName", "EndpointName", "VariantName"})
_BUSY = ("Creating", "Updating")


class InferenceComponent(SageMakerHandler):
    """An inference component: copies of a model on the instances of an endpoint."""

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
        # CreateInferenceComponent has no DeploymentConfig: the property applies to updates only.
        arguments = {key: value for key, value in desired.items() if key != "DeploymentConfig"}
        answer = work.client("sagemaker").create_inference_component(**{**arguments, "InferenceComponentName": name})
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
        if work.rolling_back and (component := _rolled_back_component(client, name)):
            update_tags(work, physical_id, previous, desired)
            return Made(physical_id, _attributes(component))
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

        # SageMaker refuses to delete a component that is being created or updated.
        def idle() -> bool:
            return is_gone(describe, InferenceComponentName=name) or (
                describe(InferenceComponentName=name)["InferenceComponentStatus"] not in _BUSY
            )

        work.until(idle, every_seconds=10)
        quietly(client.delete_inference_component, "Could not find", InferenceComponentName=name)
        work.until(lambda: is_gone(describe, InferenceComponentName=name))

    def find(self, client: Callable[[str], Any], identifier: Mapping[str, str]) -> Made | None:
        arn, describe = identifier["InferenceComponentArn"], client("sagemaker").describe_inference_component
        component = described(describe, arn, "InferenceComponentName", "InferenceComponentArn")
        return Made(arn, _attributes(component)) if component else None

    def _wait(self, work: Work, name: str, *, updated: bool = False) -> Made:
        client = work.client("sagemaker")
        component: dict[str, Any] = {}

        def stable() -> bool:
            component.update(client.describe_inference_component(InferenceComponentName=name))
            status = component["InferenceComponentStatus"]
            if status == "Failed" or (updated and status == "InService" and component.get("FailureReason")):
                raise HandlerError(component.get("FailureReason") or f"Inference component {name} is {status}", ASSUMED)
            return bool(status == "InService")

        work.until(stable, every_seconds=10, at_most_minutes=490)
        return Made(component["InferenceComponentArn"], _attributes(component))


def _rolled_back_component(client: Any, name: str) -> dict[str, Any] | None:
    """Return the component if SageMaker has already rolled it back after the failed update; otherwise None.

    A second update would start new copies without need, and a full instance has no memory for them.
    """
    component: dict[str, Any] = client.describe_inference_component(InferenceComponentName=name)
    rolled_back = component["InferenceComponentStatus"] == "InService" and component.get("FailureReason")
    return component if rolled_back else None


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
