"""Endpoints, their configurations, and the variants whose instances the components share."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.components import Component
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Number, Subject, Text, whole
from replicas.endpoint.values import Unknown


@dataclass(frozen=True, kw_only=True)
class Instances:
    """The instances of a variant, and the minimum and maximum of managed instance scaling."""

    instance_type: Text
    """The instance type; None if the variant has instance pools, or (a fault) if it has neither."""
    initial: Number
    """Initial number of instances."""
    is_scaled: bool = False
    """True if managed instance scaling is on: SageMaker adds instances for copies that do not fit."""
    least: Number = None
    most: Number = None
    pools: tuple[str, ...] = ()
    """Known instance types of the instance pools, from which SageMaker chooses."""
    unknown_pools: Unknown | None = None
    """Reason why the pools may contain other types; None if `pools` is complete."""
    pool_entries: tuple[tuple[str, str], ...] = ()
    """Instance type and priority of each pool, as the template writes them."""
    pools_name_models: bool = False
    """True if a pool overrides the model."""

    @property
    def type_name(self) -> str | None:
        """The instance type; None if it is unknown or absent."""
        return self.instance_type if isinstance(self.instance_type, str) else None

    @property
    def type_names(self) -> tuple[str, ...]:
        """The instance types that SageMaker may launch: the instance type, or the types of the pools."""
        return self.pools if self.type_name is None else (self.type_name,)

    @property
    def at_start(self) -> int | None:
        """Initial number of instances; None if it is unknown."""
        return whole(self.initial)

    @property
    def at_most(self) -> int | None:
        """Maximum number of instances that copies can be placed on; None if it is unknown."""
        if not self.is_scaled:
            return self.at_start
        most = whole(self.most)
        return None if most is None else max(most, self.at_start or 0)


@dataclass(frozen=True, kw_only=True)
class VariantSettings:
    """The settings of a production variant in an endpoint configuration."""

    name: Text
    instances: Instances
    model: Subject | None = None
    """The model that the variant serves itself, if it is known."""
    has_model: bool = False
    """True if the variant certainly serves a model itself: such a variant cannot host inference components."""
    names_model: bool = False
    """True if the variant names a model, or may name one."""
    container: Container | None = None
    """The container of the model that the variant serves itself."""
    ami: Text = None
    """`InferenceAmiVersion`: the operating system image with the GPU driver; None for the default."""
    startup_seconds: Number = None
    download_seconds: Number = None
    has_volume: bool = False
    """True if the settings request a storage volume."""
    is_serverless: bool = False
    routing: Text = None
    """Routing strategy; None for the default, RANDOM."""
    has_prefix_routing: bool = False
    """True if the settings of prefix-aware routing are given."""
    opens_shell: bool = False
    """True if shell access to the instances is enabled."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """An S3 location to which prompts, answers or core dumps are written."""

    what: str
    address: str
    is_address_known: bool
    has_key: bool
    """True if the settings name a KMS key."""
    has_own_bucket: bool = False
    """True if the bucket is created together with the endpoint."""
    is_bucket_encrypted: bool = False
    """True if the bucket is encrypted with its own KMS key."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """An endpoint configuration: the production variants and the settings of network, encryption and capture."""

    subject: Subject
    variants: tuple[VariantSettings, ...]
    has_role: bool
    role: Subject | None = None
    """The execution role, if it is created together with the endpoint."""
    role_text: Text = None
    """The ARN of the execution role, as the template writes it; None without a role."""
    fixed_name: str | None = None
    """The name, if it stays the same from one deployment to the next; None otherwise."""
    isolated: bool | Unknown = False
    in_vpc: bool = False
    has_key: bool = False
    """True if a KMS key of the customer encrypts the volumes."""
    key: Text = None
    """The KMS key of the volumes, as the template writes it."""
    captures: tuple[Capture, ...] = ()
    is_tagged: bool = False
    unknown: Text = None
    """Reason why the variants are unknown; None if they are known."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint, which uses one endpoint configuration."""

    subject: Subject
    configuration: Subject | None
    configuration_text: Text = None
    """The name of the configuration, as the template writes it."""
    name: Text = None
    """The name, if the template sets it; None if CloudFormation generates the name."""
    exists: Unknown | None = None
    """Reason why it is unknown whether the endpoint is created; None if it is always created."""
    is_tagged: bool = False


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A production variant of one endpoint, with the components that host models on it."""

    endpoint: Subject
    configuration: Configuration
    settings: VariantSettings
    components: tuple[Component, ...]
    """Components that host models; empty if the variant serves a model itself."""

    @property
    def instances(self) -> Instances:
        """The instances of the variant."""
        return self.settings.instances
