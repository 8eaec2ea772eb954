"""Checks a plan against the rules, and writes problems and warnings in the terms of a `Deployment`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from replicas.planning.plans import EndpointPlan
from replicas.planning.topology import topology_of
from replicas.rules.declaration import Rule
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.judgement import judge
from replicas.rules.memory import MEMORY_RULES
from replicas.rules.registry import PRACTICE_RULES, RULES, rule_named
from replicas.rules.wording import deployment as words

_EFFECT_RULES = ("accelerators-idle", "alarm-without-action", "scaling-saves-nothing")

PLAN_RULES = (
    *(rule for rule in RULES.values() if rule not in MEMORY_RULES and rule.id != "weights-missing"),
    *(rule for rule in PRACTICE_RULES.values() if rule.needs_proof or rule.id in _EFFECT_RULES),
)
"""Rules for a plan: all proof rules, the practice rules that need a proof, and the rules about options without effect.

Memory rules are left out, because the planner already called the functions that they call. The rule about missing
weights is left out, because a plan itself sets the variable that names the weights.
"""

OPTION_RULES = tuple(
    rule_named(rule_id) for rule_id in ("capacity-range", "scaling-range", "zero-without-wake", "key-without-effect")
)
"""Rules that need only the options. They are checked even if other options are faulty."""

_BEFORE_DEPLOYMENT = ("isolated-from-weights",)
"""Rules about faults that prevent the start of an endpoint, but not its sizing."""


@dataclass(frozen=True, kw_only=True)
class RuleResults:
    """Result of checking a plan against the rules."""

    refusals: tuple[Finding, ...]
    """Findings that refuse the plan: problems, and uncertain findings of rules that need a proof."""
    doubts: tuple[Finding, ...]
    """Findings that become warnings of the plan."""
    unjudged: tuple[Unjudged, ...]
    """Questions that the rules could not decide. They refuse the plan too, because a plan must be proven."""


def rule_results(plan: EndpointPlan, rules: Iterable[Rule] = PLAN_RULES, *, to_deploy: bool = True) -> RuleResults:
    """Check a plan against rules. Without `to_deploy`, findings that only prevent a start become warnings."""
    findings, unjudged = [], []
    for outcome in judge(topology_of(plan), rules):
        if isinstance(outcome, Finding):
            findings.append(outcome)
        else:
            unjudged.append(outcome)
    refusals = [finding for finding in findings if _refuses(finding, to_deploy=to_deploy)]
    return RuleResults(
        refusals=tuple(refusals),
        doubts=tuple(finding for finding in findings if finding not in refusals),
        unjudged=tuple(unjudged),
    )


def problems_of(plan: EndpointPlan, results: RuleResults) -> list[str]:
    """Return the messages of the problems that refuse a plan, without duplicates.

    Problems of capacity are left out if other problems exist, because the numbers of copies are then contradictory.
    """
    contradictions = [finding for finding in results.refusals if not _is_about_capacity(finding)]
    sentences = _sentences(plan, contradictions or results.refusals)
    if not contradictions:
        (variant,) = topology_of(plan).variants
        sentences += [words.open_problem(unjudged, variant) for unjudged in results.unjudged]
    return list(dict.fromkeys(sentences))


def warnings_of(plan: EndpointPlan, results: RuleResults) -> list[str]:
    """Return the messages of the warnings of a plan, without duplicates."""
    return list(dict.fromkeys(_sentences(plan, results.doubts)))


def _sentences(plan: EndpointPlan, findings: Iterable[Finding]) -> list[str]:
    several = len(plan.components) > 1
    return [sentence for finding in findings for sentence in words.problems_of(finding, several=several)]


def _refuses(finding: Finding, *, to_deploy: bool) -> bool:
    return rule_named(finding.rule).refuses_plan(finding) and (to_deploy or finding.rule not in _BEFORE_DEPLOYMENT)


def _is_about_capacity(finding: Finding) -> bool:
    return finding.shortage is not None or finding.rule == "batch-size"
