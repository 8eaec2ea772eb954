"""Who may do what: execution roles, and texts in which a secret would show."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.identity import Subject


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement of a policy."""

    allows: bool
    actions: tuple[str, ...] = ()
    excludes_actions: bool = False
    """True where it names the actions that it leaves out."""
    resources: tuple[str, ...] = ()
    """Parts that are not known are `${...}`."""
    known_resources: tuple[str, ...] = ()
    """Those without a part that is not known."""
    is_conditional: bool = False
    principals: tuple[str, ...] = ()
    """Of a trust policy."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """An execution role that is made together with the endpoint."""

    subject: Subject
    user: Subject
    """What uses it."""
    managed_policies: tuple[str, ...] = ()
    """Names of managed policies that are attached to it."""
    statements: tuple[Statement, ...] = ()
    trust: tuple[Statement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WrittenText:
    """A text that everybody reads who may read the deployment."""

    subject: Subject
    place: str
    """Where it stands: `its properties`, `the parameter's Default`."""
    text: str
