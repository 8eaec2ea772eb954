"""A serving engine in all its versions: how its containers are recognised, what they read and how they are asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from replicas.catalogue import data
from replicas.catalogue.images import Image
from replicas.engines.containers import ContainerVariables, HostCache, VariableConflict
from replicas.engines.dialect import Dialect

if TYPE_CHECKING:
    from replicas.engines.engine import Engine


class EngineKind:
    """One serving engine. Its folder holds the class, its versions, its dialect and its facts.

    An engine without `versions` is recognised, judged by the rules and asked, but not planned.
    """

    name: ClassVar[str]
    """As users write it."""
    title: ClassVar[str]
    """As sentences write it."""
    folder: ClassVar[Path]
    """Holds `facts.json`, `profiles.json` and `images.json`, where the engine has versions that can be planned."""
    image_name: ClassVar[re.Pattern[str]]
    """Is found in the names of repositories that hold the engine's images."""
    version_in_tag: ClassVar[re.Pattern[str]]
    """Finds the engine's version in an image's tag, as its first group."""
    variables: ClassVar[ContainerVariables]
    dialects: ClassVar[tuple[Dialect, ...]]
    """Those that its containers can speak, the usual one first."""
    conflicts: ClassVar[tuple[VariableConflict, ...]] = ()
    host_cache: ClassVar[HostCache | None] = None
    versions: ClassVar[type[Engine] | None] = None

    def dialect(self, environment: Mapping[str, str], tag: str | None = None) -> Dialect | None:
        """How a container with these variables and this tag is asked; None where that is not known."""
        del environment, tag
        return self.dialects[0]

    def version_of(self, tag: str | None) -> str | None:
        """The engine's version by an image's tag; None where the tag does not say it."""
        found = self.version_in_tag.search(tag or "")
        return found[1] if found else None

    def quantization(self, environment: Mapping[str, str]) -> str | None:
        """The quantization method that a container's variables ask for; None where none of them does."""
        return next((environment[name] for name in self.variables.quantization if name in environment), None)

    def conflicts_of(self, tag: str | None) -> tuple[VariableConflict, ...]:
        """The conflicts of the version that an image's tag says; all of them where it does not say one."""
        del tag
        return self.conflicts

    def facts(self, name: str = "facts") -> Mapping[str, Any]:
        """The content of a data file of the folder."""
        return data.load(name, self.folder)

    def image_versions(self) -> list[str]:
        """Versions that have an image, oldest first; none for an engine without versions."""
        return list(self.facts("images")["versions"]) if self.versions else []

    def image(self, version: str) -> Image | None:
        """The image of a version; None for a version without one."""
        return _image(self.folder, version)


@cache
def _image(folder: Path, version: str) -> Image | None:
    entry = data.load("images", folder)
    chosen = entry["versions"].get(version)
    if chosen is None:
        return None
    accounts = data.load("registries")["accounts"]
    by_region = MappingProxyType({region: accounts[region] for region in entry["regions"]})
    return Image(entry["repository"], chosen["tag"], chosen["cuda"], by_region)
