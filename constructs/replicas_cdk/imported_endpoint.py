"""`ImportedEndpoint`: an endpoint of another stack, or one that was made without CloudFormation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, RemovalPolicy
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas.deployment.deployment import DEFAULT_VARIANT
from replicas_cdk.arns import apart, arn_beside, arn_faults, arn_of, contradictions, name_faults, name_of
from replicas_cdk.endpoint_base import EndpointBase
from replicas_cdk.given_values import list_faults
from replicas_cdk.identity import literal
from replicas_cdk.imported_component import ImportedInferenceComponent


class ImportedEndpoint(EndpointBase):
    """An endpoint by its ARN, whose account and region it has, or by its name in the account and region of the stack.

    Components can be placed on it (`InferenceComponent(endpoint=...)`).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_arn: str | None = None,
        endpoint_name: str | None = None,
        inference_component_names: Sequence[str] = (),
        variant_name: str = DEFAULT_VARIANT,
        role: iam.IRole | None = None,
    ) -> None:
        """Import an endpoint.

        Args:
            scope: parent.
            construct_id: part of the logical ids of what is added to the endpoint.
            endpoint_arn: ARN of the endpoint; may be a token. Default: that of the name.
            endpoint_name: name of the endpoint; may be a token. Default: the one in the ARN.
            inference_component_names: components of the endpoint, which callers may then invoke. Without any, grants
                warn.
            variant_name: variant of the endpoint's configuration, a dimension of its metrics.
            role: execution role of the endpoint, which may then read adapters. Default: none is known here.

        Raises:
            ValueError: neither ARN nor name is given, one has another form, a component is named twice, or the role is
                of another account than the ARN.

        """
        names = inference_component_names
        faults = arn_faults("endpoint_arn", endpoint_arn, "endpoint")
        faults += name_faults("endpoint_name", endpoint_name)
        faults += name_faults("variant_name", variant_name)
        faults += list_faults("inference_component_names", names)
        if not isinstance(names, str):
            faults += [fault for name in names for fault in name_faults("inference_component_names", name)]
            repeated = sorted(name for name, count in Counter(filter(literal, names)).items() if count > 1)
            faults += [f"inference_component_names= has {name!r} twice: once" for name in repeated]
        if endpoint_arn is None and endpoint_name is None:
            faults.append("endpoint_arn= and endpoint_name=, neither given: at least one of them")
        if not faults:
            faults += contradictions("endpoint", endpoint_arn, endpoint_name)
            faults += apart("endpoint_arn", endpoint_arn, "role", role.role_arn) if endpoint_arn and role else []
        if faults:  # before aws-cdk reads the ARN
            raise ValueError(f"{scope.node.path}/{construct_id}: {'; '.join(faults)}")
        super().__init__(scope, construct_id, environment_from_arn=endpoint_arn)
        self._arn = endpoint_arn or arn_of(self, "endpoint", endpoint_name or "")
        self._name = endpoint_name or name_of(self._arn)
        self._variant_name = variant_name
        self.role = role
        self.endpoint_identity = literal(endpoint_arn) or literal(endpoint_name) or self.node.path
        self.components: Mapping[str, ImportedInferenceComponent] = {
            name: ImportedInferenceComponent(
                self,
                f"Component-{literal(name) or index}",
                inference_component_arn=arn_beside(endpoint_arn, self, "inference-component", name)
                if endpoint_arn
                else None,
                inference_component_name=None if endpoint_arn else name,
                endpoint_arn=self._arn,
                endpoint_name=self._name,
            )
            for index, name in enumerate(inference_component_names)
        }

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Refuse a policy: this stack neither owns nor deletes the endpoint.

        Raises:
            ValueError: always.

        """
        raise ValueError(
            f"{self.node.path}: an imported endpoint has no removal policy here: set {policy.name} where it is defined"
        )

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        if not self.components:
            Annotations.of(self).add_warning_v2(
                "replicas:grantWithoutComponents",
                f"{self.node.path}: a caller needs the rights on a component as well as on the endpoint, and no "
                "component of this import is named: inference_component_names= of from_endpoint_attributes",
            )
        return super()._grant(grantee, *actions)
