"""The packing of a fleet, against trying every choice of every model."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.endpoint.packing import Resources, fewest_instances
from replicas.errors import RecommendError
from replicas.recommend.fleet.sharing import Choice, InstanceType, alone, share
from tests.examples import examples

TYPES = {
    "small": InstanceType("small", Resources(1, Fraction(3), 4096), 1.1267),
    "middle": InstanceType("middle", Resources(4, Fraction(36), 98304), 3.9),
    "large": InstanceType("large", Resources(8, Fraction(72), 400000), 7.25),
}


@st.composite
def choices(draw: st.DrawFn) -> tuple[list[Choice], int]:
    """One to four models, each with one to three ways to be served."""
    models = draw(st.integers(1, 4))
    found = []
    for model in range(models):
        for _ in range(draw(st.integers(1, 3))):
            name = draw(st.sampled_from(sorted(TYPES)))
            host = TYPES[name].host
            degree = draw(st.integers(1, host.accelerators))
            cpus = Fraction(draw(st.integers(1, int(4 * host.cpus))), 4)
            memory = draw(st.integers(128, host.memory_mib))
            claim = Resources(degree, cpus, memory)
            found.append(Choice(model, name, claim, draw(st.integers(1, 5)), len(found)))
    return found, models


@examples(60)
@given(choices())
def test_nothing_is_cheaper_than_what_the_solver_finds(given_choices: tuple[list[Choice], int]) -> None:
    """Each model's choice times each other's, the instances of each type counted by the exact search of the proof."""
    found, models = given_choices
    by_model = [[choice for choice in found if choice.model == model] for model in range(models)]
    cheapest = min(price_of(combination) for combination in product(*by_model))

    shares = share(found, TYPES, models, most_instances=100)

    assert shares.proven
    assert shares.usd_per_hour == pytest.approx(cheapest, abs=1e-6)
    assert price_of(shares.chosen) == pytest.approx(shares.usd_per_hour)
    assert shares.usd_per_hour <= alone(found, TYPES, models).usd_per_hour + 1e-9
    assert [choice.model for choice in shares.chosen] == list(range(models))


def price_of(chosen: tuple[Choice, ...]) -> float:
    total = 0.0
    for name, kind in TYPES.items():
        here = [choice for choice in chosen if choice.instance_type == name]
        if here:
            needed = fewest_instances([each.claim for each in here], tuple(each.copies for each in here), kind.host)
            assert needed is not None
            total += kind.usd_per_hour * needed
    return total


def test_two_halves_of_an_instance_share_it() -> None:
    half = Resources(4, Fraction(36), 100000)
    found = [Choice(0, "large", half, 1), Choice(1, "large", half, 1, 1)]

    shares = share(found, TYPES, 2, most_instances=10)

    assert shares.instances == {"large": 1}
    assert alone(found, TYPES, 2).instances == {"large": 2}


def test_of_answers_that_cost_the_same_the_one_with_fewer_endpoints_is_taken() -> None:
    one = Resources(1, Fraction(1), 1024)
    twin = {"a": InstanceType("a", one, 2.0), "b": InstanceType("b", one, 2.0)}
    found = [Choice(model, name, one, 1, model) for model in (0, 1) for name in ("a", "b")]

    assert len(share(found, twin, 2, most_instances=10).instances) == 1


def test_more_instances_than_allowed_are_refused() -> None:
    found = [Choice(0, "small", Resources(1, Fraction(1), 1024), 5)]

    with pytest.raises(RecommendError, match="raise max_instances"):
        share(found, TYPES, 1, most_instances=4)


def test_without_the_solver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)

    with pytest.raises(RecommendError, match=r"ortools is not installed\. The extra `fleet`"):
        share([], TYPES, 0, most_instances=1)
