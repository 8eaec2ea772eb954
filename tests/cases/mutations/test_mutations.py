"""Every operator breaks every template that it applies to, and `check` gives the outcome that AWS gives."""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from pathlib import Path

import pytest

from replicas.rules import check
from tests.cases.mutations.operators import OPERATORS, Operator, Template

ROOT = Path(__file__).parents[2]
SNAPSHOTS = ROOT / "stacks" / "__snapshots__" / "test_snapshots"
OWN = ("llama-2-7b", "llama-3-1-8b-g5", "mistral-7b", "qwen3-8b")
FOREIGN = ("two_variants", "both_instance_scalings", "max_lt_min_memory", "t3")
"""Written by others by hand: each has a fault of its own, which is none of the operators' on the same resource."""


@cache
def templates() -> dict[str, Template]:
    own = {name: json.loads((SNAPSHOTS / f"test_template[{name}].json").read_text()) for name in OWN}
    foreign = {name: json.loads((ROOT / "cases" / "templates" / f"{name}.json").read_text()) for name in FOREIGN}
    return {**own, **foreign}


def mutants(operator: Operator) -> list[tuple[str, str, Template]]:
    """Template, broken resource and mutant."""
    made = []
    for name, template in templates().items():
        mutant = copy.deepcopy(template)
        broken = operator.change(mutant)
        if broken:
            made.append((name, broken, mutant))
    return made


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_a_mutant_has_the_outcome_that_aws_gives(operator: Operator) -> None:
    assert operator.source
    assert mutants(operator)
    for name, broken, mutant in mutants(operator):
        report = check(mutant, region="us-west-2")
        problems = {(problem.logical_id, problem.rule) for problem in report.problems}
        warnings = {(warning.logical_id, warning.rule) for warning in report.warnings}
        if operator.outcome == "refused":
            assert (broken, operator.rule) in problems, (name, problems)
        elif operator.outcome == "a warning":
            assert (broken, operator.rule) in warnings - problems, (name, warnings)
        else:
            before = check(templates()[name], region="us-west-2")
            assert problems <= {(problem.logical_id, problem.rule) for problem in before.problems}, name


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30))
def test_two_mutations_at_once_are_never_called_fine(seed: int) -> None:
    """100 pairs each: the second may hide the first, but one of the two is reported."""
    chosen, names = random.Random(seed), sorted(templates())  # noqa: S311 (the same pairs every time)
    refused = [operator for operator in OPERATORS if operator.outcome == "refused"]
    tried = 0
    while tried < 100:
        pair, mutant = chosen.sample(refused, 2), copy.deepcopy(templates()[chosen.choice(names)])
        try:
            applied = [operator for operator in pair if operator.change(mutant)]
        except (AttributeError, KeyError, TypeError, IndexError):
            continue  # the first took away what the second changes
        if len(applied) < 2:
            continue
        tried += 1
        found = {problem.rule for problem in check(mutant, region="us-west-2").problems}
        assert found & {operator.rule for operator in pair}, [operator.name for operator in pair]


def test_there_are_enough_mutants_and_operators() -> None:
    assert len(OPERATORS) >= 50
    assert sum(len(mutants(operator)) for operator in OPERATORS) >= 300
