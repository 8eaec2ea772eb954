"""An endpoint model judged by rules: findings as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replicas.endpoint.topology import Topology
from replicas.rules.declaration import Rule
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.open_points import open_points
from replicas.rules.registry import RULES


def judge(topology: Topology, rules: Iterable[Rule] = RULES.values()) -> Iterator[Finding | Unjudged]:
    """Every case in which an endpoint model breaks one of the rules, and every question that is not judged."""
    for rule in rules:
        yield from rule.findings(topology)


def judge_all(topology: Topology, rules: Iterable[Rule] = RULES.values()) -> Iterator[Finding | Unjudged]:
    """`judge`, and what of the model is not known beyond single settings."""
    yield from open_points(topology)
    yield from judge(topology, rules)


def refusals(findings: Iterable[Finding | Unjudged], rules: Iterable[Rule]) -> list[Finding]:
    """The findings that a plan is refused for: problems, and doubts where the rule needs a proof."""
    needs_proof = {rule.id for rule in rules if rule.needs_proof}
    return [
        finding
        for finding in findings
        if isinstance(finding, Finding) and (finding.certain or finding.rule in needs_proof)
    ]
