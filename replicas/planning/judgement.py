"""A plan judged by the rules: what it is refused for, and what it warns of, in the words of a deployment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from replicas.planning.plans import EndpointPlan
from replicas.planning.topology import topology_of
from replicas.rules.declaration import Rule
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.judgement import judge
from replicas.rules.registry import PRACTICE_RULES, RULES, rule_named
from replicas.rules.wording import deployment as words

PLAN_RULES = (*RULES.values(), *(rule for rule in PRACTICE_RULES.values() if rule.needs_proof))
"""Rules that a plan is judged by: all of the proof, and those of practice that refuse one."""

OPTION_RULES = tuple(
    rule_named(rule_id) for rule_id in ("capacity-range", "scaling-range", "zero-without-wake", "key-without-effect")
)
"""Rules about options alone: they are judged also where other options are faulty."""

_BEFORE_DEPLOYMENT = ("isolated-from-weights",)
"""Rules whose findings keep an endpoint from starting and not from being sized."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the rules say of a plan."""

    refusals: tuple[Finding, ...]
    """Problems, and doubts where a rule needs a proof."""
    doubts: tuple[Finding, ...]
    """What a plan warns of."""
    unjudged: tuple[Unjudged, ...]
    """Questions without an answer: a plan is refused for them, for it proves its numbers."""


def judged(plan: EndpointPlan, rules: Iterable[Rule] = PLAN_RULES, *, to_deploy: bool = True) -> Judgement:
    """Judge a plan. Where it is only sized, what would keep it from starting is a doubt."""
    findings, unjudged = [], []
    for outcome in judge(topology_of(plan), rules):
        if isinstance(outcome, Finding):
            findings.append(outcome)
        else:
            unjudged.append(outcome)
    refusals = [finding for finding in findings if _refuses(finding, to_deploy=to_deploy)]
    return Judgement(
        refusals=tuple(refusals),
        doubts=tuple(finding for finding in findings if finding not in refusals),
        unjudged=tuple(unjudged),
    )


def problems_of(plan: EndpointPlan, judgement: Judgement) -> list[str]:
    """The sentences that a plan is refused with, each once.

    Whether copies fit is left out where their numbers contradict each other.
    """
    contradictions = [finding for finding in judgement.refusals if not _is_about_capacity(finding)]
    sentences = _sentences(plan, contradictions or judgement.refusals)
    if not contradictions:
        (variant,) = topology_of(plan).variants
        sentences += [words.open_problem(unjudged, variant) for unjudged in judgement.unjudged]
    return list(dict.fromkeys(sentences))


def warnings_of(plan: EndpointPlan, judgement: Judgement) -> list[str]:
    """The sentences of what a plan warns of, each once."""
    return list(dict.fromkeys(_sentences(plan, judgement.doubts)))


def _sentences(plan: EndpointPlan, findings: Iterable[Finding]) -> list[str]:
    several = len(plan.components) > 1
    return [sentence for finding in findings for sentence in words.problems_of(finding, several=several)]


def _refuses(finding: Finding, *, to_deploy: bool) -> bool:
    return rule_named(finding.rule).refuses_plan(finding) and (to_deploy or finding.rule not in _BEFORE_DEPLOYMENT)


def _is_about_capacity(finding: Finding) -> bool:
    return finding.shortage is not None or finding.rule == "batch-size"
