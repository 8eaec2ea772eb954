"""Calls to SageMaker Runtime. A failed call raises `NotYet` (try again later) or `OperationError` with the next
step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EventStreamError

from replicas.aws.session import Aws, error_code, error_message, explain
from replicas.aws.target import Target, is_missing
from replicas.aws.waiting import NotYet
from replicas.errors import OperationError
from replicas.names import CopyTarget

if TYPE_CHECKING:
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

MOST_BODY_BYTES = 6_291_456
"""Largest request body, from SageMaker Runtime's API model; the documentation also says 25 MB."""


@dataclass(frozen=True)
class Invoker:
    """Sends requests to one inference component. It never retries."""

    aws: Aws
    runtime: SageMakerRuntimeClient
    target: Target

    def whole(self, body: bytes) -> bytes:
        """Invoke the component and return the whole response body.

        Raises:
            NotYet: no copy runs yet, but a copy is expected to start.
            OperationError: any other failure of the service or the container.

        """
        try:
            answer: bytes = self.runtime.invoke_endpoint(**self._request(body))["Body"].read()
        except ClientError as fault:
            raise self._meaning(fault) from None
        return answer

    def stream(self, body: bytes) -> Iterator[bytes]:
        """Yield the chunks of a streamed response.

        Raises the exceptions of `whole`, before the first chunk or between chunks.
        """
        try:
            events = self.runtime.invoke_endpoint_with_response_stream(**self._request(body))["Body"]
        except ClientError as fault:
            raise self._meaning(fault) from None
        try:
            for event in events:
                yield event["PayloadPart"]["Bytes"]
        except EventStreamError as fault:
            raise OperationError(
                f"the answer was cut off: {error_message(fault)} ({error_code(fault)}): send the request again"
            ) from None
        finally:
            events.close()

    def _request(self, body: bytes) -> dict[str, Any]:
        return {
            "EndpointName": self.target.endpoint_name,
            "InferenceComponentName": self.target.component_name,
            "ContentType": "application/json",
            "Body": body,
        }

    def _meaning(self, fault: ClientError) -> Exception:
        code, words = error_code(fault), error_message(fault)
        match code:
            case "ModelNotReadyException":
                return NotYet("the model is not ready yet")
            case "ValidationError" | "ValidationException":
                return self._why_not(words)
            case "ModelError":
                return OperationError(_container_refusal(fault))
            case "InternalDependencyException":
                return OperationError(
                    f"SageMaker had an internal error (HTTP 530): {words} Send the request again later."
                )
        return explain(fault)

    def _why_not(self, words: str) -> Exception:
        """Return an exception that explains a validation error: wrong name, failed component, no running copy, or
        another reason.
        """
        sagemaker, name = self.aws.client("sagemaker"), self.target.component_name
        serving, is_adapter = self.target.serving_name, self.target.base_name is not None
        try:
            endpoint = sagemaker.describe_endpoint(EndpointName=self.target.endpoint_name)
            component = sagemaker.describe_inference_component(InferenceComponentName=name)
            base = sagemaker.describe_inference_component(InferenceComponentName=serving) if is_adapter else component
        except ClientError as fault:
            if is_missing(fault):
                return OperationError(f"{error_message(fault)} Check the name and the region ({self.aws.region}).")
            return explain(fault)
        if endpoint["EndpointStatus"] == "Failed":
            return OperationError(f"endpoint {self.target.endpoint_name} failed: {endpoint.get('FailureReason')}")
        status, copies = component["InferenceComponentStatus"], base.get("RuntimeConfig", {})
        if status == "Failed":
            return OperationError(f"inference component {name} failed: {component.get('FailureReason')}")
        if "Deleting" in (status, endpoint["EndpointStatus"]):
            return OperationError(
                f"inference component {name} or its endpoint is being deleted: deploy it again to invoke it"
            )
        if copies.get("CurrentCopyCount", 1) > 0 and "capacity" not in words:
            return OperationError(f"the request was refused: {words}")
        if endpoint["EndpointStatus"] != "InService" or status != "InService" or copies.get("DesiredCopyCount", 0) > 0:
            state = status if status != "InService" else endpoint["EndpointStatus"]
            return NotYet(f"no copy is running yet (component or endpoint is {state})")
        if self._can_wake():
            if not is_adapter:
                return NotYet("the component has zero copies, and this request starts a copy")
            return OperationError(
                f"adapter {name}: its base component {serving} has zero copies: send a request to {serving} to "
                f"start a copy (AWS does "
                f"not document whether a request to an adapter starts one)"
            )
        return OperationError(
            f"inference component {serving} has no copies, and no scaling policy starts one: deploy it with "
            f"copies, or run "
            f"`aws sagemaker update-inference-component-runtime-config --inference-component-name {serving} "
            "--desired-runtime-config CopyCount=1`"
        )

    def _can_wake(self) -> bool:
        scaling = self.aws.client("application-autoscaling")
        targets = scaling.describe_scalable_targets(
            ServiceNamespace=CopyTarget.NAMESPACE,
            ResourceIds=[CopyTarget.resource_id(self.target.serving_name)],
            ScalableDimension=CopyTarget.DIMENSION,
        )["ScalableTargets"]
        return any(target["MaxCapacity"] > 0 for target in targets)


def _container_refusal(fault: ClientError) -> str:
    """Return an error message that contains the engine's own message, taken from a ModelError."""
    response: Mapping[str, Any] = fault.response
    status = response.get("OriginalStatusCode")
    message = str(response.get("OriginalMessage") or error_message(fault))
    try:
        document = json.loads(message)
        error = document.get("error", document) if isinstance(document, dict) else document
        message = str(error.get("message", message) if isinstance(error, dict) else error)
    except ValueError:
        pass
    group = str(response.get("LogStreamArn", "")).rpartition("log-group:")[2]
    where = f"; its log group is {group}" if group and (not status or status >= 500) else ""
    return f"the model's container refused the request (HTTP {status}): {message}{where}"
