"""Base class of defined and imported components that host a model: autoscaling of the copies, and adapters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from constructs import Construct

from replicas.deployment.patterns import ACCOUNT
from replicas_cdk.adapter_rights import allow_adapter
from replicas_cdk.component_adapter import AdapterBase, InferenceComponentAdapter
from replicas_cdk.component_base import InferenceComponentBase
from replicas_cdk.component_options import S3Location
from replicas_cdk.execution_role import Artifact
from replicas_cdk.given_values import Bound, id_faults, is_whole, out_of_bounds, text_faults
from replicas_cdk.plan_proof import ComponentProof
from replicas_cdk.references import location_faults, place_of

if TYPE_CHECKING:
    from replicas_cdk.copy_scaling import CopyScaling

AdapterListener = Callable[[InferenceComponentAdapter], None]


class HostingComponent(InferenceComponentBase):
    """Copies of a model. Autoscaling and adapters can be added to them."""

    _identity: str
    _role: iam.IRole | None = None
    _proof: ComponentProof | None = None
    _on_adapter: AdapterListener | None = None

    def __init__(self, scope: Construct, construct_id: str, **resource_options: Any) -> None:
        """Define a component without autoscaling and adapters. `resource_options` are passed to `Resource`."""
        super().__init__(scope, construct_id, **resource_options)
        self.adapters: dict[str, InferenceComponentAdapter] = {}
        self._scaling: CopyScaling | None = None

    @property
    def scaling(self) -> CopyScaling | None:
        """Scalable target of the copies, for adding policies and schedules; None if the copies do not scale."""
        return self._scaling

    def auto_scale_copies(self, *, min_copies: int, max_copies: int) -> CopyScaling:
        """Register the copies for autoscaling between a minimum and a maximum.

        Add scaling policies with the methods of the returned target.

        Raises:
            ValueError: the copies scale already, `min_copies` is below 0, `max_copies` is below 1 or below
                `min_copies`, or the plan of the component has no capacity for `max_copies`.

        """
        from replicas_cdk.copy_scaling import CopyScaling

        if self._scaling is not None:
            raise ValueError(
                f"{self.node.path}: its copies scale already, from {self._scaling.min_copies} to "
                f"{self._scaling.max_copies}: add policies and schedules to its `scaling` property"
            )
        self._refuse_elsewhere("a scalable target")
        name, prove = self.inference_component_name, self._proof.of_range if self._proof else None
        self._scaling = CopyScaling(
            self, "Scaling", component_name=name, min_copies=min_copies, max_copies=max_copies, prove=prove
        )
        return self._scaling

    def add_adapter(
        self,
        name: str,
        *,
        artifact_url: str | None = None,
        location: S3Location | None = None,
        artifact_account: str | None = None,
        rank: int | None = None,
    ) -> InferenceComponentAdapter:
        """Serve a LoRA adapter on the copies of this component. The adapter is a component with its own name.

        `name` is part of the logical id; changing it replaces the adapter. The execution role is allowed to read the
        adapter, and every caller with a grant on the endpoint is allowed to invoke the adapter.

        Args:
            name: part of the logical id.
            artifact_url: S3 prefix of the adapter's weights, with a slash at the end. Pass either this or `location`.
            location: weights in a bucket of the app. The role is also allowed to decrypt with the key of the bucket.
            artifact_account: account that owns the bucket of `artifact_url`. Default: the account of the stack.
            rank: `r` in the adapter's `adapter_config.json`. Required if the component has a plan, because the engine
                has a maximum rank.

        Raises:
            ValueError: an adapter with this name exists already, the plan does not allow this adapter, the URL or the
                location is not a prefix or an archive, or the rank or the account is malformed.

        """
        faults = id_faults("name", name)
        if name in self.adapters:
            faults.append(f"an adapter {name!r} exists already: choose another name")
        faults += text_faults("artifact_account", artifact_account, ACCOUNT)
        if artifact_account is not None and location is not None:
            faults.append("artifact_account= cannot be combined with location=: remove artifact_account=")
        if self._proof is not None and (rank is None or is_whole(rank)):
            faults += self._proof.of_adapter(name, rank)
        else:
            faults += out_of_bounds(Bound("rank", rank, 1))
        if (artifact_url is None) == (location is None):
            given = "neither was" if location is None else "both were"
            faults.append(f"pass one of artifact_url= and location=: {given} given")
        elif location is not None:
            faults += location_faults("location", location, self.stack.region, archives=True)
        if faults:
            raise ValueError(f"{self.node.path}: {'; '.join(faults)}")
        self._refuse_elsewhere("an adapter")
        if location is not None:
            artifact = Artifact(*place_of(location, self.stack.account))
        else:
            artifact = Artifact(artifact_url or "", artifact_account)
        adapter = self.place_adapter(name, artifact.url)
        allow_adapter(self._role, adapter, artifact, location.bucket.encryption_key if location else None)
        if self._proof is not None:
            for warning in self._proof.warnings_of_adapters(len(self.adapters)):
                Annotations.of(adapter).add_warning_v2("replicas:adapterSlots", warning)
        if self._on_adapter is not None:
            self._on_adapter(adapter)
        return adapter

    def place_adapter(self, name: str, artifact_url: str) -> InferenceComponentAdapter:
        """Create an adapter of the plan. Unlike `add_adapter`, this method checks no plan and grants no rights, because
        the endpoint does both for the adapters of its plan.

        Args:
            name: part of the logical id.
            artifact_url: S3 prefix of the adapter's weights, with a slash at the end.

        Raises:
            ValueError: `artifact_url` is not a prefix or an archive.

        """
        adapter = InferenceComponentAdapter(self, f"Adapter-{name}", base=self, artifact_url=artifact_url)
        self.adapters[name] = adapter
        return adapter

    @property
    def adapter_base(self) -> AdapterBase:
        """Names of this component and of its endpoint, for an adapter.

        Raises:
            ValueError: the component is imported without the name of its endpoint.

        """
        if self._endpoint_name is None or self._endpoint_arn is None:
            raise ValueError(
                f"{self.node.path}: an adapter is created on the endpoint of its base component, but this import does "
                "not name the endpoint: pass endpoint_name= or endpoint_arn= to the import"
            )
        return AdapterBase(
            component_name=self.inference_component_name,
            endpoint_name=self._endpoint_name,
            endpoint_arn=self._endpoint_arn,
            identity=self._identity,
        )

    def _refuse_elsewhere(self, what: str) -> None:
        """Raise an error if a resource for this component cannot be created in this stack."""
