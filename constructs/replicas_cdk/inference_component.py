"""`InferenceComponent`: the L2 construct that the CDK lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from aws_cdk import ArnFormat, Fn, Resource, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from replicas_cdk.component_metrics import ComponentMetrics
from replicas_cdk.copy_scaling import CopyScaling
from replicas_cdk.copy_specification import CopySpecification, RollingUpdate, out_of_bounds, specified
from replicas_cdk.invocation import Invocable

_L1 = sagemaker.CfnInferenceComponent


class IInferenceEndpoint(Protocol):
    """What an inference component needs to know of its endpoint."""

    @property
    def endpoint_name(self) -> str:
        """Name, or a token that becomes it."""

    @property
    def endpoint_arn(self) -> str:
        """ARN, or a token that becomes it."""

    @property
    def endpoint_identity(self) -> str:
        """A literal that changes exactly when CloudFormation would replace the endpoint."""


class InferenceComponentBase(Resource, Invocable, ComponentMetrics):
    """What a component can do, whether it is defined here or elsewhere."""

    _endpoint_arn: str | None = None
    inference_component_arn: str

    @property
    def invocation_arns(self) -> list[str]:
        """The component and its endpoint: the service authorises an invocation on both."""
        return [self.inference_component_arn, *([self._endpoint_arn] if self._endpoint_arn else [])]


class InferenceComponent(InferenceComponentBase):
    """Copies of one model on an endpoint, each with accelerators, CPU and memory of its own.

    A component cannot be moved to another endpoint or variant, nor renamed, although CloudFormation believes that
    it can update it so: its logical id therefore carries the identity of its endpoint, its variant and its name,
    and such a change becomes a new component and the deletion of the old one. Everything else is updated in place.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IInferenceEndpoint,
        variant_name: str,
        copies: int,
        specifications: Sequence[CopySpecification],
        rolling_update: RollingUpdate | None = None,
        inference_component_name: str | None = None,
    ) -> None:
        """Define a component.

        Args:
            scope: parent.
            construct_id: a contract: it is part of the logical id.
            endpoint: endpoint to place the copies on.
            variant_name: variant of the endpoint's configuration.
            copies: copies to start with, at least 1 (the service refuses 0 at creation; autoscaling reaches it).
            specifications: what a copy runs and claims; one for each instance type where the variant has pools of
                several.
            rolling_update: how updates replace the copies. Default: the service's way.
            inference_component_name: fixed name. Default: CloudFormation makes one.

        Raises:
            ValueError: with every value that is out of bounds.

        """
        super().__init__(scope, construct_id, physical_name=inference_component_name)
        faults = [
            *out_of_bounds(("copies", copies, 1, None), ("specifications (number)", len(specifications), 1, 5)),
            *(fault for specification in specifications for fault in specification.faults()),
            *(rolling_update.faults() if rolling_update else ()),
        ]
        if len(specifications) > 1 and not all(specification.instance_type for specification in specifications):
            faults.append("several specifications need an instance_type each")
        if faults:
            raise ValueError(f"{self.node.path}: {'; '.join(faults)}")
        identity = f"{endpoint.endpoint_identity}\n{variant_name}\n{inference_component_name or ''}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        self._resource = _L1(
            self,
            f"Resource{digest}",
            endpoint_name=endpoint.endpoint_name,
            variant_name=variant_name,
            inference_component_name=inference_component_name,
            runtime_config=_L1.InferenceComponentRuntimeConfigProperty(copy_count=copies),
            deployment_config=rolling_update.properties() if rolling_update else None,
            **specified(specifications),
        )
        self._endpoint = endpoint
        self._identity = digest
        self.adapters: dict[str, InferenceComponentAdapter] = {}
        self._endpoint_arn = endpoint.endpoint_arn
        self.inference_component_arn = self._resource.attr_inference_component_arn
        self.inference_component_name = _name_in(self.inference_component_arn)

    def auto_scale_copies(self, *, min_copies: int, max_copies: int) -> CopyScaling:
        """Let the copies follow the load, between two bounds. Say by what with the methods of the answer.

        Raises:
            ValueError: the bounds are below 0 or 1, or the wrong way round.

        """
        name = self.inference_component_name
        return CopyScaling(self, "Scaling", component_name=name, min_copies=min_copies, max_copies=max_copies)

    def add_adapter(self, name: str, *, artifact_url: str) -> InferenceComponentAdapter:
        """Serve a LoRA adapter on the copies of this component, under a component name of its own.

        `name` is a contract: it is part of the logical id.
        """
        adapter = InferenceComponentAdapter(self, f"Adapter-{name}", base=self, artifact_url=artifact_url)
        self.adapters[name] = adapter
        return adapter

    def depend_on(self, *resources: IDependable) -> None:
        """Create and update this component after others, and delete it before them."""
        self._resource.node.add_dependency(*resources)

    @staticmethod
    def from_inference_component_arn(
        scope: Construct, construct_id: str, inference_component_arn: str, *, endpoint_arn: str | None = None
    ) -> InferenceComponentBase:
        """A component that is defined elsewhere. Grants cover its endpoint where `endpoint_arn` is given."""
        imported = InferenceComponentBase(scope, construct_id)
        imported.inference_component_arn = inference_component_arn
        if Token.is_unresolved(inference_component_arn):
            imported.inference_component_name = _name_in(inference_component_arn)
        else:
            imported.inference_component_name = inference_component_arn.rpartition("/")[2]
        imported._endpoint_arn = endpoint_arn
        return imported

    @staticmethod
    def from_inference_component_name(
        scope: Construct, construct_id: str, inference_component_name: str, *, endpoint_name: str | None = None
    ) -> InferenceComponentBase:
        """A component of the scope's account and region. Grants cover its endpoint where its name is given."""
        stack = Stack.of(scope)

        def arn(resource: str, name: str) -> str:
            return stack.format_arn(
                service="sagemaker",
                resource=resource,
                resource_name=name,
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )

        return InferenceComponent.from_inference_component_arn(
            scope,
            construct_id,
            arn("inference-component", inference_component_name),
            endpoint_arn=arn("endpoint", endpoint_name) if endpoint_name else None,
        )


