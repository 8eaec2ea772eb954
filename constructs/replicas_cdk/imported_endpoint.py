"""`ImportedEndpoint`: an endpoint of another stack, or an endpoint created without CloudFormation."""

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
    """An endpoint imported by ARN, or by name from the account and region of the stack.

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
            construct_id: part of the logical ids of resources that are added to the endpoint.
            endpoint_arn: ARN of the endpoint; may be a CDK token. Default: built from the name.
            endpoint_name: name of the endpoint; may be a CDK token. Default: the name in the ARN.
            inference_component_names: components of the endpoint that grants include. Without names, grants add a
                warning.
            variant_name: variant of the endpoint's configuration. It is a dimension of the metrics.
            role: execution role of the endpoint. It gets the right to read adapters that are added. Default: unknown.

        Raises:
            ValueError: neither ARN nor name is given, one of them is malformed, a component is named twice, or the role
                and the endpoint are in different accounts.

        """
        names = inference_component_names
        faults = arn_faults("endpoint_arn", endpoint_arn, "endpoint")
        faults += name_faults("endpoint_name", endpoint_name)
        faults += name_faults("variant_name", variant_name)
        faults += list_faults("inference_component_names", names)
        if not isinstance(names, str):
            faults += [fault for name in names for fault in name_faults("inference_component_names", name)]
            repeated = sorted(name for name, count in Counter(filter(literal, names)).items() if count > 1)
            faults += [f"inference_component_names= contains {name!r} twice: remove one" for name in repeated]
        if endpoint_arn is None and endpoint_name is None:
            faults.append("neither endpoint_arn= nor endpoint_name= is given: pass at least one of them")
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
        """Refuse a removal policy, because this stack does not own the endpoint.

        Raises:
            ValueError: always.

        """
        raise ValueError(
            f"{self.node.path}: this stack does not own the imported endpoint: set the removal policy {policy.name} "
            "where the endpoint is defined"
        )

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        if not self.components:
            Annotations.of(self).add_warning_v2(
                "replicas:grantWithoutComponents",
                f"{self.node.path}: a caller needs rights on a component and on its endpoint, but this import names no "
                "component: pass inference_component_names= to from_endpoint_attributes",
            )
        return super()._grant(grantee, *actions)
