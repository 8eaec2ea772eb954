"""Containers and the SageMaker models that define them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from replicas.endpoint.identity import Subject, Text
from replicas.endpoint.values import Unknown, Value, text_of

_IMAGE = re.compile(r"(?:.*/)?(?P<repository>[^/:@]+)(?::(?P<tag>[^/:@]+))?(?:@.*)?")


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """An S3 location that SageMaker reads with the execution role: weights, or an adapter."""

    address: str
    """The location as `s3://bucket/key`, with `${...}` for unknown segments."""
    is_prefix: bool
    """True if all objects under the address are read; False for a single archive."""
    is_from_hub: bool = False
    """True if access to the location comes from a SageMaker hub or from an accepted licence."""
    data_type: str = ""
    """`S3Prefix` or `S3Object`; empty for the URL of an archive."""
    compression: str = ""
    """`None` or `Gzip`; empty for the URL of an archive."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container image and its environment variables."""

    image: Value = None
    environment: Mapping[str, Value] = field(default_factory=dict)
    unknown: Unknown | None = None
    """Reason why `environment` may be incomplete; None if it is complete."""
    from_vpc_registry: bool = False
    """True if the image is pulled from a registry in the VPC."""
    data: tuple[DataSource, ...] = ()
    """Locations in S3 that are read before the container starts."""

    @property
    def has_local_weights(self) -> bool:
        """True if SageMaker downloads weights from S3 for the container."""
        return bool(self.data)

    @property
    def repository(self) -> str | None:
        """The last segment of the repository's name; None if it is unknown."""
        return self._segment("repository")

    @property
    def tag(self) -> str | None:
        """The tag of the image; None if the image has no tag or the tag is unknown."""
        return self._segment("tag")

    def variable(self, name: str) -> str | Unknown | None:
        """Return the value of a variable as text; `Unknown` if it may be set; None if it is certainly not set."""
        if name not in self.environment:
            return self.unknown
        value = self.environment[name]
        return value if isinstance(value, Unknown) else text_of(value)

    def under(self, own: Container) -> Container:
        """Return this container with the image and variables of `own`, the container settings of a component."""
        return Container(
            image=self.image if own.image is None else own.image,
            environment={**self.environment, **own.environment},
            unknown=own.unknown or self.unknown,
            from_vpc_registry=own.from_vpc_registry if own.image is not None else self.from_vpc_registry,
            data=own.data or self.data,
        )

    def _segment(self, name: str) -> str | None:
        match = _IMAGE.fullmatch(text_of(self.image))
        text = match[name] if match else None
        return None if text is None or "{" in text else text


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """The model that a container serves, if it is named by an option or tag instead of the container's variables."""

    name: str
    """A model of the catalogue, or the name of a model with a `config.json`."""
    config: str | None = None
    """Path of the model's `config.json`; None for a model of the catalogue."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A SageMaker model: its containers and its settings."""

    subject: Subject
    containers: tuple[Container, ...]
    fixed_name: str | None = None
    """The name, if it stays the same from one deployment to the next; None otherwise."""
    isolated: bool | Unknown = False
    in_vpc: bool = False
    role: Subject | None = None
    """The execution role, if it is created together with the endpoint."""
    role_text: Text = None
    """The ARN of the execution role, as the template writes it; None without a role."""
    is_tagged: bool = False
    container_forms: int | None = 1
    """How many of the properties `PrimaryContainer` and `Containers` are set; None if this is unknown."""

    @property
    def container(self) -> Container:
        """The only container of the model; a container without an image if the model has none or several."""
        return self.containers[0] if len(self.containers) == 1 else Container()
