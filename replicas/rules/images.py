"""Rules about the images that AWS publishes: whether the tables of SageMaker's SDK have an image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.version import Version

from replicas.catalogue.images import Image
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.engines import EngineKind, engine_of_image
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case, Unjudged
from replicas.rules.practice.images import image_name
from replicas.rules.regions import registry_region

_PATCH = re.compile(r"-v\d+\.\d+(?:-\d{4}(?:-\d{2}){5})?$")
"""End of the tag of a patch release, for example `-v1.0` or `-v1.0-2023-05-08-21-23-21`. AWS publishes each image with
and without this ending (aws/sagemaker-python-sdk issue 3899 lists the tags of one image)."""
_QUESTION = "whether AWS publishes the image"


@rule(
    "image-not-published",
    severity="warning",
    checks="An image of AWS is not in the tables of SageMaker's SDK, or not for its region and account (warning).",
    why="CreateModel refuses an image that is not in the registry: 'Requested image ... not found'",
    source="philschmid/terraform-aws-sagemaker-huggingface pull request 15, 12 May 2023, quoted; the tables are "
    "those of sagemaker-core (image_uri_config)",
)
def image_not_published(topology: Topology) -> Iterator[Case | Unjudged]:
    """AWS must publish the image of a container, as far as the tables of SageMaker's SDK say.

    The tables have one tag of each version. A tag of a newer version, or of another patch release, is yielded as not
    judged. The memory of a container whose tag has no version is yielded as not judged, too.
    """
    for subject, container in topology.declared_containers:
        kind = engine_of_image(container.repository)
        version = kind.version_of(container.tag) if kind else None
        if kind is None or container.tag is None or version is None:
            continue
        published = {
            tag: image for image in _published(kind, container) for tag in (image.tag, _PATCH.sub("", image.tag))
        }
        if container.tag in published:
            yield from _in_registry(subject, container, published[container.tag])
        elif published:
            yield _unlisted(subject, kind, container.tag, Version(version), list(published.values()))


@rule(
    "image-not-in-ecr",
    checks="The image of a container is not in private ECR, and no ImageConfig names a registry in the VPC.",
    why="CreateModel refuses it: 'Using non-ECR image ... without Vpc repository access mode is not supported'",
    source="aws/sagemaker-python-sdk pull request 4700, 22 May 2024, quoted",
    enforced=(
        *enforced_by(
            "CreateModel",
            "quoted",
            "'Using non-ECR image \"<My image>\" without Vpc repository access mode is not supported' "
            "(aws/sagemaker-python-sdk pull request 4700)",
        ),
        *enforced_by("CreateInferenceComponent", "assumed", "as in CreateModel; its containers have no ImageConfig"),
    ),
)
def image_not_in_ecr(topology: Topology) -> Iterator[Case]:
    """The image of a container must be in private ECR, or in a registry of the VPC that ImageConfig names."""
    for subject, container in topology.declared_containers:
        name = image_name(container.image) if container.image is not None else None
        # A name without a registry or namespace is that of a plan, whose image gets its registry in the template.
        has_registry = name is not None and "/" in name.text and ".dkr" not in name.text
        if name is not None and name.public and has_registry and not container.from_vpc_registry:
            yield Case(subject=subject, numbers={"image": name.text})


def _published(kind: EngineKind, container: Container) -> list[Image]:
    """Return the images of the container's repository in the tables; empty if the image is certainly not one of AWS."""
    name = image_name(container.image)
    if name is None or name.digest or name.public or name.is_ones_own:
        return []
    return [image for image in kind.images() if image.repository == container.repository]


def _unlisted(
    subject: Subject, kind: EngineKind, tag: str, version: Version, published: list[Image]
) -> Case | Unjudged:
    by_version = {Version(kind.version_of(image.tag) or "0"): image for image in published}
    newest, same = by_version[max(by_version)], by_version.get(version)
    tables = f"the tables of {newest.source}"
    if version > max(by_version):
        why = f"{tag} is newer than {newest.tag}, the newest tag of {newest.repository} in {tables}"
        return Unjudged(subject=subject, question=_QUESTION, unknown=Unknown(why))
    if same is not None and _PATCH.sub("", same.tag) == _PATCH.sub("", tag):
        why = f"{tables} have only one patch release of it, {same.tag}"
        return Unjudged(subject=subject, question=_QUESTION, unknown=Unknown(why))
    numbers = {"tag": tag, "repository": newest.repository, "tables": tables, "listed": (same or newest).tag}
    return Case(subject=subject, numbers=numbers)


def _in_registry(subject: Subject, container: Container, image: Image) -> Iterator[Case]:
    """Yield a case if the tables do not have the tag for the registry's region, or have it in another account."""
    name, region = image_name(container.image), registry_region(container)
    if name is None or region is None:
        return
    account = image.accounts.get(region)
    numbers = {"name": image.name, "region": region, "tables": f"the tables of {image.source}"}
    if account is None:
        yield Case(subject=subject, kind="region", numbers={**numbers, "regions": ", ".join(image.accounts)})
    elif name.account is not None and name.account != account:
        yield Case(subject=subject, kind="account", numbers={**numbers, "given": name.account, "account": account})
