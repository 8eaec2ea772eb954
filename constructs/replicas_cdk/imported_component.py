"""`ImportedInferenceComponent`: a component of another stack, or a component created without CloudFormation."""

from __future__ import annotations

import hashlib

from aws_cdk import Annotations, RemovalPolicy
from constructs import Construct

from replicas_cdk.arns import (
    apart,
    arn_beside,
    arn_faults,
    arn_of,
    contradictions,
    elsewhere,
    name_faults,
    name_of,
)
from replicas_cdk.component_adapter import InferenceComponentAdapter
from replicas_cdk.component_options import S3Location
from replicas_cdk.hosting_component import HostingComponent
from replicas_cdk.identity import literal


class ImportedInferenceComponent(HostingComponent):
    """A component imported by ARN, or by name from the account and region of the stack.

    Autoscaling and adapters can be added to the component in this app.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        inference_component_arn: str | None = None,
        inference_component_name: str | None = None,
        endpoint_arn: str | None = None,
        endpoint_name: str | None = None,
    ) -> None:
        """Import a component.

        Args:
            scope: parent.
            construct_id: part of the logical ids of resources that are added to the component.
            inference_component_arn: ARN of the component; may be a CDK token. Pass either the ARN or the name.
            inference_component_name: name of the component; may be a CDK token.
            endpoint_arn: ARN of the component's endpoint. Grants need it, and add a warning if it is missing.
            endpoint_name: name of the component's endpoint, instead of the ARN.

        Raises:
            ValueError: neither or both of ARN and name are given, one of them is malformed, or the component and the
                endpoint are in different accounts or regions.

        """
        arn, name, faults = inference_component_arn, inference_component_name, []
        if (arn is None) == (name is None):
            given = "neither was" if arn is None else "both were"
            faults.append(f"pass one of inference_component_arn= and inference_component_name=: {given} given")
        faults += arn_faults("inference_component_arn", arn, "inference-component")
        faults += name_faults("inference_component_name", name)
        faults += arn_faults("endpoint_arn", endpoint_arn, "endpoint")
        faults += name_faults("endpoint_name", endpoint_name)
        if not faults:
            faults += contradictions("endpoint", endpoint_arn, endpoint_name)
            faults += apart("inference_component_arn", arn, "endpoint_arn", endpoint_arn)
        if faults:  # before aws-cdk reads the ARN
            raise ValueError(f"{scope.node.path}/{construct_id}: {'; '.join(faults)}")
        super().__init__(scope, construct_id, environment_from_arn=arn)
        if arn is None and endpoint_arn is not None and (faults := elsewhere("endpoint_arn", endpoint_arn, self)):
            raise ValueError(f"{self.node.path}: {'; '.join(faults)}")
        self._identity = hashlib.sha256((literal(arn) or literal(name) or "").encode()).hexdigest()[:8]
        self._arn = arn or arn_of(self, "inference-component", name or "")
        self._name = name or name_of(self._arn)
        if endpoint_name and not endpoint_arn:
            endpoint_arn = arn_beside(self._arn, self, "endpoint", endpoint_name)
        self._endpoint_arn = endpoint_arn
        self._endpoint_name = endpoint_name or (name_of(endpoint_arn) if endpoint_arn else None)

    def add_adapter(
        self,
        name: str,
        *,
        artifact_url: str | None = None,
        location: S3Location | None = None,
        artifact_account: str | None = None,
        rank: int | None = None,
    ) -> InferenceComponentAdapter:
        """Serve a LoRA adapter on the copies of this component. Arguments as in `HostingComponent.add_adapter`.

        The engine of an imported component is unknown, and the role of its endpoint is not changed. A warning states
        both facts.

        Raises:
            ValueError: the import does not name the endpoint, an adapter with this name exists already, or the URL or
                the location is not a prefix or an archive.

        """
        adapter = super().add_adapter(
            name, artifact_url=artifact_url, location=location, artifact_account=artifact_account, rank=rank
        )
        Annotations.of(adapter).add_warning_v2(
            "replicas:adapterOfImport",
            f"{adapter.node.path}: the base component is imported, so two questions are not judged: whether its engine "
            "serves adapters of this rank, and whether the role of its endpoint may read the adapter",
        )
        return adapter

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Refuse a removal policy, because this stack does not own the component.

        Raises:
            ValueError: always.

        """
        raise ValueError(
            f"{self.node.path}: this stack does not own the imported component: set the removal policy {policy.name} "
            "where the component is defined"
        )

    def _refuse_elsewhere(self, what: str) -> None:
        here, there = self.stack, self.env
        places = [("account", literal(here.account), literal(there.account))]
        places.append(("region", literal(here.region), literal(there.region)))
        for place, own, other in places:
            if own and other and own != other:
                raise ValueError(
                    f"{self.node.path}: {what} must be in the {place} of its component, {other}, but the stack is in "
                    f"{own}: define it in a stack in {other}"
                )