class InferenceComponentAdapter(InferenceComponentBase):
    """A LoRA adapter: a component of its own name that claims nothing and runs on the copies of its base.

    Callers name it in `InferenceComponentName`. CloudFormation deletes it before its base.
    """

    def __init__(self, scope: Construct, construct_id: str, *, base: InferenceComponent, artifact_url: str) -> None:
        """Define an adapter of a component.

        Args:
            scope: parent.
            construct_id: a contract: it is part of the logical id.
            base: component whose copies serve it. Another base is another adapter.
            artifact_url: prefix in S3 with its weights, with a slash at the end.

        Raises:
            ValueError: the address is no prefix in S3.

        """
        super().__init__(scope, construct_id)
        is_prefix = artifact_url.startswith("s3://") and artifact_url.endswith("/")
        if not (is_prefix or Token.is_unresolved(artifact_url)):
            raise ValueError(f"{self.node.path}: artifact_url={artifact_url!r}: s3://bucket/prefix/, with the slash")
        resource = _L1(
            self,
            f"Resource{base._identity}",
            endpoint_name=base._endpoint.endpoint_name,
            specification=_L1.InferenceComponentSpecificationProperty(
                base_inference_component_name=base.inference_component_name,
                container=_L1.InferenceComponentContainerSpecificationProperty(artifact_url=artifact_url),
            ),
        )
        self._endpoint_arn = base._endpoint_arn
        self.inference_component_arn = resource.attr_inference_component_arn
        self.inference_component_name = _name_in(self.inference_component_arn)


def _name_in(arn_token: str) -> str:
    """The name in an ARN that CloudFormation fills in: the resource type has no attribute for it."""
    return Fn.select(1, Fn.split("/", arn_token))
