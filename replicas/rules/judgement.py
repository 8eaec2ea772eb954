"""Applies rules to an endpoint model and yields findings as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replicas.endpoint.topology import Topology
from replicas.rules.declaration import Rule
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.open_points import open_points
from replicas.rules.registry import RULES


def judge(topology: Topology, rules: Iterable[Rule] = RULES.values()) -> Iterator[Finding | Unjudged]:
    """Apply the rules: yield a finding for every place where a rule is broken, and every question that cannot be
    judged.
    """
    for rule in rules:
        yield from rule.findings(topology)


def judge_all(topology: Topology, rules: Iterable[Rule] = RULES.values()) -> Iterator[Finding | Unjudged]:
    """Yield the results of `judge`, then the resources that no rule can judge."""
    yield from open_points(topology)
    yield from judge(topology, rules)
