"""SageMaker's hosting state in one region: plain data that can be pickled."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from replicas.endpoint.packing import Resources


def _id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(8)}"


@dataclass
class Named:
    """A resource with the request that created it: a model, an endpoint configuration or a workload configuration."""

    name: str
    arn: str
    created: float
    request: dict[str, Any]


@dataclass
class Machine:
    """An instance behind an endpoint."""

    instance_type: str
    ready_at: float
    idle_since: float | None = None
    leaving: bool = False
    """Whether consolidation moves the instance's copies away, so that the empty instance is released."""
    id: str = field(default_factory=lambda: _id("i"))


@dataclass
class Specification:
    """The image, environment and resources of a component's copies, resolved at the time of the request."""

    request: dict[str, Any]
    image: str
    environment: dict[str, str]
    resolved_at: float
    instance_type: str | None = None
    """Instance type of the pool to which the specification applies; None: all instance types."""
    weights: str | None = None
    """S3 prefix of the model's weights; None if they are not in S3."""

    @cached_property
    def need(self) -> Resources:
        """Resources that a copy reserves on its instance."""
        compute = self.request.get("ComputeResourceRequirements", {})
        return Resources(
            int(compute.get("NumberOfAcceleratorDevicesRequired", 0)),
            Fraction(compute.get("NumberOfCpuCoresRequired", 0)).limit_denominator(10_000),
            int(compute.get("MinMemoryRequiredInMb", 0)),
        )

    @property
    def startup_timeout_seconds(self) -> float | None:
        """ContainerStartupHealthCheckTimeoutInSeconds; None if the request does not set it."""
        seconds = self.request.get("StartupParameters", {}).get("ContainerStartupHealthCheckTimeoutInSeconds")
        return None if seconds is None else float(seconds)


@dataclass
class Copy:
    """A copy of a component, starting or running."""

    machine_id: str
    version: int
    """Index of the component's version that the copy runs."""
    specification: Specification
    """Specification of the copy's version for the copy's instance type."""
    started: float
    running_at: float | None
    """Time at which the copy is ready; None if it never becomes ready."""
    gives_up_at: float
    """Time at which the start-up timeout ends."""
    running: bool = False
    replaces: str | None = None
    """Id of the copy that stops when this copy is ready. Only copies that consolidation starts have it."""
    id: str = field(default_factory=lambda: _id("copy"))


@dataclass
class Version:
    """The specifications of one create or update request: one for all instance types, or one for each pool's type."""

    specifications: list[Specification]

    def on(self, instance_type: str) -> Specification | None:
        """Return the specification for an instance type; None if a copy cannot run on it."""
        for specification in self.specifications:
            if specification.instance_type in (None, instance_type):
                return specification
        return None


@dataclass
class Component:
    """An inference component."""

    name: str
    arn: str
    endpoint_name: str
    variant_name: str
    created: float
    modified: float
    status: str
    desired: int
    versions: list[Version]
    base: str | None
    """For an adapter, name of the component whose copies it runs on; None for other components."""
    version: int = 0
    """Index of the target version."""
    previous: tuple[int, int] | None = None
    """Version and number of copies to restore if an update fails."""
    failure: str | None = None
    copies: list[Copy] = field(default_factory=list)
    due: float | None = None
    """Time at which the current step ends; None if there is no step with a fixed duration."""
    rolling: dict[str, Any] | None = None
    """DeploymentConfig of the update in progress."""
    rolling_until: float | None = None
    """Time at which the update exceeds its MaximumExecutionTimeoutInSeconds."""
    returning: bool = False
    """Whether a failed update is being rolled back to the former version."""
    last_deployment: dict[str, Any] | None = None

    @property
    def target_version(self) -> Version:
        """The target version."""
        return self.versions[self.version]

    @property
    def specification(self) -> Specification:
        """Specification of the target version; the first one if there are several."""
        return self.target_version.specifications[0]

    @property
    def running(self) -> list[Copy]:
        """The copies that can answer requests."""
        return [copy for copy in self.copies if copy.running]


@dataclass
class Endpoint:
    """An endpoint: one fleet of instances (one variant)."""

    name: str
    arn: str
    config_name: str
    variant: dict[str, Any]
    """The production variant, copied from the endpoint configuration when the endpoint applied it."""
    created: float
    modified: float
    status: str
    machines: list[Machine]
    failure: str | None = None
    due: float | None = None
    next_config: tuple[str, dict[str, Any], list[Machine]] | None = None
    """During an update: the new configuration's name, its variant, and the instances being started for it."""
    pool: int = 0
    """Index of the instance type, by priority, that is being started."""

    @property
    def variant_name(self) -> str:
        """Name of the only production variant."""
        return str(self.variant["VariantName"])

    @property
    def instance_types(self) -> list[str]:
        """Instance types that the endpoint can use, in the order in which they are tried."""
        return instance_types_of(self.variant)

    @property
    def scaling(self) -> dict[str, Any] | None:
        """ManagedInstanceScaling; None if it is off."""
        scaling: dict[str, Any] | None = self.variant.get("ManagedInstanceScaling")
        return scaling if scaling and scaling.get("Status") != "DISABLED" else None


def instance_types_of(variant: dict[str, Any]) -> list[str]:
    """Return the instance types of a variant: its InstanceType, or the types of its pools by priority."""
    pools = sorted(variant.get("InstancePools", ()), key=lambda pool: int(pool["Priority"]))
    return [str(pool["InstanceType"]) for pool in pools] or [str(variant["InstanceType"])]


@dataclass
class Hosting:
    """All hosting resources of a region by name, and tags by ARN."""

    models: dict[str, Named] = field(default_factory=dict)
    configs: dict[str, Named] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def components_of(self, endpoint: Endpoint) -> list[Component]:
        """Return the components on an endpoint, oldest first."""
        return [component for component in self.components.values() if component.endpoint_name == endpoint.name]
