"""Endpoints, their configurations, and the variants whose instances the components share."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.components import Component
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Number, Subject, Text, whole
from replicas.endpoint.values import Unknown


@dataclass(frozen=True, kw_only=True)
class Instances:
    """The instances of a variant, and the bounds that SageMaker scales them within."""

    instance_type: Text
    """None where there is none: with pools, or by mistake."""
    initial: Number
    """Instances at the start."""
    is_scaled: bool = False
    """True where SageMaker itself adds instances for copies that have no room."""
    least: Number = None
    most: Number = None
    pools: tuple[str, ...] = ()
    """Instance types that SageMaker chooses from, as far as they are known."""

    @property
    def type_name(self) -> str | None:
        """The instance type, where it is known."""
        return self.instance_type if isinstance(self.instance_type, str) else None

    @property
    def at_start(self) -> int | None:
        """Instances at the start; None where that is not known."""
        return whole(self.initial)

    @property
    def at_most(self) -> int | None:
        """Instances that copies can be placed on; None where that is not known."""
        if not self.is_scaled:
            return self.at_start
        most = whole(self.most)
        return None if most is None else max(most, self.at_start or 0)


@dataclass(frozen=True, kw_only=True)
class VariantSettings:
    """A production variant as a configuration has it."""

    name: Text
    instances: Instances
    has_model: bool = False
    """True where it surely serves a model itself: then it takes no components."""
    container: Container | None = None
    """Of that model."""
    ami: Text = None
    """The image of the operating system, with the driver; None for the default."""
    startup_seconds: Number = None
    download_seconds: Number = None
    opens_shell: bool = False
    """True where a shell on the instances is open."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A place that prompts, answers or core dumps are written to."""

    what: str
    address: str
    is_address_known: bool
    has_key: bool
    """True where it names a key."""
    has_own_bucket: bool = False
    """True where the bucket is made together with the endpoint."""
    is_bucket_encrypted: bool = False
    """True where that bucket encrypts with a key of its own."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What instances an endpoint has, and what surrounds its containers."""

    subject: Subject
    variants: tuple[VariantSettings, ...]
    has_role: bool
    fixed_name: str | None = None
    """The name, where it stays the same from one deployment to the next."""
    isolated: bool | Unknown = False
    in_vpc: bool = False
    has_key: bool = False
    """True where the volumes are to be encrypted with a key of one's own."""
    captures: tuple[Capture, ...] = ()
    is_tagged: bool = False
    unknown: Text = None
    """Why its variants are not known."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint."""

    subject: Subject
    configuration: Subject | None
    configuration_text: Text = None
    """The configuration as it is named."""
    is_tagged: bool = False


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A production variant of one endpoint, with the components that host models on it."""

    endpoint: Subject
    configuration: Configuration
    settings: VariantSettings
    components: tuple[Component, ...]
    """None on an endpoint of a single model."""

    @property
    def instances(self) -> Instances:
        """Its instances."""
        return self.settings.instances
