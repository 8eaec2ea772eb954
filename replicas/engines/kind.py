"""A serving engine in all its versions: recognises its containers and knows their variables and dialects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from packaging.version import Version

from replicas.catalogue import data
from replicas.catalogue.images import Image
from replicas.catalogue.tasks import Task
from replicas.engines.arguments import ArgumentFault, ArgumentVariables, argument_faults, variable_faults
from replicas.engines.containers import ContainerVariables, HostCache, VariableConflict, VariableOrder
from replicas.engines.dialect import Dialect
from replicas.engines.starts import EnginePhase, Starts, phases_in_log, read_starts

if TYPE_CHECKING:
    from replicas.engines.engine import Engine


class EngineKind:
    """One serving engine. Its folder holds the class, its versions, its dialect and its facts.

    An engine without `versions` is recognised, checked by the rules and invoked, but cannot be planned.
    """

    name: ClassVar[str]
    """Name of the engine in options."""
    title: ClassVar[str]
    """Name of the engine in messages."""
    folder: ClassVar[Path]
    """Folder with `facts.json`, `profiles.json`, `variables.json` and the tables of images. They exist only if the
    engine has versions that can be planned."""
    image_name: ClassVar[re.Pattern[str]]
    """Pattern that matches the names of repositories with the engine's images."""
    published_images: ClassVar[re.Pattern[str] | None] = None
    """Pattern of the names of official repositories, whose images read `variables` and have a version in the tag."""
    version_in_tag: ClassVar[re.Pattern[str]]
    """Pattern whose first group is the engine's version in an image's tag."""
    image_files: ClassVar[Mapping[str, str]] = MappingProxyType({"aws": "images"})
    """Data file with the images of each publisher. The first publisher has priority."""
    variables: ClassVar[ContainerVariables]
    dialects: ClassVar[tuple[Dialect, ...]]
    """Dialects of the engine's containers, the default first."""
    conflicts: ClassVar[tuple[VariableConflict, ...]] = ()
    orders: ClassVar[tuple[VariableOrder, ...]] = ()
    host_cache: ClassVar[HostCache | None] = None
    arguments: ClassVar[ArgumentVariables | None] = None
    """How variables become arguments of the engine's server; None if no table has the arguments."""
    settings_file: ClassVar[str | None] = None
    """File next to the weights. Its settings replace the settings of variables; None if the engine reads no such
    file."""
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
        """Return the quantization method that a container's variables set; None if no variable sets it."""
        return next((environment[name] for name in self.variables.quantization if name in environment), None)

    def completed(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return a container's variables, with the variables that the engine derives from them."""
        return environment

    def unsized(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return the variables with an effect on memory that sizing does not know, each with the reason.

        A combination of variables, or the absence of one, can have this effect.
        """
        del environment
        return {}

    def task(self, environment: Mapping[str, str], own: Task) -> Task:
        """Return the task of a container with these variables, for a model whose own task is `own`."""
        del environment
        return own

    def argument_faults(self, version: str | None, environment: Mapping[str, str]) -> Iterator[ArgumentFault]:
        """Yield the variables that the argument parser of a version refuses, or may refuse.

        `environment` has the variables without those that the container drops.
        """
        if self.arguments is not None:
            yield from argument_faults(self.facts("arguments"), self.arguments, version, environment)
            yield from variable_faults(self.facts("arguments"), version, environment)

    def later_names(self, tag: str | None) -> Mapping[str, str]:
        """Return the variable names that the version in an image's tag does not know yet, each with the name that it
        reads instead.

        The result is empty if the tag has no version.
        """
        del tag
        return {}

    def conflicts_of(self, tag: str | None) -> tuple[VariableConflict, ...]:
        """Return the variable conflicts of the version in an image's tag; all conflicts if the tag has no version."""
        del tag
        return self.conflicts

    def facts(self, name: str = "facts") -> Mapping[str, Any]:
        """Return the content of a data file in the engine's folder."""
        return data.load(name, self.folder)

    @cached_property
    def starts(self) -> Starts | None:
        """Published start-ups of the engine's copies; None if none are known."""
        try:
            return read_starts(self.facts("starts"))
        except FileNotFoundError:
            return None

    def phases_in_log(self, lines: Iterable[str]) -> dict[EnginePhase, float]:
        """Return the seconds of each phase that the log of one start of a copy states; empty if it states none."""
        try:
            patterns = self.facts("starts")["log_lines"]
        except FileNotFoundError:
            return {}
        return phases_in_log(patterns, lines)

    def image_versions(self, publisher: str | None = None) -> list[str]:
        """Return the versions with an image, oldest first; empty for an engine without versions.

        `publisher` limits them to one publisher.
        """
        files = [self.image_files[publisher]] if publisher else self.image_files.values()
        versions = {version for file in files for version in self.facts(file)["versions"]} if self.versions else ()
        return sorted(versions, key=Version)

    def image(self, version: str, publisher: str | None = None) -> Image | None:
        """Return the image of a version; None if the version has no image.

        Without `publisher`, it is the image of the first publisher that has the version.
        """
        files = [self.image_files[publisher]] if publisher else self.image_files.values()
        return next((image for file in files if (image := _image(self.folder, file, version))), None)

    def published_in(self, region: str) -> Iterator[tuple[str, list[str]]]:
        """Yield each publisher with images in a region, and their versions, oldest first."""
        for publisher in self.image_files:
            images = {version: self.image(version, publisher) for version in self.image_versions(publisher)}
            versions = [version for version, image in images.items() if image and region in image.accounts]
            if versions:
                yield publisher, versions

    def images(self) -> Iterator[Image]:
        """Yield every image of every publisher; none for an engine without versions."""
        for publisher in self.image_files:
            for version in self.image_versions(publisher):
                image = self.image(version, publisher)
                assert image is not None  # noqa: S101 (the version comes from the publisher's own table)
                yield image


@cache
def _image(folder: Path, file: str, version: str) -> Image | None:
    table = data.load(file, folder)
    chosen = table["versions"].get(version)
    if chosen is None:
        return None
    accounts = data.load("registries")["accounts"]
    regions = chosen.get("regions", table["regions"])
    by_region = MappingProxyType({region: accounts[region] for region in regions})
    source = f"{table['source'].partition(' image_uri_config')[0]} of {table['retrieved']}"
    return Image(table["repository"], chosen["tag"], chosen["cuda"], by_region, source)
