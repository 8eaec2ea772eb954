"""Containers and the models that bring them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from replicas.endpoint.identity import Subject
from replicas.endpoint.values import Unknown, Value, text_of

_IMAGE = re.compile(r"(?:.*/)?(?P<repository>[^/:@]+)(?::(?P<tag>[^/:@]+))?(?:@.*)?")


@dataclass(frozen=True, kw_only=True)
class Container:
    """An image and the environment that it runs in."""

    image: Value = None
    environment: Mapping[str, Value] = field(default_factory=dict)
    unknown: Unknown | None = None
    """Why the environment may hold more than `environment`; None where it is complete."""
    from_vpc_registry: bool = False
    """True where the image is pulled from a registry in the VPC."""

    @property
    def repository(self) -> str | None:
        """The last part of the repository's name; None where it is not known."""
        return self._part("repository")

    @property
    def tag(self) -> str | None:
        """The tag of the image; None where it has none or is not known."""
        return self._part("tag")

    def variable(self, name: str) -> str | Unknown | None:
        """The text of a variable; None where it is surely not set."""
        if name not in self.environment:
            return self.unknown
        value = self.environment[name]
        return value if isinstance(value, Unknown) else text_of(value)

    def under(self, own: Container) -> Container:
        """The container of a model with that of a component over it: its image, and its variables one by one."""
        return Container(
            image=self.image if own.image is None else own.image,
            environment={**self.environment, **own.environment},
            unknown=own.unknown or self.unknown,
            from_vpc_registry=own.from_vpc_registry if own.image is not None else self.from_vpc_registry,
        )

    def _part(self, name: str) -> str | None:
        match = _IMAGE.fullmatch(text_of(self.image))
        part = match[name] if match else None
        return None if part is None or "{" in part else part


@dataclass(frozen=True, kw_only=True)
class Model:
    """A container with its weights, under a name of its own."""

    subject: Subject
    containers: tuple[Container, ...]
    fixed_name: str | None = None
    """The name, where it stays the same from one deployment to the next."""
    isolated: bool | Unknown = False
    in_vpc: bool = False
    is_tagged: bool = False

    @property
    def container(self) -> Container:
        """Its only container; one without an image where it has none or several."""
        return self.containers[0] if len(self.containers) == 1 else Container()
