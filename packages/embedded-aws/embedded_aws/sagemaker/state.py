"""What there is in one region: plain data that can be pickled."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from replicas.endpoint.packing import Resources


def _id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(8)}"


@dataclass
class Named:
    """A model or an endpoint configuration: what it was created with."""

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
    """Consolidation has moved its copies away: it is released once it is empty."""
    id: str = field(default_factory=lambda: _id("i"))


@dataclass
class Specification:
    """What copies of a component run and claim, resolved when it was asked for."""

    request: dict[str, Any]
    image: str
    environment: dict[str, str]
    resolved_at: float
    instance_type: str | None = None
    """Of one pool among several: the type that it is for."""
    weights: str | None = None
    """Where in S3 they lie, where they do."""

    @property
    def need(self) -> Resources:
        """What a copy takes of an instance."""
        compute = self.request.get("ComputeResourceRequirements", {})
        return Resources(
            int(compute.get("NumberOfAcceleratorDevicesRequired", 0)),
            Fraction(compute.get("NumberOfCpuCoresRequired", 0)).limit_denominator(10_000),
            int(compute.get("MinMemoryRequiredInMb", 0)),
        )

    @property
    def startup_timeout_seconds(self) -> float | None:
        """As asked for."""
        seconds = self.request.get("StartupParameters", {}).get("ContainerStartupHealthCheckTimeoutInSeconds")
        return None if seconds is None else float(seconds)


@dataclass
class Copy:
    """A copy of a component, starting or running."""

    machine_id: str
    version: int
    """Of the component that it belongs to."""
    specification: Specification
    """What it runs and claims: that of its version for the type of its instance."""
    started: float
    running_at: float | None
    """When it is ready; None for one that never will be."""
    gives_up_at: float
    """End of its start-up timeout."""
    running: bool = False
    replaces: str | None = None
    """Of a copy that consolidation starts: the one that stops when it is ready."""
    id: str = field(default_factory=lambda: _id("copy"))


@dataclass
class Version:
    """What was asked for at once: one specification, or one for each type of a pool."""

    specifications: list[Specification]

    def on(self, instance_type: str) -> Specification | None:
        """What a copy runs on an instance; None: it cannot be there."""
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
    """Of an adapter: the component whose copies it runs on."""
    version: int = 0
    """Index of the version that is wanted."""
    previous: tuple[int, int] | None = None
    """Version and copies to go back to when an update fails."""
    failure: str | None = None
    copies: list[Copy] = field(default_factory=list)
    due: float | None = None
    """When what is under way ends, where that is only a matter of time."""
    rolling: dict[str, Any] | None = None
    """DeploymentConfig of the update that is under way."""
    rolling_until: float | None = None
    """End of its MaximumExecutionTimeoutInSeconds."""
    returning: bool = False
    """The update has failed: the copies of the version before come back."""
    last_deployment: dict[str, Any] | None = None

    @property
    def wanted(self) -> Version:
        """The version that is wanted."""
        return self.versions[self.version]

    @property
    def specification(self) -> Specification:
        """What is wanted, on the first of the types where there are several."""
        return self.wanted.specifications[0]

    @property
    def running(self) -> list[Copy]:
        """The copies that answer."""
        return [copy for copy in self.copies if copy.running]


@dataclass
class Endpoint:
    """An endpoint: one fleet of instances (one variant)."""

    name: str
    arn: str
    config_name: str
    variant: dict[str, Any]
    """Of the configuration as it was when the endpoint took it."""
    created: float
    modified: float
    status: str
    machines: list[Machine]
    failure: str | None = None
    due: float | None = None
    next_config: tuple[str, dict[str, Any], list[Machine]] | None = None
    """Of an update: the configuration, its variant, and the instances that are being started for it."""
    pool: int = 0
    """Which of the instance types, by priority, is being started."""

    @property
    def variant_name(self) -> str:
        """The one variant."""
        return str(self.variant["VariantName"])

    @property
    def instance_types(self) -> list[str]:
        """The types that it may have, the one to try first in front."""
        return instance_types_of(self.variant)

    @property
    def scaling(self) -> dict[str, Any] | None:
        """ManagedInstanceScaling, where it is on."""
        scaling: dict[str, Any] | None = self.variant.get("ManagedInstanceScaling")
        return scaling if scaling and scaling.get("Status") != "DISABLED" else None


def instance_types_of(variant: dict[str, Any]) -> list[str]:
    """The types of a variant: its own, or those of its pools by priority."""
    pools = sorted(variant.get("InstancePools", ()), key=lambda pool: int(pool["Priority"]))
    return [str(pool["InstanceType"]) for pool in pools] or [str(variant["InstanceType"])]


@dataclass
class Hosting:
    """All of it."""

    models: dict[str, Named] = field(default_factory=dict)
    configs: dict[str, Named] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def components_of(self, endpoint: Endpoint) -> list[Component]:
        """The components on an endpoint, oldest first."""
        return [component for component in self.components.values() if component.endpoint_name == endpoint.name]
