"""A rule: one declaration, and one function over the endpoint model that yields the cases in which it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from replicas.endpoint.topology import Topology
from replicas.rules.finding import Case, Finding, Unjudged

Severity = Literal["problem", "warning"]
Pack = Literal["proof", "practice"]
Evidence = Literal["quoted", "documented", "assumed"]
"""How it is known that AWS enforces a rule: in the service's own words, in its documentation, or not at all."""

Judge = Callable[[Topology], Iterator[Case | Unjudged]]


@dataclass(frozen=True, kw_only=True)
class Enforcement:
    """An operation of AWS that refuses what breaks the rule."""

    operation: str
    """Of the service's API: `CreateInferenceComponent`."""
    evidence: Evidence
    source: str
    """A document or a package with its version, and what it says."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `docs/rules.md` and the rule lists of the validation plugins are derived from it."""

    id: str
    pack: Pack
    severity: Severity
    """Of a case that is certain."""
    checks: str
    """What is the case where it is broken, as a sentence."""
    why: str
    """What it costs. Names in braces are those of a finding's numbers."""
    source: str | None
    """Where `why` is from; None where it follows from the rule itself."""
    enforced: tuple[Enforcement, ...]
    """Operations of AWS that refuse it; empty where AWS does not."""
    needs_proof: bool | tuple[str, ...]
    """True, or kinds of cases, where a plan is refused on a doubt too: a plan promises that its copies fit."""
    judge: Judge

    def refuses_plan(self, finding: Finding) -> bool:
        """True where a plan is refused for one of its findings; otherwise the plan warns."""
        is_needed = self.needs_proof if isinstance(self.needs_proof, bool) else finding.kind in self.needs_proof
        return finding.certain or is_needed

    def findings(self, topology: Topology) -> Iterator[Finding | Unjudged]:
        """Every case in which an endpoint model breaks the rule."""
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
    """The enforcement of a rule by one operation."""
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
    """Declare a rule over the function that judges it."""

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
