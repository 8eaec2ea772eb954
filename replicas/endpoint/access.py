"""Execution roles, policies, protected resources, and template texts that could reveal a secret."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.identity import Subject, Text
from replicas.endpoint.values import Unknown

GENERATED = "${name of "
"""Prefix of the placeholder for a name that CloudFormation generates. No literal name starts with this prefix."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition of a policy statement. It is met if the operator holds between the request's key and one
    of the values.
    """

    operator: str
    """Operator as the policy writes it, for example `StringEquals`."""
    key: str
    values: tuple[str, ...]
    """Values of the condition. Unknown segments are written as `${...}`."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement of an IAM policy."""

    allows: bool
    actions: tuple[str, ...] = ()
    excludes_actions: bool = False
    """True if `actions` are the actions that the statement does not cover (`NotAction`)."""
    resources: tuple[str, ...] = ()
    """ARNs of the resources. Unknown segments are written as `${...}`."""
    excludes_resources: bool = False
    """True if `resources` are the resources that the statement does not cover (`NotResource`)."""
    known_resources: tuple[str, ...] = ()
    """ARNs in `resources` that are completely known."""
    is_conditional: bool = False
    conditions: tuple[Condition, ...] = ()
    principals: tuple[str, ...] = ()
    """Principals. Only trust policies and resource policies have principals."""
    unknown: Unknown | None = None
    """Reason why the statement is unknown; None if it is known. Unknown segments of texts do not make it unknown."""

    @property
    def covered_actions(self) -> tuple[str, ...]:
        """The actions that the statement covers by name; empty with `NotAction`."""
        return () if self.excludes_actions else self.actions

    @property
    def condition_keys(self) -> frozenset[str]:
        """The condition keys in lower case, as IAM compares them."""
        return frozenset(condition.key.lower() for condition in self.conditions)

    @property
    def covered_resources(self) -> tuple[str, ...]:
        """The resources that the statement covers by ARN; empty with `NotResource`."""
        return () if self.excludes_resources else self.resources


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy of a role: a list of statements."""

    subject: Subject
    """The resource that defines the policy: the role itself, or a separate policy resource."""
    statements: tuple[Statement, ...] = ()
    exists: Unknown | None = None
    """Reason why it is unknown whether the policy is created; None if it is always created."""
    created_before: frozenset[Subject] | None = None
    """Resources that are certainly created after the policy; None if the policy is created with its role."""

    def precedes(self, subject: Subject) -> bool:
        """Return whether the policy is certainly attached before `subject` is created."""
        return self.created_before is None or subject in self.created_before


@dataclass(frozen=True, kw_only=True)
class Role:
    """An execution role that is created together with the endpoint."""

    subject: Subject
    user: Subject
    """The resource that uses the role."""
    managed_policies: tuple[str, ...] = ()
    """Names of the managed policies that are attached to the role."""
    policies_elsewhere: tuple[str, ...] = ()
    """ARNs of attached managed policies that are not created together with the endpoint, as the template writes
    them."""
    policies: tuple[Policy, ...] = ()
    """Policies that are created together with the endpoint."""
    boundary: Policy | None = None
    """The permissions boundary, if it is created together with the endpoint."""
    boundary_elsewhere: str = ""
    """ARN of a permissions boundary that is not created together with the endpoint, as the template writes it; empty
    without such a boundary."""
    trust: tuple[Statement, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of all policies that are created together with the endpoint."""
        return tuple(statement for policy in self.policies for statement in policy.statements)


@dataclass(frozen=True, kw_only=True)
class Protected:
    """A bucket, repository or key that is created together with the endpoint, with its own policy."""

    subject: Subject
    arn: str
    """The ARN, with `${...}` for unknown segments."""
    statements: tuple[Statement, ...] = ()
    """The policy of the resource."""
    key: Text = None
    """The KMS key that encrypts the contents of the resource, as the template writes it; None without such a key."""


@dataclass(frozen=True, kw_only=True)
class WrittenText:
    """A text in the template. Every person with read access to the template can read it."""

    subject: Subject
    place: str
    """Location of the text: `its properties`, `the parameter's Default`."""
    text: str
