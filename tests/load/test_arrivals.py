"""Arrivals at a rate: as many as the rate promises, at the times of a Poisson process."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from replicas.load import Load, Trace, TracedRequest
from replicas.load.arrivals import arrivals, duration_for, duration_problems


def _at_rate(rate: float) -> Load:
    return Load(requests_per_second=rate, input_tokens=10, output_tokens=1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("rate", "seconds", "requests"), [(1, 90, 90), (2.5, 61, 153), (0.02, 50, 1), (40, 2, 80)])
def test_a_rate_sends_its_product_with_the_duration_whatever_the_seed(
    rate: float, seconds: float, requests: int, seed: int
) -> None:
    times = list(arrivals(_at_rate(rate), seconds, seed))
    assert len(times) == requests
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < seconds


def test_the_times_are_those_of_a_poisson_process_with_that_number() -> None:
    """Given their number, arrivals are uniform, and the gaps between them nearly exponential: their deviation is their
    mean. (S. M. Ross, Stochastic Processes, theorem 2.3.1.)
    """
    times = list(arrivals(_at_rate(200), 100, 0))
    assert fmean(times) == pytest.approx(50, rel=0.02)
    assert pstdev(times) == pytest.approx(100 / 12**0.5, rel=0.02)
    largest = max(abs((number + 0.5) / len(times) - time / 100) for number, time in enumerate(times))
    assert largest < 1.63 / len(times) ** 0.5, "Kolmogorov and Smirnov, at 1 %"
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert pstdev(gaps) == pytest.approx(fmean(gaps), rel=0.03)


def test_a_rate_that_sends_nothing_is_refused_with_the_duration_that_would_do() -> None:
    (fault,) = duration_problems(_at_rate(0.001), 90)
    assert fault == (
        "requests_per_second=0.001 sends less than one request in 90 s: set the duration "
        "to at least 1,000 s, or the rate to at least "
        "0.011"
    )
    assert not list(duration_problems(_at_rate(0.001), 1000))
    assert not list(duration_problems(Load(users=1, input_tokens=1), 0.1))
    assert duration_for(_at_rate(0.001), 90) == 1000
    assert duration_for(_at_rate(5), 90) == 90


def test_one_formula_says_the_rate_of_a_trace_and_of_what_it_recorded() -> None:
    """Requests each half a second are two a second, however many there are."""
    trace = Trace(tuple(TracedRequest(number / 2, 10, 1) for number in range(7)))
    assert Load.of_trace(trace).offered == _at_rate(2).offered == 2
