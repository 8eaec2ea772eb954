"""Declares a rule: its description, its sources, and the function that yields the places where the rule is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from replicas.endpoint.topology import Topology
from replicas.rules.finding import Case, Finding, Unjudged

Severity = Literal["problem", "warning"]
Pack = Literal["proof", "practice"]
Evidence = Literal["quoted", "documented", "assumed"]
"""Evidence that AWS enforces a rule: a quoted message of the service, AWS's documentation, or an assumption."""

Judge = Callable[[Topology], Iterator[Case | Unjudged]]


@dataclass(frozen=True, kw_only=True)
class Enforcement:
    """An AWS operation that refuses resources that break the rule."""

    operation: str
    """Name of the operation in the service's API, for example `CreateInferenceComponent`."""
    evidence: Evidence
    source: str
    """Document, or package with its version, and the statement in it."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `docs/rules.md` and the rule lists of the validation plugins are generated from the rules."""

    id: str
    pack: Pack
    severity: Severity
    """Severity of a finding, if it is certain that the rule is broken. An uncertain finding is always a warning."""
    checks: str
    """A sentence that describes a resource that breaks the rule."""
    why: str
    """The consequence of a broken rule. Names in braces are keys of a finding's numbers."""
    source: str | None
    """Source of `why`; None if `why` follows from the rule itself."""
    enforced: tuple[Enforcement, ...]
    """AWS operations that refuse a resource that breaks the rule; empty if none does."""
    needs_proof: bool | tuple[str, ...]
    """True if an uncertain finding refuses a plan, because a plan must prove that its copies fit; a tuple of kinds if
    only findings of these kinds do. Otherwise an uncertain finding is a warning of the plan."""
    judge: Judge

    def refuses_plan(self, finding: Finding) -> bool:
        """Return whether this finding refuses a plan. Otherwise the plan only warns about it."""
        is_needed = self.needs_proof if isinstance(self.needs_proof, bool) else finding.kind in self.needs_proof
        return finding.certain or is_needed

    def findings(self, topology: Topology) -> Iterator[Finding | Unjudged]:
        """Yield a finding for every place where an endpoint model breaks the rule."""
        for case in self.judge(topology):
            if isinstance(case, Unjudged):
                yield case
            else:
                yield Finding(
                    rule=self.id,
                    subject=case.subject,
                    numbers=case.numbers,
                    kind=case.kind,
                    shortage=case.shortage,
                    certain=case.certain and self.severity == "problem",
                )


def enforced_by(operation: str, evidence: Evidence, source: str) -> tuple[Enforcement, ...]:
    """Declare an AWS operation that refuses resources that break the rule. The tuple is for `rule(enforced=...)`."""
    return (Enforcement(operation=operation, evidence=evidence, source=source),)


def rule(
    rule_id: str,
    *,
    checks: str,
    why: str,
    severity: Severity = "problem",
    source: str | None = None,
    enforced: tuple[Enforcement, ...] = (),
    needs_proof: bool | tuple[str, ...] = False,
    pack: Pack = "proof",
) -> Callable[[Judge], Rule]:
    """Declare a rule. This is a decorator of the function that yields the places where the rule is broken."""

    def declare(judge: Judge) -> Rule:
        return Rule(
            id=rule_id,
            pack=pack,
            severity=severity,
            checks=checks,
            why=why,
            source=source,
            enforced=enforced,
            needs_proof=needs_proof,
            judge=judge,
        )

    return declare
