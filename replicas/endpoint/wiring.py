"""Faults in the references between the resources of a template, and properties that CloudFormation refuses."""

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
"""Kind of a reference between two resources."""


@dataclass(frozen=True, kw_only=True)
class RefusedProperty:
    """A property whose value CloudFormation's schema of the resource type does not allow."""

    subject: Subject
    path: str
    """Path of the property, such as `ProductionVariants/0/InstanceType`; empty for the resource itself."""
    message: str
    """CloudFormation's message about the value."""
    allowed: str
    """Allowed values or properties, in words; empty if the message lists them."""
    given: str = ""
    """The value as text."""


@dataclass(frozen=True, kw_only=True)
class WrongReference:
    """A property that refers to another resource with the wrong kind of value, such as an ARN instead of a name."""

    subject: Subject
    path: str
    given: str
    """The reference as it is written, such as `Ref of Endpoint`."""
    value: str
    """An example of the reference's value at deployment."""
    right: str
    """The reference that returns the right value; empty if it is unknown."""
    named_type: str = ""
    """Type of the resource that the property names; empty if the property names no resource."""


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
    """A resource that names another resource of the template but does not depend on it."""

    subject: Subject
    awaited: Subject
    relation: Relation


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The faults in how the resources of a template refer to each other.

    Plans and API requests contain no references between resources, so they have no such faults.
    """

    properties: tuple[RefusedProperty, ...] = ()
    references: tuple[WrongReference, ...] = ()
    attributes: tuple[AbsentAttribute, ...] = ()
    waits: tuple[MissingWait, ...] = ()
