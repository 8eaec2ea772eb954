"""The embedded AWS agrees: it refuses each mutant, or cannot delete it, where AWS does, and deploys the others."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from embedded_aws_tests.in_process import InProcessAws, in_process_aws
from replicas.rules import check
from tests.cases.mutations.operators import OPERATORS, Operator
from tests.cases.mutations.outcomes import REGION, is_taken, mutant_of, mutants_of
from tests.cases.mutations.templates import VALID, valid_template

pytestmark = pytest.mark.slow
JUDGED = [operator for operator in OPERATORS if operator.outcome == "refused" or operator.rule != "property-refused"]
"""Without values that are newer than the schemas: the embedded AWS knows those of its date alone."""


@pytest.fixture(scope="module")
def aws() -> Iterator[InProcessAws]:
    with in_process_aws() as started:
        yield started


@pytest.mark.parametrize("name", VALID)
def test_a_valid_template_is_deployed_and_deleted(aws: InProcessAws, name: str) -> None:
    assert is_taken(aws, valid_template(name))


@pytest.mark.parametrize("operator", JUDGED, ids=lambda operator: operator.name)
def test_the_embedded_aws_gives_the_outcome_that_aws_gives(aws: InProcessAws, operator: Operator) -> None:
    for mutant in mutants_of(operator):
        assert is_taken(aws, mutant.template) == (operator.outcome != "refused"), mutant.name


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30))
def test_check_and_the_embedded_aws_agree_on_two_mutations_at_once(aws: InProcessAws, seed: int) -> None:
    """100 pairs each."""
    chosen, tried = random.Random(seed), 0  # noqa: S311 (the same pairs every time)
    while tried < 100:
        pair = chosen.sample(JUDGED, 2)
        mutant = mutant_of(pair, chosen.choice(VALID))
        if mutant is None:
            continue
        tried += 1
        is_clean = not check(mutant.template, region=REGION).problems
        assert is_taken(aws, mutant.template) == is_clean, [operator.name for operator in pair]
