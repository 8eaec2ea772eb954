"""`ContainerImage`: the ECR repository and tag from which the image of a component is pulled."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from replicas.catalogue.images import Image
from replicas.deployment.unresolved import is_unresolved
from replicas_cdk.pseudo import PARTITION, REGION, URL_SUFFIX

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+)(?::(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))",
    re.ASCII,
)


class ContainerImage(ABC):
    """Source of a container image. SageMaker pulls images from Amazon ECR, in the region of the endpoint."""

    @staticmethod
    def from_catalogue(*, digest: str | None = None) -> ContainerImage:
        """Use the image of the plan's engine, in the registry of its publisher in the stack's region.

        Args:
            digest: `sha256:...` to pin the image. Default: the image is referenced by the tag of the plan's engine.

        """
        return _CatalogueImage(digest)

    @staticmethod
    def from_ecr_repository(repository: ecr.IRepository, tag_or_digest: str | None = None) -> ContainerImage:
        """Use an image in an ECR repository: a mirror of the publisher's image, or an image built on top of it.

        Args:
            repository: repository in the region of the endpoint. The execution role is allowed to pull from it.
            tag_or_digest: tag, or digest that begins with `sha256:`. Default: the tag of the publisher's image.

        """
        return _RepositoryImage(repository, tag_or_digest)

    @staticmethod
    def from_uri(uri: str) -> ContainerImage:
        """Use an image by its URI, `ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG` or `...@sha256:DIGEST`."""
        return _UriImage(uri)

    @abstractmethod
    def faults(self, region: str) -> Iterator[str]:
        """Yield the reasons why the image cannot be pulled in a region. The region may be a CDK token."""

    @abstractmethod
    def uri(self, image: Image, account: str) -> str:
        """Return the URI of the image.

        Args:
            image: image of the plan's engine.
            account: account of the publisher's registry, used if the image is pulled from there.

        """

    @abstractmethod
    def repository_arn(self, image: Image, account: str) -> str:
        """Return the ARN of the repository. Arguments as in `uri`."""

    is_published: ClassVar[bool] = False
    """True if the image is pulled from the registry of the publisher. The account of that registry depends on the
    region."""

    @property
    def is_proven(self) -> bool:
        """Whether the image is the one that the plan was proven for."""
        return False

    @abstractmethod
    def repository_name(self, image: Image) -> str:
        """Return the name of the repository for messages; never a CDK token."""

    @property
    def repository(self) -> ecr.IRepository | None:
        """The repository construct; None if the image is named by URI or comes from the publisher."""
        return None


class _CatalogueImage(ContainerImage):
    is_published = True

    def __init__(self, digest: str | None) -> None:
        self._digest = digest

    @property
    def is_proven(self) -> bool:
        return self._digest is None

    def faults(self, region: str) -> Iterator[str]:  # noqa: ARG002 (`problems_in_region` checks the region)
        if self._digest is not None and not is_unresolved(self._digest) and not _DIGEST.fullmatch(self._digest):
            yield f"digest={self._digest!r}: write sha256: and 64 hexadecimal digits"

    def uri(self, image: Image, account: str) -> str:
        version = f"@{self._digest}" if self._digest else f":{image.tag}"
        return f"{account}.dkr.ecr.{REGION}.{URL_SUFFIX}/{image.repository}{version}"

    def repository_arn(self, image: Image, account: str) -> str:
        return f"arn:{PARTITION}:ecr:{REGION}:{account}:repository/{image.repository}"

    def repository_name(self, image: Image) -> str:
        return image.repository


class _RepositoryImage(ContainerImage):
    def __init__(self, repository: ecr.IRepository, tag_or_digest: str | None) -> None:
        self._repository = repository
        self._version = tag_or_digest

    def faults(self, region: str) -> Iterator[str]:
        if not hasattr(self._repository, "repository_arn"):
            yield f"repository={self._repository!r}: pass an IRepository: ecr.Repository.from_repository_name(...)"
            return
        given = self._version
        if given is not None and not is_unresolved(given) and not (_DIGEST.fullmatch(given) or _TAG.fullmatch(given)):
            yield f"tag_or_digest={given!r}: write a tag, or sha256: and 64 hexadecimal digits"
        where = self._repository.env.region
        if not is_unresolved(where) and not is_unresolved(region) and where != region:
            path = self._repository.node.path
            yield f"{path} is in {where}, but the stack is in {region}: use a repository in {region}"

    def uri(self, image: Image, account: str) -> str:  # noqa: ARG002 (the repository has an account of its own)
        return self._repository.repository_uri_for_tag_or_digest(self._version or image.tag)

    def repository_arn(self, image: Image, account: str) -> str:  # noqa: ARG002
        return self._repository.repository_arn

    def repository_name(self, image: Image) -> str:  # noqa: ARG002
        return self._repository.node.path

    @property
    def repository(self) -> ecr.IRepository:
        return self._repository


class _UriImage(ContainerImage):
    def __init__(self, uri: str) -> None:
        self._uri = uri

    def faults(self, region: str) -> Iterator[str]:
        match = None if is_unresolved(self._uri) else _URI.fullmatch(self._uri)
        if is_unresolved(self._uri):
            yield "the URI is a CDK token, so the repository is unknown: use ContainerImage.from_ecr_repository(...)"
        elif match is None:
            allowed = "write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG, or @sha256:... in place of the tag"
            yield f"uri={self._uri!r}: {allowed}"
        elif not is_unresolved(region) and match["region"] != region:
            yield f"uri={self._uri!r} is in {match['region']}, but the stack is in {region}: use an image in {region}"

    def uri(self, image: Image, account: str) -> str:  # noqa: ARG002
        return self._uri

    def repository_arn(self, image: Image, account: str) -> str:  # noqa: ARG002
        match = _URI.fullmatch(self._uri)
        assert match  # noqa: S101 (`faults` refuses every other URI)
        return f"arn:{PARTITION}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"

    def repository_name(self, image: Image) -> str:  # noqa: ARG002
        return self._uri
