"""Execution roles and their policies, and texts of a deployment that could reveal a secret."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.identity import Subject


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement of an IAM policy."""

    allows: bool
    actions: tuple[str, ...] = ()
    excludes_actions: bool = False
    """True if `actions` are the actions that the statement does not cover (`NotAction`)."""
    resources: tuple[str, ...] = ()
    """ARNs of the resources. Unknown segments are written as `${...}`."""
    known_resources: tuple[str, ...] = ()
    """ARNs in `resources` that are completely known."""
    is_conditional: bool = False
    principals: tuple[str, ...] = ()
    """Principals; only a trust policy has them."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """An execution role that is created together with the endpoint."""

    subject: Subject
    user: Subject
    """The resource that uses the role."""
    managed_policies: tuple[str, ...] = ()
    """Names of the managed policies that are attached to the role."""
    statements: tuple[Statement, ...] = ()
    trust: tuple[Statement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WrittenText:
    """A text that every person with read access to the deployment can read."""

    subject: Subject
    place: str
    """Location of the text: `its properties`, `the parameter's Default`."""
    text: str
