"""Grants to invoke an endpoint or a component."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

INVOKE = "sagemaker:InvokeEndpoint"
INVOKE_WITH_RESPONSE_STREAM = "sagemaker:InvokeEndpointWithResponseStream"
CALL_WITH_BEARER_TOKEN = "sagemaker:CallWithBearerToken"  # noqa: S105 (the name of an action)


class Invocable:
    """Mixin with grants for callers, on all ARNs that SageMaker checks for an invocation.

    It stands before `Resource` among the bases of a class: jsii calls only methods that it meets before a class of
    aws-cdk. The grants of several methods become one with `Grant.combine`.
    """

    @property
    def invocation_arns(self) -> list[str]:
        """ARNs that SageMaker checks when this is invoked."""
        raise NotImplementedError

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpoint."""
        return self._grant(grantee, INVOKE)

    def grant_invoke_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow InvokeEndpointWithResponseStream."""
        return self._grant(grantee, INVOKE_WITH_RESPONSE_STREAM)

    def grant_invoke_with_response_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Do the same as `grant_invoke_stream`, under the name of the action."""
        return self.grant_invoke_stream(grantee)

    def grant_chat(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow the OpenAI-compatible path: both invoke actions, and bearer tokens (only on resource `*`).

        The returned grant holds both statements.
        """
        bearer = iam.Grant.add_to_principal(grantee=grantee, actions=[CALL_WITH_BEARER_TOKEN], resource_arns=["*"])
        return bearer.combine(self._grant(grantee, INVOKE, INVOKE_WITH_RESPONSE_STREAM))

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        return iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=self.invocation_arns)
