"""Every operator breaks every valid template that it applies to, and `check` gives the outcome that AWS gives."""

from __future__ import annotations

import random

import pytest

from replicas.rules import check
from tests.cases.mutations.operators import OPERATORS, Operator
from tests.cases.mutations.outcomes import mutant_of, mutants_of, outcome_of_check
from tests.cases.mutations.templates import VALID, valid_template


@pytest.mark.parametrize("name", VALID)
def test_a_valid_template_has_no_problem(name: str) -> None:
    assert check(valid_template(name), region="us-west-2").problems == ()


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_a_mutant_has_the_outcome_that_aws_gives(operator: Operator) -> None:
    assert operator.source
    assert mutants_of(operator)
    for mutant in mutants_of(operator):
        assert outcome_of_check(mutant, operator) == operator.outcome, mutant.name


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30))
def test_two_mutations_at_once_are_never_called_fine(seed: int) -> None:
    """100 pairs each: the second may hide the first, but one of the two is reported."""
    chosen = random.Random(seed)  # noqa: S311 (the same pairs every time)
    refused = [operator for operator in OPERATORS if operator.outcome == "refused"]
    tried = 0
    while tried < 100:
        pair = chosen.sample(refused, 2)
        mutant = mutant_of(pair, chosen.choice(VALID))
        if mutant is None:
            continue
        tried += 1
        found = {problem.rule for problem in check(mutant.template, region="us-west-2").problems}
        assert found & {operator.rule for operator in pair}, [operator.name for operator in pair]


def test_there_are_enough_mutants_and_operators() -> None:
    assert len(OPERATORS) >= 50
    assert sum(len(mutants_of(operator)) for operator in OPERATORS) >= 300
