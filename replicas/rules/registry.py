"""All rules, by their ids: the one list that checks, plugins and documents are derived from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from replicas.rules import (
    access,
    adapters,
    capacity,
    ceilings,
    components,
    configurations,
    containers,
    regions,
    rolls,
    scaling,
    weights,
)
from replicas.rules.declaration import Pack, Rule
from replicas.rules.practice import encryption, isolation, operations, provenance, rights, secrets

_MODULES = (
    access,
    adapters,
    capacity,
    ceilings,
    components,
    configurations,
    containers,
    encryption,
    isolation,
    operations,
    provenance,
    regions,
    rights,
    rolls,
    scaling,
    secrets,
    weights,
)


def _by_id(rules: Iterable[Rule], pack: Pack) -> Mapping[str, Rule]:
    return MappingProxyType({rule.id: rule for rule in sorted(rules, key=lambda rule: rule.id) if rule.pack == pack})


_RULES = [declared for module in _MODULES for declared in vars(module).values() if isinstance(declared, Rule)]

RULES = _by_id(_RULES, "proof")
"""Whether a template deploys, fits, and does not waste money."""

PRACTICE_RULES = _by_id(_RULES, "practice")
"""Whether it may carry traffic."""


def rule_named(rule_id: str) -> Rule:
    """A rule of either pack."""
    return RULES.get(rule_id) or PRACTICE_RULES[rule_id]


def enforced_by(operation: str) -> list[Rule]:
    """The rules that AWS itself enforces in an operation of its API."""
    return [
        rule
        for rule in (*RULES.values(), *PRACTICE_RULES.values())
        if any(enforcement.operation == operation for enforcement in rule.enforced)
    ]
