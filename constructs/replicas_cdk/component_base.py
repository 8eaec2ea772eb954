"""Base class of defined and imported inference components: names, grants and metrics."""

from __future__ import annotations

import jsii
from aws_cdk import Annotations, Fn
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces import aws_sagemaker as references

from replicas_cdk.component_metrics import ComponentMetrics
from replicas_cdk.invocation import Invocable


@jsii.implements(references.IInferenceComponentRef)
class InferenceComponentBase(Invocable, ComponentMetrics):
    """Names, grants and metrics of a component. aws-cdk accepts it as an `IInferenceComponentRef`."""

    _arn: str
    _name: str
    _endpoint_arn: str | None = None
    _endpoint_name: str | None = None

    @property
    def inference_component_arn(self) -> str:
        """ARN of the component; may be a CDK token."""
        return self._arn

    @property
    def inference_component_name(self) -> str:
        """Name of the component, which callers send in `InferenceComponentName`; may be a CDK token."""
        return self._name

    @property
    def inference_component_ref(self) -> references.InferenceComponentReference:
        """Reference to the component, for constructs of aws-cdk."""
        return references.InferenceComponentReference(inference_component_arn=self._arn)

    @property
    def invocation_arns(self) -> list[str]:
        """ARNs of the component and its endpoint. A caller needs rights on both to invoke the component."""
        return [self._arn, *([self._endpoint_arn] if self._endpoint_arn else [])]

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        if self._endpoint_arn is None:
            Annotations.of(self).add_warning_v2(
                "replicas:grantWithoutEndpoint",
                f"{self.node.path}: a caller needs rights on the component and on its endpoint, but this import does "
                "not name the endpoint: pass endpoint_arn= or endpoint_name= to the import",
            )
        return super()._grant(grantee, *actions)


def name_in(arn: str) -> str:
    """Return the name at the end of an ARN that is a CDK token. The resource type has no attribute for the name."""
    return Fn.select(1, Fn.split("/", arn))
