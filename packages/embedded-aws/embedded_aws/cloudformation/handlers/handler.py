"""Base class of handlers: a handler creates, updates and deletes resources of one type through a service's API."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from botocore.exceptions import ClientError

from embedded_aws.cloudformation.state import random_letters
from embedded_aws.evidence import Evidence

Properties = Mapping[str, Any]


@dataclass
class Made:
    """The result of a create or update: the physical id and attributes of the resource."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    """The values that Fn::GetAtt returns."""


class HandlerError(Exception):
    """A failure of a handler, with the evidence that CloudFormation fails in this way.

    `code` is one of CloudFormation's handler error codes. NotUpdatable means that the resource was not changed.
    """

    def __init__(self, message: str, evidence: Evidence, code: str = "NotStabilized") -> None:
        super().__init__(message)
        self.message = message
        self.evidence = evidence
        self.code = code


class Work(Protocol):
    """The context that a handler receives: stack, region, clients and waiting."""

    stack_name: str
    stack_id: str
    logical_id: str
    region: str
    account: str
    changed: frozenset[str]
    """Names of the properties that an update changes; empty for a creation or deletion."""
    rolling_back: bool
    """Whether this update is part of a rollback and restores the former properties."""

    def client(self, service: str) -> Any:
        """Return a client of a service that retries throttled calls."""

    def started(self, physical_id: str) -> None:
        """Report that the resource exists but is not stable yet, so that a rollback deletes it."""

    def until(self, stable: Callable[[], bool], *, every_seconds: float = 5.0, at_most_minutes: float = 120.0) -> None:
        """Poll until the resource is stable. Raise HandlerError after the limit. Both times are durations on AWS."""


class Handler:
    """Provisions one resource type.

    Property values have the types of the schema, and dynamic references are resolved.
    """

    type: ClassVar[str]
    attributes: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that Fn::GetAtt supports."""
    name_property: ClassVar[str | None] = None
    """The property for a custom name of the resource; None if it cannot be named."""
    provisions: ClassVar[frozenset[str] | None] = None
    """The properties that the handler supports; None if it supports all. Other properties are refused, not ignored."""
    system_tags: ClassVar[bool] = False
    """Whether the service's public API accepts CloudFormation's own tags (aws:cloudformation:...)."""

    def create(self, work: Work, desired: Properties) -> Made:
        """Create the resource and wait until it is stable."""
        raise NotImplementedError

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        """Update the resource in place from `previous` to `desired` properties."""
        raise NotImplementedError

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        """Delete the resource and wait until it is gone. Succeeds if it does not exist."""
        raise NotImplementedError


class Importable(Handler):
    """Handler of a resource type whose existing resources can be imported into a stack."""

    def find(self, client: Callable[[str], Any], identifier: Mapping[str, str]) -> Made | None:
        """Return an existing resource by the properties of its schema's primary identifier; None if it does not exist.

        `client` returns the client of a service.
        """
        raise NotImplementedError

    def tags(self, client: Callable[[str], Any], physical_id: str) -> list[dict[str, str]]:
        """Return the tags of an existing resource, as Key and Value pairs."""
        raise NotImplementedError


_LETTERS = string.ascii_letters + string.digits


def name_from_logical_id(work: Work, limit: int) -> str:
    """Return a generated name of at most `limit` characters: the logical id, a dash and 12 random letters or digits.

    CloudFormation names most of its newer resource types in this way.
    """
    return f"{work.logical_id[: limit - 13]}-{random_letters(12)}"


def name_from_stack(work: Work, limit: int, *, lower: bool = False) -> str:
    """Return a generated name of at most `limit` characters: stack name, logical id and 12 random letters or digits.

    CloudFormation names most of its older resource types in this way.
    """
    letters = string.ascii_lowercase + string.digits if lower else _LETTERS
    room = limit - 14
    stack, logical = work.stack_name, work.logical_id
    if len(stack) + len(logical) > room:
        stack = stack[: max(room // 2, room - len(logical))]
        logical = logical[: room - len(stack)]
    name = f"{stack}-{logical}-{random_letters(12, letters)}"
    return name.lower() if lower else name


def only(properties: Properties, *names: str) -> dict[str, Any]:
    """Return the named properties that are present."""
    return {name: properties[name] for name in names if name in properties}


def gone(error: ClientError, *words: str) -> bool:
    """Return whether an error means that the resource does not exist: by its code, or by `words` in its message."""
    details = error.response["Error"]
    return (
        "NotFound" in details["Code"]
        or details["Code"]
        in ("NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "404", "ParameterNotFound", "NotFoundException")
        or any(word in details["Message"] for word in words)
    )


def quietly(call: Callable[..., Any], *words: str, **arguments: Any) -> None:
    """Call a delete operation; ignore the error if the resource does not exist."""
    try:
        call(**arguments)
    except ClientError as error:
        if not gone(error, *words):
            raise


def tag_changes(previous: Properties, desired: Properties) -> tuple[list[dict[str, str]], list[str]]:
    """Return the tags to set (as Key and Value pairs) and the tag keys to remove."""
    before = {tag["Key"]: tag["Value"] for tag in previous.get("Tags", [])}
    after = {tag["Key"]: tag["Value"] for tag in desired.get("Tags", [])}
    put = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    return put, [key for key in before if key not in after]


def as_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Convert tags from a list of Key and Value pairs to a dict."""
    return {tag["Key"]: tag["Value"] for tag in tags}
