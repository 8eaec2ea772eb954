"""Decides whether the policies of a role allow a request. As in IAM, a Deny statement overrides all
Allow statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from replicas.endpoint.access import Policy, Protected, Role, Statement
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.rules.roles.conditions import Request, Verdict, conditions_hold
from replicas.rules.roles.managed_policies import managed_policy, reads_tagged_objects
from replicas.rules.roles.matching import Answer, matches

Outcome = Literal["allowed", "denied", "missing", "unknown"]

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
_LEVELS: tuple[Answer, ...] = ("no", "maybe", "yes")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision about one request."""

    outcome: Outcome
    policy: Policy | None = None
    """Policy that allows or denies the request."""
    why: str = ""
    """Reason why it is unknown whether the request is allowed."""


_LONGEST_NAME = 4096
"""Maximum length of an ARN that the IAM and SageMaker APIs accept, characters."""
_MISSING = Decision(outcome="missing")
_MOST_COMPARISONS = 20_000
"""Maximum number of comparisons of statements with requests for one template, about a second of work. All policies of a
role together have at most a few hundred statements (IAM quotas: 10,240 characters inline, 20 managed policies of
6,144)."""
_TOO_MANY = Decision(outcome="unknown", why="the policies have too many statements to compare")


class _TooManyError(Exception):
    """The template has too many statements to compare."""


class Decider:
    """Decides which requests the roles of one endpoint model are allowed to make."""

    def __init__(self, topology: Topology) -> None:
        self._aliases = topology.aliases
        self._texts: dict[str, str] = {}
        self._protected = {self.named(entry.arn): entry for entry in topology.protected}
        self._answers: dict[tuple[Subject, str, str, Subject | None], Decision] = {}
        self._comparisons = 0

    def named(self, text: str) -> str:
        """Replace placeholders of the template's resources in a text by the ARNs and names of the resources.

        A text that is longer than any name or ARN is returned unchanged.
        """
        if "${" not in text:
            return text
        known = self._texts.get(text)
        if known is None:
            known = text
            for _ in range(3):  # a name may contain the names of other resources
                if len(known) > _LONGEST_NAME:
                    break
                known = _PLACEHOLDER.sub(self._alias, known)
            self._texts[text] = known
        return known

    def _alias(self, placeholder: re.Match[str]) -> str:
        alias = self._aliases.get(placeholder[0], "")
        return alias if alias and len(alias) <= _LONGEST_NAME else placeholder[0]

    def key_of(self, bucket: str) -> str | None:
        """Return the KMS key of a bucket in the template; None if the bucket or its key is unknown, or if the key is
        given as an alias.
        """
        protected = self._protected.get(bucket)
        if protected is None or protected.key is None:
            return None
        written = protected.key.text if isinstance(protected.key, Unknown) else protected.key
        named = self.named(written)
        return None if "alias/" in named else named

    def decide(self, role: Role, request: Request, before: Subject | None = None) -> Decision:
        """Decide about a request. If several policies allow it, the decision names one that exists before the resource
        `before` is created.
        """
        key = (role.subject, request.action, request.resource, before)
        if key not in self._answers:
            try:
                self._answers[key] = self._decision(role, request, before)
            except _TooManyError:
                return _TOO_MANY
        return self._answers[key]

    def _decision(self, role: Role, request: Request, before: Subject | None) -> Decision:
        request = replace(request, context={key: self.named(value) for key, value in request.context.items()})
        policies = [*role.policies, *filter(None, map(managed_policy, role.policies_elsewhere))]
        policies.sort(key=lambda policy: before is not None and not policy.precedes(before))
        decision = self._of_policies(policies, request)
        unknown_policies = [arn for arn in role.policies_elsewhere if managed_policy(arn) is None]
        if decision.outcome == "missing" and unknown_policies:
            decision = Decision(outcome="unknown", why=f"the statements of {unknown_policies[0]} are unknown")
        if decision.outcome == "allowed":
            bound = self._of_boundary(role, request)
            decision = bound if bound is not None and bound.outcome != "allowed" else decision
        return self._with_resource(decision, role, request)

    def _of_boundary(self, role: Role, request: Request) -> Decision | None:
        """Decide about a request by the permissions boundary; None if the role has none."""
        elsewhere = role.boundary_elsewhere
        boundary = role.boundary or (managed_policy(elsewhere) if elsewhere else None)
        if boundary is not None:
            return self._of_policies([boundary], request)
        return Decision(outcome="unknown", why=f"the statements of {elsewhere} are unknown") if elsewhere else None

    def _of_policies(self, policies: Iterable[Policy], request: Request) -> Decision:
        allowing = [(policy, verdict) for policy in policies if (verdict := self._grants(policy, request, allow=True))]
        denying = [(policy, verdict) for policy in policies if (verdict := self._grants(policy, request, allow=False))]
        for outcome, grant in (("denied", denying), ("allowed", allowing)):
            certain = next((policy for policy, verdict in grant if verdict.answer == "yes"), None)
            if certain is not None:
                doubt = next((verdict for _, verdict in denying if verdict.answer == "maybe"), None)
                if outcome == "allowed" and doubt is not None:
                    return Decision(outcome="unknown", why=doubt.why)
                return Decision(outcome="denied" if outcome == "denied" else "allowed", policy=certain)
        doubt = next((verdict for _, verdict in allowing), None)
        return _MISSING if doubt is None else Decision(outcome="unknown", why=doubt.why)

    def _grants(self, policy: Policy, request: Request, *, allow: bool) -> Verdict | None:
        """Return the strongest verdict of the policy's Allow (or Deny) statements; None if no statement applies."""
        best: Verdict | None = None
        for statement in policy.statements:
            verdict = self.applies(statement, request, allow=allow)
            if verdict.answer == "yes":
                if policy.exists is None:
                    return verdict
                verdict = Verdict(answer="maybe", why=policy.exists.why)
            if verdict.answer == "maybe" and best is None:
                best = verdict
        return best

    def applies(self, statement: Statement, request: Request, *, allow: bool) -> Verdict:
        """Return whether a statement allows (or denies) a request. Its principals are not checked."""
        if statement.unknown is not None:
            return Verdict(answer="maybe", why=statement.unknown.why)
        if statement.allows is not allow:
            return Verdict(answer="no")
        self._comparisons += 1
        if self._comparisons > _MOST_COMPARISONS:
            raise _TooManyError
        covered = any(_covers_action(pattern, request.action) for pattern in statement.actions)
        if covered is statement.excludes_actions:
            return Verdict(answer="no")
        reached = self._reaches(statement, request.resource)
        if reached == "no":
            return Verdict(answer="no")
        verdict = conditions_hold(
            tuple(
                replace(condition, values=tuple(map(self.named, condition.values)))
                for condition in statement.conditions
            ),
            request,
        )
        if verdict.answer == "yes" and reached == "maybe":
            return Verdict(answer="maybe", why="the resources of the statement are known only at deployment")
        return verdict

    def _reaches(self, statement: Statement, resource: str) -> Answer:
        self._comparisons += len(statement.resources)
        answers = [matches(self.named(pattern), resource) for pattern in statement.resources]
        best: Answer = max(answers, key=_LEVELS.index, default="no")
        if not statement.excludes_resources:
            return best
        return _LEVELS[2 - _LEVELS.index(best)]

    def _with_resource(self, decision: Decision, role: Role, request: Request) -> Decision:
        """Combine the decision with the policy of the resource itself, if the template defines the resource."""
        whole = request.resource
        protected = self._protected.get(whole) or self._protected.get(whole.partition("/")[0])
        if protected is None:
            return decision
        opened, closed, delegates = self._of_protected(protected, role, request)
        if closed.answer == "yes":
            return Decision(outcome="denied", policy=Policy(subject=protected.subject))
        is_key = request.action.startswith("kms:")
        if is_key and protected.statements and not delegates and opened.answer == "no":
            return Decision(outcome="missing", policy=Policy(subject=protected.subject))
        if decision.outcome in ("missing", "unknown") and opened.answer == "yes":
            return Decision(outcome="allowed", policy=Policy(subject=protected.subject))
        doubt = next((verdict for verdict in (closed, opened) if verdict.answer == "maybe"), None)
        if doubt is not None and (decision.outcome == "missing" or doubt is closed):
            return Decision(outcome="unknown", why=doubt.why)
        return decision

    def _of_protected(self, protected: Protected, role: Role, request: Request) -> tuple[Verdict, Verdict, bool]:
        """Return whether a resource's policy allows the role, denies it, or leaves the decision to IAM policies."""
        arn = self.named(f"${{{role.subject.name}.Arn}}")
        opened = closed = Verdict(answer="no")
        delegates = False
        for statement in protected.statements:
            principals = [self.named(principal) for principal in statement.principals]
            if not statement.resources:
                statement = replace(statement, resources=("*",))
            allow = self.applies(statement, request, allow=True)
            delegates = delegates or (allow.answer != "no" and any(map(_is_account, principals)))
            if any(principal in ("*", arn) for principal in principals) or statement.unknown is not None:
                deny = self.applies(statement, request, allow=False)
                opened = max(opened, allow, key=lambda verdict: _LEVELS.index(verdict.answer))
                closed = max(closed, deny, key=lambda verdict: _LEVELS.index(verdict.answer))
        return opened, closed, delegates


