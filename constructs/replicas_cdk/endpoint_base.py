"""Base class of defined and imported endpoints: names, grants and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as references

from replicas_cdk.component_adapter import InferenceComponentAdapter
from replicas_cdk.endpoint_metrics import EndpointMetrics
from replicas_cdk.hosting_component import HostingComponent
from replicas_cdk.invocation import Invocable


@jsii.implements(sagemaker.IEndpoint)
class EndpointBase(Invocable, EndpointMetrics):
    """Names, grants and metrics of an endpoint. aws-cdk accepts it as an `aws_sagemaker.IEndpoint`."""

    components: Mapping[str, HostingComponent]
    """Components of the endpoint, by name."""
    endpoint_identity: str
    """A literal string that changes exactly when CloudFormation would replace the endpoint. It is not a CDK token."""
    _arn: str
    _name: str
    _granted: tuple[tuple[iam.IGrantable, Sequence[str]], ...] = ()

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint; may be a CDK token."""
        return self._name

    @property
    def endpoint_arn(self) -> str:
        """ARN of the endpoint; may be a CDK token."""
        return self._arn

    @property
    def endpoint_ref(self) -> references.EndpointReference:
        """Reference to the endpoint, for constructs of aws-cdk."""
        return references.EndpointReference(endpoint_arn=self._arn)

    @property
    def invocation_arns(self) -> list[str]:
        """ARNs of the endpoint, all its components and their adapters."""
        return [
            self.endpoint_arn,
            *(
                invocable.inference_component_arn
                for component in self.components.values()
                for invocable in (component, *component.adapters.values())
            ),
        ]

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        self._granted += ((grantee, actions),)
        return super()._grant(grantee, *actions)

    def _extend_grants(self, adapter: InferenceComponentAdapter) -> None:
        """Allow callers of the endpoint to invoke an adapter that was added after the grant."""
        for grantee, actions in self._granted:
            arns = [adapter.inference_component_arn]
            iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=arns)
