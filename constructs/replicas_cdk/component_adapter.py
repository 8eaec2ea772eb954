"""`InferenceComponentAdapter`: a LoRA adapter that is served by the copies of an inference component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from replicas.deployment.unresolved import is_unresolved
from replicas_cdk.component_base import InferenceComponentBase, name_in

_L1 = sagemaker.CfnInferenceComponent


@dataclass(frozen=True, kw_only=True)
class AdapterBase:
    """Names of the component that an adapter runs on, and of its endpoint."""

    component_name: str
    """Name of the component; may be a CDK token."""
    endpoint_name: str
    """Name of the endpoint of the component; may be a CDK token."""
    endpoint_arn: str
    """ARN of the endpoint of the component; may be a CDK token."""
    identity: str
    """A literal string that changes exactly when CloudFormation would replace the component. It is not a CDK token."""


class TakesAdapters(Protocol):
    """A component whose copies can serve adapters."""

    @property
    def adapter_base(self) -> AdapterBase:
        """Names of this component and of its endpoint, for an adapter."""


class InferenceComponentAdapter(InferenceComponentBase):
    """A LoRA adapter: an inference component that reserves no resources and runs on the copies of its base component.

    Callers send its name in `InferenceComponentName`. CloudFormation deletes it before its base.
    """

    def __init__(self, scope: Construct, construct_id: str, *, base: TakesAdapters, artifact_url: str) -> None:
        """Define an adapter of a component.

        Args:
            scope: parent.
            construct_id: part of the logical id; changing it replaces the adapter.
            base: component whose copies serve the adapter. Changing it replaces the adapter.
            artifact_url: S3 prefix of the adapter's weights, with a slash at the end, or URL of a .tar.gz archive.

        Raises:
            ValueError: `artifact_url` is neither a prefix with a slash at the end nor a .tar.gz archive.

        """
        super().__init__(scope, construct_id)
        node = self.node
        if not _is_artifact(artifact_url):
            allowed = "pass s3://bucket/prefix/, with the slash, or s3://bucket/name.tar.gz"
            raise ValueError(f"{node.path}: artifact_url={artifact_url!r}: {allowed}")
        known = base.adapter_base
        resource = _L1(
            self,
            f"Resource{known.identity}",
            endpoint_name=known.endpoint_name,
            specification=_L1.InferenceComponentSpecificationProperty(
                base_inference_component_name=known.component_name,
                container=_L1.InferenceComponentContainerSpecificationProperty(artifact_url=artifact_url),
            ),
        )
        node.default_child = resource
        self._endpoint_name = known.endpoint_name
        self._endpoint_arn = known.endpoint_arn
        self._arn = resource.attr_inference_component_arn
        self._name = name_in(self._arn)


def _is_artifact(url: str) -> bool:
    """Return whether a URL is a prefix or an archive. A URL that ends with a CDK token counts as valid."""
    if is_unresolved(url):
        return url.endswith(("/", ".tar.gz", "]}"))
    return url.startswith("s3://") and url.endswith(("/", ".tar.gz"))
