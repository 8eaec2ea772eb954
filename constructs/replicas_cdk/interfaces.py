"""Interfaces of endpoints and components, both defined in this app and imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, Unpack

from aws_cdk import IResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as references

from replicas_cdk.component_adapter import InferenceComponentAdapter
from replicas_cdk.component_options import S3Location
from replicas_cdk.metric_options import MetricOptions

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

    from replicas_cdk.copy_scaling import CopyScaling


class IInferenceEndpoint(Protocol):
    """The attributes of an endpoint that an inference component uses."""

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint; may be a CDK token."""

    @property
    def endpoint_arn(self) -> str:
        """ARN of the endpoint; may be a CDK token."""

    @property
    def endpoint_identity(self) -> str:
        """A string, not a token, that changes exactly when CloudFormation would replace the endpoint."""


class IInferenceComponent(IResource, references.IInferenceComponentRef, Protocol):
    """A component that hosts a model."""

    @property
    def inference_component_arn(self) -> str:
        """ARN of the component; may be a CDK token."""

    @property
    def inference_component_name(self) -> str:
        """Name of the component, which callers send in `InferenceComponentName`; may be a CDK token."""

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpoint."""

    def grant_invoke_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpointWithResponseStream."""

    def grant_chat(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow requests to the OpenAI-compatible path."""

    def metric(self, metric_name: str, *, namespace: str = ..., **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return a metric of this component by its name."""

    def auto_scale_copies(self, *, min_copies: int, max_copies: int) -> CopyScaling:
        """Register the copies for autoscaling between a minimum and a maximum."""

    def add_adapter(
        self,
        name: str,
        *,
        artifact_url: str | None = None,
        location: S3Location | None = None,
        artifact_account: str | None = None,
        rank: int | None = None,
    ) -> InferenceComponentAdapter:
        """Serve a LoRA adapter on the copies of this component."""


class IMultiReplicaEndpoint(sagemaker.IEndpoint, Protocol):
    """An endpoint of inference components. It is an `aws_sagemaker.IEndpoint`, so constructs of aws-cdk accept it."""

    @property
    def endpoint_identity(self) -> str:
        """A string, not a token, that changes exactly when CloudFormation would replace the endpoint."""

    @property
    def components(self) -> Mapping[str, IInferenceComponent]:
        """Components of the endpoint, by name."""

    def grant_invoke_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpointWithResponseStream."""

    def grant_chat(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow requests to the OpenAI-compatible path."""

    def metric(self, metric_name: str, *, namespace: str = ..., **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return a metric of the endpoint's variant by its name."""
