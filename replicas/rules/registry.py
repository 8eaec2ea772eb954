"""All rules by id. Checks, plugins and documents are generated from this list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from replicas.rules import (
    access,
    adapter_engines,
    adapters,
    alarms,
    capacity,
    ceilings,
    components,
    configurations,
    containers,
    environments,
    images,
    memory,
    numbers,
    policies,
    pools,
    regions,
    rolls,
    scaling,
    specifications,
    templates,
    variables,
    variants,
    weights,
    wiring,
)
from replicas.rules.declaration import Pack, Rule
from replicas.rules.practice import encryption, isolation, operations, provenance, rights, secrets, service, waste
from replicas.rules.roles import rights as sufficient_rights

_MODULES = (
    access,
    adapter_engines,
    adapters,
    alarms,
    capacity,
    ceilings,
    components,
    configurations,
    containers,
    encryption,
    environments,
    images,
    isolation,
    memory,
    numbers,
    operations,
    policies,
    pools,
    provenance,
    regions,
    rights,
    rolls,
    scaling,
    secrets,
    service,
    specifications,
    templates,
    sufficient_rights,
    variables,
    variants,
    waste,
    weights,
    wiring,
)


def _by_id(rules: Iterable[Rule], pack: Pack) -> Mapping[str, Rule]:
    return MappingProxyType({rule.id: rule for rule in sorted(rules, key=lambda rule: rule.id) if rule.pack == pack})


_RULES = [declared for module in _MODULES for declared in vars(module).values() if isinstance(declared, Rule)]

RULES = _by_id(_RULES, "proof")
"""Rules that prove whether a template deploys and whether its copies fit the instances."""

PRACTICE_RULES = _by_id(_RULES, "practice")
"""Rules about whether an endpoint is ready for production traffic and does not waste money."""


def rule_named(rule_id: str) -> Rule:
    """Return the rule with this id, from either pack."""
    return RULES.get(rule_id) or PRACTICE_RULES[rule_id]


def enforced_by(operation: str) -> list[Rule]:
    """Return the rules that AWS itself enforces in an operation of its API."""
    return [
        rule
        for rule in (*RULES.values(), *PRACTICE_RULES.values())
        if any(enforcement.operation == operation for enforcement in rule.enforced)
    ]
