"""Rules about the source of images and weights. Copies that start at different times must run the same version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.engines import engine_kinds, engine_of_image
from replicas.rules.declaration import rule
from replicas.rules.finding import Case
from replicas.rules.practice.containers import containers_of
from replicas.rules.practice.images import ImageName, image_name
from replicas.rules.weights import hub_repository

_MOVING = re.compile(r"latest|main|master|nightly|stable|dev|edge|(?:.*-)?v\d+")
"""Tags that publishers move to new images. AWS's moving tags end in a major version (`server-sagemaker-cuda-v2`)."""

_BRANCHES = ("main", "master", "refs/heads/main")


@rule(
    "image-from-public-registry",
    pack="practice",
    checks="An image comes from a public registry.",
    why="anyone can publish in a public registry, and a publisher can take an image away",
)
def image_from_public_registry(topology: Topology) -> Iterator[Case]:
    """An image must come from a private registry."""
    for subject, container, name in _images(topology):
        if name.public and not container.from_vpc_registry:
            yield Case(subject=subject, numbers={"image": name.text})


@rule(
    "image-elsewhere",
    pack="practice",
    severity="warning",
    checks="An image comes from an account that does not publish SageMaker's containers.",
    why="everyone who may push to that account controls the code that reads the weights and prompts",
)
def image_elsewhere(topology: Topology) -> Iterator[Case]:
    """An image must come from a known account."""
    for subject, name in _private_images(topology):
        if name.is_ones_own and name.account != "own":
            yield Case(subject=subject, numbers={"account": name.account})


@rule(
    "image-tag-moves",
    pack="practice",
    severity="warning",
    checks="An image is referenced by a tag that can move to another image.",
    why="CloudFormation does not notice the change, and two copies of one component can run different servers",
)
def image_tag_moves(topology: Topology) -> Iterator[Case]:
    """An image must be referenced by a digest, or by a tag that does not move to another image."""
    for subject, name in _private_images(topology):
        if name.digest:
            continue
        if name.tag is None and not name.text.endswith("}"):
            yield Case(subject=subject, kind="no tag", numbers={"image": name.text})
        elif name.tag and _MOVING.fullmatch(name.tag):
            yield Case(subject=subject, numbers={"tag": name.tag})


@rule(
    "image-without-digest",
    pack="practice",
    severity="warning",
    checks="An image in the user's own account is referenced by a tag instead of a digest.",
    why="a tag in ECR can be overwritten unless the repository forbids it",
)
def image_without_digest(topology: Topology) -> Iterator[Case]:
    """An image in the user's own account must be referenced by its digest."""
    for subject, name in _private_images(topology):
        if not name.digest and name.tag and not _MOVING.fullmatch(name.tag) and name.is_ones_own:
            yield Case(subject=subject, numbers={"tag": name.tag})


@rule(
    "hub-without-revision",
    pack="practice",
    severity="warning",
    checks="Weights come from the Hugging Face Hub without a revision.",
    why="each copy loads the newest commit of the branch when it starts, so two copies of one component can differ",
)
def hub_without_revision(topology: Topology) -> Iterator[Case]:
    """Weights from the Hub must have a fixed revision, because branches change."""
    for subject, container in containers_of(topology):
        repository = hub_repository(container)
        if repository is None or container.unknown is not None:
            continue
        read = _revisions_of(container)
        given = [container.variable(name) for name in read]
        if all(value is None or value in ("", *_BRANCHES) for value in given):
            branch = next((value for value in given if value), None)
            numbers = {
                "variable": repository[0],
                "repository": repository[1],
                "where": f"on the branch {branch}" if branch else "without a revision",
                "revision_variable": read[0],
            }
            yield Case(subject=subject, numbers=numbers)


def _images(topology: Topology) -> Iterator[tuple[Subject, Container, ImageName]]:
    for subject, container in containers_of(topology):
        name = image_name(container.image)
        if container.image is not None and name is not None:
            yield subject, container, name


def _private_images(topology: Topology) -> Iterator[tuple[Subject, ImageName]]:
    for subject, container, name in _images(topology):
        if not name.public or container.from_vpc_registry:
            yield subject, name


def _revisions_of(container: Container) -> tuple[str, ...]:
    """Return the variables that set the revision for the engine of the container.

    If the engine is unknown, return the variables of all engines.
    """
    kind = engine_of_image(container.repository)
    kinds = [kind] if kind and kind.variables.revision else engine_kinds().values()
    return tuple(name for engine in kinds for name in engine.variables.revision)
