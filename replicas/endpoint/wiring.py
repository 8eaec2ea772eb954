"""How the resources of a template refer to each other, and which of their properties CloudFormation refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replicas.endpoint.identity import Subject

Relation = Literal[
    "component of endpoint",
    "adapter of component",
    "endpoint of configuration",
    "model of component",
    "model of variant",
    "target of component",
    "target of endpoint",
    "policy of target",
]
"""Which of two resources names the other."""


@dataclass(frozen=True, kw_only=True)
class RefusedProperty:
    """A property whose value CloudFormation's schema of the resource type does not allow."""

    subject: Subject
    path: str
    """Path of the property, such as `ProductionVariants/0/InstanceType`; empty for the resource itself."""
    message: str
    """What CloudFormation says about it."""
    allowed: str
    """Values or properties that are allowed, in words; empty if the message says it."""


@dataclass(frozen=True, kw_only=True)
class WrongReference:
    """A property that refers to another resource and gets a value of the wrong kind, such as an ARN for a name."""

    subject: Subject
    path: str
    given: str
    """The reference as it is written, such as `Ref of Endpoint`."""
    value: str
    """A value such as the reference gives at the deployment."""
    right: str
    """The reference that gives the right value; empty if no reference is known to."""


@dataclass(frozen=True, kw_only=True)
class AbsentAttribute:
    """An `Fn::GetAtt` of an attribute that the resource type does not have."""

    subject: Subject
    resource: str
    """Logical id of the resource that is referred to."""
    attribute: str
    attributes: tuple[str, ...]
    """The attributes of the resource type."""


@dataclass(frozen=True, kw_only=True)
class MissingWait:
    """A resource that names another one of its template, and that nothing makes wait for it."""

    subject: Subject
    awaited: Subject
    relation: Relation


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The faults in how the resources of a template refer to each other. Plans and API requests have none."""

    properties: tuple[RefusedProperty, ...] = ()
    references: tuple[WrongReference, ...] = ()
    attributes: tuple[AbsentAttribute, ...] = ()
    waits: tuple[MissingWait, ...] = ()
