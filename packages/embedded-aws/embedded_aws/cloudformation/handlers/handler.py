"""What a handler is: it makes, changes and deletes resources of one type through the service's API."""

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
    """A resource as its service has it now."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    """What Fn::GetAtt gives."""


class HandlerError(Exception):
    """A handler's refusal or failure, with the evidence that CloudFormation fails in this way.

    `code` is one of CloudFormation's handler error codes. NotUpdatable says that nothing was touched.
    """

    def __init__(self, message: str, evidence: Evidence, code: str = "NotStabilized") -> None:
        super().__init__(message)
        self.message = message
        self.evidence = evidence
        self.code = code


class Work(Protocol):
    """What a handler is given to do its work with."""

    stack_name: str
    stack_id: str
    logical_id: str
    region: str
    account: str
    changed: frozenset[str]
    """At an update: the properties that differ."""
    rolling_back: bool
    """Whether an update brings back what was before a failure."""

    def client(self, service: str) -> Any:
        """A client of a service; throttled calls are repeated."""

    def started(self, physical_id: str) -> None:
        """Tell that the resource exists, though it is not ready: a rollback will delete it."""

    def until(self, stable: Callable[[], bool], *, every_seconds: float = 5.0, at_most_minutes: float = 120.0) -> None:
        """Ask again and again whether the resource is stable."""


class Handler:
    """Provisions one type. Values of properties have the types of the schema, and dynamic references are resolved."""

    type: ClassVar[str]
    attributes: ClassVar[tuple[str, ...]] = ()
    """What Fn::GetAtt can ask for."""
    name_property: ClassVar[str | None] = None
    """The property with the name that the user may fix."""
    provisions: ClassVar[frozenset[str] | None] = None
    """The properties that it takes to the service; None for all. Others are refused, not silently left out."""
    system_tags: ClassVar[bool] = False
    """Whether the service lets CloudFormation's own tags (aws:cloudformation:...) in through its public API."""

    def create(self, work: Work, desired: Properties) -> Made:
        """Make it and wait until it is stable."""
        raise NotImplementedError

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        """Bring it from one set of properties to another, in place."""
        raise NotImplementedError

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        """Delete it and wait until it is gone; what is gone already is fine."""
        raise NotImplementedError


_LETTERS = string.ascii_letters + string.digits


def name_from_logical_id(work: Work, limit: int) -> str:
    """Generated as for most newer types: the logical id, a dash, 12 random letters."""
    return f"{work.logical_id[: limit - 13]}-{random_letters(12)}"


def name_from_stack(work: Work, limit: int, *, lower: bool = False) -> str:
    """Generated as for most older types: stack, logical id and 12 random letters, the parts cut to fit."""
    letters = string.ascii_lowercase + string.digits if lower else _LETTERS
    room = limit - 14
    stack, logical = work.stack_name, work.logical_id
    if len(stack) + len(logical) > room:
        stack = stack[: max(room // 2, room - len(logical))]
        logical = logical[: room - len(stack)]
    name = f"{stack}-{logical}-{random_letters(12, letters)}"
    return name.lower() if lower else name


def only(properties: Properties, *names: str) -> dict[str, Any]:
    """The named properties that are there."""
    return {name: properties[name] for name in names if name in properties}


def gone(error: ClientError, *words: str) -> bool:
    """Whether an error says that the thing does not exist."""
    details = error.response["Error"]
    return (
        "NotFound" in details["Code"]
        or details["Code"]
        in ("NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "404", "ParameterNotFound", "NotFoundException")
        or any(word in details["Message"] for word in words)
    )


def quietly(call: Callable[..., Any], *words: str, **arguments: Any) -> None:
    """Call what deletes; a thing that does not exist is deleted."""
    try:
        call(**arguments)
    except ClientError as error:
        if not gone(error, *words):
            raise


def tag_changes(previous: Properties, desired: Properties) -> tuple[list[dict[str, str]], list[str]]:
    """Tags (as lists of Key and Value) to put and keys to take away."""
    before = {tag["Key"]: tag["Value"] for tag in previous.get("Tags", [])}
    after = {tag["Key"]: tag["Value"] for tag in desired.get("Tags", [])}
    put = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    return put, [key for key in before if key not in after]


def as_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as one object."""
    return {tag["Key"]: tag["Value"] for tag in tags}
