"""Declares a rule: its description, its sources, and the function that yields the cases that break it."""

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
    """Severity if the case certainly breaks the rule. A case that only may break it is always a warning."""
    checks: str
    """A sentence that describes the case in which the rule is broken."""
    why: str
    """The consequence of a broken rule. Names in braces are keys of a finding's numbers."""
    source: str | None
    """Source of `why`; None if `why` follows from the rule itself."""
    enforced: tuple[Enforcement, ...]
    """AWS operations that refuse a resource that breaks the rule; empty if none does."""
    needs_proof: bool | tuple[str, ...]
    """Whether a plan is also refused if it is uncertain that the case breaks the rule, because a plan proves that its
    copies fit: True for all kinds of cases, or a tuple of kinds."""
    judge: Judge

    def refuses_plan(self, finding: Finding) -> bool:
        """Return whether this finding refuses a plan. Otherwise the plan only warns about it."""
        is_needed = self.needs_proof if isinstance(self.needs_proof, bool) else finding.kind in self.needs_proof
        return finding.certain or is_needed

    def findings(self, topology: Topology) -> Iterator[Finding | Unjudged]:
        """Yield every case in which an endpoint model breaks the rule."""
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
    """Return a tuple with the enforcement of a rule by one operation."""
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
    """Declare a rule. This is a decorator of the function that yields the cases."""

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
