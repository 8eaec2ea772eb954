"""`InferenceComponentAdapter`: a LoRA adapter on the copies of a component."""

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
    """What an adapter needs of the component whose copies serve it."""

    component_name: str
    """Name of the component; may be a token."""
    endpoint_name: str
    """Name of its endpoint; may be a token."""
    endpoint_arn: str
    """ARN of its endpoint; may be a token."""
    identity: str
    """A string, not a token, that changes exactly when CloudFormation would replace the component."""


class TakesAdapters(Protocol):
    """A component whose copies serve adapters."""

    @property
    def adapter_base(self) -> AdapterBase:
        """What an adapter needs of the component."""


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
            ValueError: `artifact_url` is neither.

        """
        super().__init__(scope, construct_id)
        node = self.node
        if not _is_artifact(artifact_url):
            allowed = "s3://bucket/prefix/, with the slash, or s3://bucket/name.tar.gz"
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
    """True for a prefix or an archive. Of a URL that ends with a token, the end is not known here."""
    if is_unresolved(url):
        return url.endswith(("/", ".tar.gz", "]}"))
    return url.startswith("s3://") and url.endswith(("/", ".tar.gz"))
