"""Grants to invoke an endpoint or a component."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

INVOKE = "sagemaker:InvokeEndpoint"
INVOKE_WITH_RESPONSE_STREAM = "sagemaker:InvokeEndpointWithResponseStream"
CALL_WITH_BEARER_TOKEN = "sagemaker:CallWithBearerToken"  # noqa: S105 (the name of an action)


class Invocable:
    """Mixin that allows callers to invoke an endpoint or a component, with rights on all ARNs that SageMaker checks.

    List the mixin before `Resource` among the base classes, because jsii calls only methods of classes that
    come before an aws-cdk class. Combine the grants of several methods with `Grant.combine`.
    """

    @property
    def invocation_arns(self) -> list[str]:
        """ARNs that SageMaker checks when the endpoint or component is invoked."""
        raise NotImplementedError

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpoint."""
        return self._grant(grantee, INVOKE)

    def grant_invoke_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpointWithResponseStream."""
        return self._grant(grantee, INVOKE_WITH_RESPONSE_STREAM)

    def grant_invoke_with_response_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Alias of `grant_invoke_stream`, with the name of the action."""
        return self.grant_invoke_stream(grantee)

    def grant_chat(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow requests to the OpenAI-compatible path: both invoke actions, and bearer tokens (only on resource `*`).

        The returned grant contains both statements.
        """
        bearer = iam.Grant.add_to_principal(grantee=grantee, actions=[CALL_WITH_BEARER_TOKEN], resource_arns=["*"])
        return bearer.combine(self._grant(grantee, INVOKE, INVOKE_WITH_RESPONSE_STREAM))

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        return iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=self.invocation_arns)
