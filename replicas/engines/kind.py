"""A serving engine in all its versions: how to recognise its containers, their variables and their dialects."""

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

    An engine without `versions` is recognised, checked by the rules and invoked, but cannot be planned.
    """

    name: ClassVar[str]
    """Name that users write."""
    title: ClassVar[str]
    """Name in messages."""
    folder: ClassVar[Path]
    """Folder with `facts.json`, `profiles.json` and `images.json`, if the engine has versions that can be planned."""
    image_name: ClassVar[re.Pattern[str]]
    """Pattern that matches the names of repositories with the engine's images."""
    published_images: ClassVar[re.Pattern[str] | None] = None
    """Pattern of whole repository names: images that certainly read these variables, with the version in the tag."""
    version_in_tag: ClassVar[re.Pattern[str]]
    """Pattern whose first group is the engine's version in an image's tag."""
    variables: ClassVar[ContainerVariables]
    dialects: ClassVar[tuple[Dialect, ...]]
    """Dialects that its containers support, the usual one first."""
    conflicts: ClassVar[tuple[VariableConflict, ...]] = ()
    host_cache: ClassVar[HostCache | None] = None
    versions: ClassVar[type[Engine] | None] = None

    def dialect(self, environment: Mapping[str, str], tag: str | None = None) -> Dialect | None:
        """Return the dialect of a container with these variables and this tag; None if it is not known."""
        del environment, tag
        return self.dialects[0]

    def version_of(self, tag: str | None) -> str | None:
        """Return the engine's version from an image's tag; None if the tag does not contain it."""
        match = self.version_in_tag.search(tag or "")
        return match[1] if match else None

    def quantization(self, environment: Mapping[str, str]) -> str | None:
        """Return the quantization method that a container's variables set; None if none of them does."""
        return next((environment[name] for name in self.variables.quantization if name in environment), None)

    def conflicts_of(self, tag: str | None) -> tuple[VariableConflict, ...]:
        """Return the variable conflicts of the version in an image's tag; all conflicts if the tag has no version."""
        del tag
        return self.conflicts

    def facts(self, name: str = "facts") -> Mapping[str, Any]:
        """Return the content of a data file of the folder."""
        return data.load(name, self.folder)

    def image_versions(self) -> list[str]:
        """Return the versions with an image, oldest first; empty for an engine without versions."""
        return list(self.facts("images")["versions"]) if self.versions else []

    def image(self, version: str) -> Image | None:
        """Return the image of a version; None if the version has no image."""
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
