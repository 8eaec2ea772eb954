"""Every container as a template writes it, on a model or on a component."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from replicas.catalogue.images import deep_learning_accounts
from replicas.endpoint.values import Value, at, list_of, text_of
from replicas.template.endpoints import Container, Resource, View, container_from

_ECR = re.compile(r"(?P<account>\d{12}|\$\{[^}]*\})\.dkr[.-]ecr(?:-fips)?\.[^/]+/.+", re.DOTALL)

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Written:
    """A container, and the resource that it stands in."""

    resource: Resource
    container: Container
    in_vpc_registry: bool
    """True where ImageConfig names a registry in the VPC."""


@dataclass(frozen=True)
class ImageName:
    """Where an image comes from, and by what it is named there. None for what is not known."""

    text: str
    account: str | None
    """12 digits, or `own`."""
    public: bool
    tag: str | None
    digest: bool

    @property
    def is_ones_own(self) -> bool:
        """True where it is known not to be one of AWS's."""
        return self.account is not None and self.account not in deep_learning_accounts()


def containers_of(view: View) -> Iterator[Written]:
    """Of every model, then of every component that has a container of its own."""
    for model in view.of_type("Model"):
        for properties in [*list_of(model.get("PrimaryContainer")), *list_of(model.get("Containers"))]:
            yield _written(model, properties)
    for component in view.components:
        resource = component.resource
        for specification in [*list_of(resource.get("Specification")), *list_of(resource.get("Specifications"))]:
            if at(specification, "Container") is not None:
                yield _written(resource, at(specification, "Container"))


def image_name(image: Value) -> ImageName | None:
    """The parts of an image's address; None where not even the registry is known."""
    text = text_of(image)
    name, digest = text.partition("@")[::2]
    registry = name.partition("/")[0]
    ecr = _ECR.fullmatch(name)
    if ecr:
        account = "own" if ecr["account"] == "${AWS::AccountId}" else ecr["account"]
        account = None if account.startswith("${") else account
    elif ".RepositoryUri}" in registry:
        account = "own"
    elif "${" in registry or not registry:
        return None
    else:
        account = None
    last = _PLACEHOLDER.sub("", name.rpartition("/")[2])  # what is not told may have colons in its name
    tag = last.rpartition(":")[2] if ":" in last else None
    return ImageName(text, account, not ecr and account is None, tag, bool(digest))


def _written(resource: Resource, properties: Value) -> Written:
    mode = text_of(at(properties, "ImageConfig", "RepositoryAccessMode"))
    return Written(resource, container_from(properties), mode == "Vpc")
