"""Registry of the engines: one for each folder of this package, and engines that a test registers."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

from replicas.catalogue.images import Image
from replicas.catalogue.tasks import Task
from replicas.engines.containers import first_set
from replicas.engines.default import EXAMPLE
from replicas.engines.dialect import Dialect
from replicas.engines.engine import Engine
from replicas.engines.kind import EngineKind

_registered: dict[str, EngineKind] = {}


@cache
def _shipped() -> Mapping[str, EngineKind]:
    package = __name__.rpartition(".")[0]
    folders = sorted(entry.name for entry in pkgutil.iter_modules([str(Path(__file__).parent)]) if entry.ispkg)
    kinds: list[EngineKind] = [import_module(f"{package}.{folder}").ENGINE for folder in folders]
    return {kind.name: kind for kind in kinds}


def engine_kinds() -> dict[str, EngineKind]:
    """Return every engine by its name, sorted by name."""
    return dict(sorted({**_shipped(), **_registered}.items()))


@contextmanager
def registered(kind: EngineKind) -> Iterator[None]:
    """Register an engine from another folder for the duration of the block."""
    if kind.name in engine_kinds():
        raise ValueError(f"an engine {kind.name!r} is already registered")
    _registered[kind.name] = kind
    try:
        yield
    finally:
        del _registered[kind.name]


def engine_names() -> list[str]:
    """Return the names of the engines that can be planned."""
    return [name for name, kind in engine_kinds().items() if kind.versions]


def adapter_engines() -> list[str]:
    """Return the names of the engines whose newest version serves LoRA adapters."""
    return [name for name in engine_names() if find_engine(name).adapter_slot_rank(1) is not None]


def engines_of_task(task: Task) -> list[str]:
    """Return the names of the engines whose newest version serves a task."""
    return [name for name in engine_names() if task in find_engine(name).tasks]


def find_engine(given: str, publisher: str | None = None) -> Engine:
    """Return an engine by name (`vllm`) or by name and version (`tgi-1.1.0`).

    A name without a version selects the newest version with an image. A version without a container image can be sized
    but not deployed; its `image` is None.

    Args:
        given: name of the engine, with or without a version.
        publisher: publisher of the image; None for the first publisher that has the version.

    Raises:
        LookupError: the engine, the version or the publisher does not exist.

    """
    name, _, version = given.partition("-")
    kind = engine_kinds().get(name)
    is_version = re.fullmatch(r"\d{1,4}(\.\d{1,4}){1,3}", version, re.A)
    if kind and kind.versions and "-" in given and not is_version:
        raise LookupError(
            f"engine {given!r}: {version!r} is not a version; versions of {name} with an image: "
            f"{', '.join(kind.image_versions())}"
        )
    if not kind or not kind.versions:
        raise LookupError(
            f"engine {given!r} is not known; engines: {', '.join(engine_names())}, or a name with a version ({EXAMPLE})"
        )
    if publisher is not None and publisher not in kind.image_files:
        raise LookupError(
            f"image_source={publisher!r}: images of {name} are published by {', '.join(kind.image_files)}: use one "
            f"of these, or remove image_source"
        )
    engine = kind.versions(kind, version or kind.image_versions(publisher)[-1], publisher)
    if not engine.since(engine.oldest):
        raise LookupError(
            f"engine {given!r}: versions of {name} before {engine.oldest} are not supported; versions with an image: "
            f"{', '.join(kind.image_versions())}"
        )
    if engine.is_newer_than_its_facts:
        raise LookupError(
            f"engine {given!r}: versions of {name} after {engine.newest} are not supported yet; "
            f"{name!r} selects {kind.image_versions()[-1]}, the newest with an image"
        )
    return engine


def image_versions(name: str) -> list[str]:
    """Return the versions of an engine with an image, oldest first."""
    return engine_kinds()[name].image_versions()


def find_image(name: str, version: str) -> Image | None:
    """Return the image of an engine's version; None if the version has no image."""
    return engine_kinds()[name].image(version)


# ---- containers


def engine_of_image(image: str | None) -> EngineKind | None:
    """Return the engine of a container image; None if no engine is recognised.

    Args:
        image: an address (`ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG`), `REPOSITORY:TAG`, or a repository.
            The repository's name decides; if no engine matches it, the tag decides.

    """
    repository, tag = repository_and_tag(image or "")
    for text in (repository, tag or ""):
        for kind in engine_kinds().values():
            if kind.image_name.search(text):
                return kind
    return None


def repository_and_tag(image: str) -> tuple[str, str | None]:
    """Return the last part of the repository's name in the address of an image, and the image's tag.

    The tag is None for an image without a tag.
    """
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    return name, tag or None


def model_variables(image: str | None = None) -> tuple[str, ...]:
    """Return the variables that name the model to serve: first the variables of the image's engine, then the variables
    of all other engines.
    """
    kind = engine_of_image(image)
    own = kind.variables.model if kind else ()
    return tuple(dict.fromkeys([*own, *(name for kind in engine_kinds().values() for name in kind.variables.model)]))


def model_of(environment: Mapping[str, str], image: str | None = None) -> str | None:
    """Return the model that a container serves, as repository or path; None if no variable names it."""
    return first_set(model_variables(image), environment)


def hub_token_variables() -> tuple[str, ...]:
    """Return the variables from which any of the engines reads a Hugging Face token."""
    return tuple(dict.fromkeys(name for kind in engine_kinds().values() for name in kind.variables.hub_token))


def dialect_of_image(image: str, environment: Mapping[str, str]) -> Dialect | None:
    """Return the dialect of a container; None if the engine of its image is not recognised."""
    kind = engine_of_image(image)
    return kind.dialect(environment, repository_and_tag(image)[1]) if kind else None


def dialects() -> dict[str, Dialect]:
    """Return every dialect of the engines by its name."""
    spoken = [dialect for kind in engine_kinds().values() for dialect in kind.dialects]
    return {dialect.name: dialect for dialect in spoken}
