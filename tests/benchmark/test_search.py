"""The search for the highest load that holds: few measurements, and what it found is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.benchmark.search import MOST_STEPS, NEAR, highest


@given(st.floats(1, 20_000), st.floats(1, 20_000), st.booleans())
def test_the_two_sides_of_the_limit_are_found_in_few_steps(limit: float, start: float, is_whole: bool) -> None:
    tried: list[float] = []

    def holds(size: float) -> bool:
        tried.append(size)
        return size <= limit

    found = highest(holds, start, is_whole=is_whole, least=1, most=20_000)
    assert len(tried) == len(set(tried)) <= MOST_STEPS, "nothing is measured twice"
    assert found.highest is None or found.highest <= limit
    assert found.lowest_missing is None or found.lowest_missing > limit
    if found.is_complete and found.highest and found.lowest_missing:
        assert found.lowest_missing <= NEAR * found.highest or (is_whole and found.lowest_missing <= found.highest + 1)


@pytest.mark.parametrize("error", [0.7, 0.9, 1.0, 1.1, 1.5])
def test_from_a_good_forecast_on_five_measurements_are_enough(error: float) -> None:
    tried: list[float] = []
    found = highest(
        lambda size: tried.append(size) or size <= 100,  # type: ignore[func-returns-value]
        100 * error,
        is_whole=False,
        is_forecast=True,
        least=0.01,
        most=10_000,
    )
    assert found.is_complete
    assert len(tried) <= 5


def test_the_ends_of_the_range_are_not_passed() -> None:
    assert highest(lambda _: True, 900, is_whole=True, least=1, most=1000).highest == 1000
    nothing = highest(lambda _: False, 4, is_whole=True, least=1, most=1000)
    assert (nothing.highest, nothing.lowest_missing, nothing.is_complete) == (None, 1, True)


def test_a_search_that_was_cut_short_says_so() -> None:
    found = highest(lambda size: size <= 5000, 1, is_whole=True, least=1, most=100_000, steps=4)
    assert (found.highest, found.lowest_missing, found.is_complete) == (8, None, False)
