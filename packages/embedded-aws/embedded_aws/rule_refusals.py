"""Refusals made by the rules: one for every rule that AWS enforces in an operation of the embedded AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import NamedTuple

from embedded_aws.enforcement import OPERATIONS, evidence_of, evidence_of_enforcement
from embedded_aws.evidence import Evidence
from replicas.rules import Enforcement, Rule, enforced_by
from replicas.rules.refusals import Quote


class RuleRefusal(NamedTuple):
    """A refusal of requests to one operation because they break one rule."""

    area: str
    message: str
    """AWS's words if the rule quotes them; otherwise the rule's `checks`."""
    evidence: Evidence
    rule: Rule


def rule_refusals() -> Iterator[RuleRefusal]:
    """Yield the refusals of all rules. A refusal by several operations of one AWS service is yielded only once."""
    yielded = set[tuple[str, str, str]]()
    for operation, area in OPERATIONS.items():
        for rule in enforced_by(operation):
            (enforcement,) = [entry for entry in rule.enforced if entry.operation == operation]
            for message, evidence in _cases(rule, enforcement):
                if (area, rule.id, message) not in yielded:
                    yielded.add((area, rule.id, message))
                    yield RuleRefusal(area, message, evidence, rule)


def _cases(rule: Rule, enforcement: Enforcement) -> Iterator[tuple[str, Evidence]]:
    quotes = list(_quotes_of(rule.judge, set()))
    for quote in quotes:
        yield quote.words, evidence_of(quote.source)
    if not quotes:
        yield rule.checks.removesuffix("."), evidence_of_enforcement(enforcement)


def _quotes_of(judge: Callable[..., object], visited: set[CodeType]) -> Iterator[Quote]:
    """Yield the quotes that a function uses, directly or in a function that it calls."""
    if not isinstance(judge, FunctionType) or judge.__code__ in visited:
        return
    visited.add(judge.__code__)
    for name in judge.__code__.co_names:
        value = judge.__globals__.get(name)
        if isinstance(value, Quote):
            yield value
        elif isinstance(value, FunctionType) and value.__module__.startswith("replicas.rules."):
            yield from _quotes_of(value, visited)