def may_be_assumed(trust: Iterable[Statement], context: Mapping[str, str], principal: str) -> Verdict:
    """Return whether the statements of a trust policy allow a service to assume the role."""
    decider = Decider(Topology())
    request = Request(action="sts:assumerole", resource="*", context=context)
    best = Verdict(answer="no")
    for statement in trust:
        if statement.unknown is None and not _names(statement, principal):
            continue
        whole = replace(statement, resources=("*",))
        if decider.applies(whole, request, allow=False).answer == "yes":
            return Verdict(answer="no", why="the trust policy denies it")
        verdict = decider.applies(whole, request, allow=True)
        if _LEVELS.index(verdict.answer) > _LEVELS.index(best.answer):
            best = verdict
    return best


def _names(statement: Statement, principal: str) -> bool:
    return any(
        given == "*" or given == principal or matches(given, principal) != "no" for given in statement.principals
    )


def is_readable_by_tag(role: Role) -> bool:
    """Return whether a managed policy of AWS allows the role to read objects with a certain tag."""
    return any(map(reads_tagged_objects, role.policies_elsewhere))


@cache
def _action_pattern(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _covers_action(pattern: str, action: str) -> bool:
    return _action_pattern(pattern).fullmatch(action) is not None


def _is_account(principal: str) -> bool:
    return principal.endswith(":root") or principal == "${AWS::AccountId}"
