"""`InferenceComponent`: the L2 construct that the CDK lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aws_cdk import ArnFormat, Duration, Fn, Resource, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from replicas_cdk.component_metrics import ComponentMetrics
from replicas_cdk.copy_scaling import CopyScaling
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


@dataclass(frozen=True, kw_only=True)
class CopySpecification:
    """What every copy runs and claims: on any instance, or on those of one type (instance pools)."""

    model_name: str
    """Model with the container and the weights."""
    accelerators: float | None
    """None on instances without."""
    cpus: float | None
    """Cores reserved, from 0.25. None: none reserved."""
    memory_mib: int
    """Host memory reserved, from 128 MiB."""
    startup_timeout: Duration | None = None
    """How long a container may take until it answers, 60 s to 1 h. None: the service's own."""
    model_download_timeout: Duration | None = None
    """How long the weights may take from S3, 60 s to 1 h. None: the service's own."""
    placement_strategy: str | None = None
    """SPREAD or BINPACK. None: the service's own."""
    max_zone_imbalance: int = 0
    """Copies that a zone may have more than another, 0 to 100; read where a strategy is given."""
    data_cache: bool | None = None
    """Keep image and weights on the instance. None: the service's own."""
    instance_type: str | None = None
    """Set exactly where a component has several specifications."""

    def faults(self) -> list[str]:
        """What the service would refuse."""
        return _out_of_bounds(
            ("accelerators", self.accelerators, 1, None),
            ("cpus", self.cpus, 0.25, None),
            ("memory_mib", self.memory_mib, 128, None),
            ("startup_timeout (seconds)", _seconds(self.startup_timeout), 60, 3600),
            ("model_download_timeout (seconds)", _seconds(self.model_download_timeout), 60, 3600),
            ("max_zone_imbalance", self.max_zone_imbalance, 0, 100),
        )

    def properties(self) -> dict[str, Any]:
        """As CloudFormation's Specification takes them."""
        found: dict[str, Any] = {
            "model_name": self.model_name,
            "compute_resource_requirements": _L1.InferenceComponentComputeResourceRequirementsProperty(
                number_of_accelerator_devices_required=self.accelerators,
                number_of_cpu_cores_required=self.cpus,
                min_memory_required_in_mb=self.memory_mib,
            ),
        }
        if self.startup_timeout or self.model_download_timeout:
            found["startup_parameters"] = _L1.InferenceComponentStartupParametersProperty(
                container_startup_health_check_timeout_in_seconds=_seconds(self.startup_timeout),
                model_data_download_timeout_in_seconds=_seconds(self.model_download_timeout),
            )
        if self.placement_strategy:
            found["scheduling_config"] = _L1.InferenceComponentSchedulingConfigProperty(
                placement_strategy=self.placement_strategy,
                availability_zone_balance=_L1.InferenceComponentAvailabilityZoneBalanceProperty(
                    enforcement_mode="PERMISSIVE", max_imbalance=self.max_zone_imbalance
                ),
            )
        if self.data_cache is not None:
            found["data_cache_config"] = _L1.InferenceComponentDataCacheConfigProperty(enable_caching=self.data_cache)
        return found


@dataclass(frozen=True, kw_only=True)
class RollingUpdate:
    """How an update replaces the copies of a component."""

    batch_copies: int
    """Copies replaced at once; the service takes 5 to 50 % of them, and so many need room beside the old ones."""
    wait: Duration
    """How long a batch is watched, up to 1 h."""
    timeout: Duration
    """Of the whole roll, 10 min to 8 h."""
    rollback_alarm_names: Sequence[str] = ()
    """Alarms, up to 10, of which any takes the component back to the version before."""

    def faults(self) -> list[str]:
        """What the service would refuse."""
        return _out_of_bounds(
            ("rolling_update.batch_copies", self.batch_copies, 1, None),
            ("rolling_update.wait (seconds)", _seconds(self.wait), 0, 3600),
            ("rolling_update.timeout (seconds)", _seconds(self.timeout), 600, 28800),
            ("rolling_update.rollback_alarm_names (number)", len(self.rollback_alarm_names), 0, 10),
        )

    def properties(self) -> _L1.InferenceComponentDeploymentConfigProperty:
        """As CloudFormation's DeploymentConfig takes them."""
        batch = _L1.InferenceComponentCapacitySizeProperty(type="COPY_COUNT", value=self.batch_copies)
        rollback = None
        if self.rollback_alarm_names:
            rollback = _L1.AutoRollbackConfigurationProperty(
                alarms=[_L1.AlarmProperty(alarm_name=name) for name in self.rollback_alarm_names]
            )
        return _L1.InferenceComponentDeploymentConfigProperty(
            rolling_update_policy=_L1.InferenceComponentRollingUpdatePolicyProperty(
                maximum_batch_size=batch,
                rollback_maximum_batch_size=batch,
                wait_interval_in_seconds=_seconds(self.wait),
                maximum_execution_timeout_in_seconds=_seconds(self.timeout),
            ),
            auto_rollback_configuration=rollback,
        )


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
            *_out_of_bounds(("copies", copies, 1, None), ("specifications (number)", len(specifications), 1, 5)),
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
            **_specified(specifications),
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
        return CopyScaling(self, "Scaling", component=self, min_copies=min_copies, max_copies=max_copies)

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


def _specified(specifications: Sequence[CopySpecification]) -> dict[str, Any]:
    """One specification for all instances, or one for each type of them."""
    if len(specifications) == 1:
        return {"specification": _L1.InferenceComponentSpecificationProperty(**specifications[0].properties())}
    return {
        "specifications": [
            _L1.InferenceComponentSpecificationForInstanceTypeProperty(
                instance_type=specification.instance_type or "", **specification.properties()
            )
            for specification in specifications
        ]
    }


def _name_in(arn_token: str) -> str:
    """The name in an ARN that CloudFormation fills in: the resource type has no attribute for it."""
    return Fn.select(1, Fn.split("/", arn_token))


def _seconds(duration: Duration | None) -> int | None:
    return None if duration is None else int(duration.to_seconds())


def _out_of_bounds(*bounds: tuple[str, float | None, float, float | None]) -> list[str]:
    """What the service would refuse, all at once. Tokens pass: only CloudFormation knows their values."""
    return [
        f"{name}={value:g}: at least {least:g}" + (f", at most {most:g}" if most else "")
        for name, value, least, most in bounds
        if value is not None and not least <= value <= (most or float("inf")) and not Token.is_unresolved(value)
    ]
