"""The one list of rules, and what is derived from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replicas.rules import PRACTICE_RULES, RULES, Rule, alarms, enforced_by, policies, queries
from replicas.rules.refusals import Quote
from replicas.rules.wording import cloudformation, deployment
from replicas.rules.wording.properties import SENTENCES
from replicas_cdk import SageMakerChecks, TemplateProof

ALL = {**RULES, **PRACTICE_RULES}
_VERBS = (
    "add allow correct create give keep leave move name put raise remove replace revoke set shorten start use write"
)
PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_a_rule_belongs_to_one_pack() -> None:
    assert not RULES.keys() & PRACTICE_RULES.keys()
    assert {rule.pack for rule in RULES.values()} == {"proof"}
    assert {rule.pack for rule in PRACTICE_RULES.values()} == {"practice"}


@pytest.mark.parametrize("rule", ALL.values(), ids=ALL)
def test_a_rule_says_what_it_checks_in_a_sentence(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", rule.checks)
    assert rule.why
    assert not rule.why.endswith(".")


def test_every_rule_has_a_sentence_and_every_sentence_a_rule() -> None:
    worded = {key.partition("/")[0] for key in SENTENCES} | cloudformation.COMPOSED.keys()

    assert worded == ALL.keys()
    assert deployment.COMPOSED.keys() <= ALL.keys()


def test_every_fix_starts_with_a_verb() -> None:
    verbs = set(_VERBS.split())
    values = [value for module in (alarms, policies, queries) for value in vars(module).values()]
    quotes = [value.fix for value in values if isinstance(value, Quote)]
    fixes = [*quotes, *(fix for _, fix in SENTENCES.values() if fix != "{fix}")]

    assert len(fixes) > 150
    assert [fix for fix in fixes if fix.partition(" ")[0] not in verbs] == []


def test_plugins_and_documents_list_the_rules_of_the_registry() -> None:
    documented = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE)

    assert TemplateProof().rule_ids == [*RULES, "not-judged"]
    assert SageMakerChecks().rule_ids == [*PRACTICE_RULES, "not-judged"]
    assert documented == [*RULES, *PRACTICE_RULES]


def test_an_operation_of_aws_names_the_rules_that_it_enforces() -> None:
    assert [rule.id for rule in enforced_by("UpdateInferenceComponent")] == [
        "adapter-artifact",
        "adapter-prefix",
        "batch-size",
        "container-missing",
        "specification-forms",
        "specification-types",
    ]
    assert enforced_by("DeleteEndpoint") == []
