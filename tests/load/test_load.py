"""Faults of a load are sentences with what was given and what is allowed, all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.load import Load, Trace, TracedRequest
from replicas.load.figures import lasting_rate

TRACE = Trace((TracedRequest(0.0, 600, 5), TracedRequest(2.0, 512, 3)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "no load: give exactly one of users, requests_per_second, burst and trace"),
        ({"users": 1, "burst": 2}, "users=1, burst=2: give exactly one of"),
        ({"users": 1, "trace": TRACE}, "users=1, trace=2: give exactly one of"),
        ({"users": 0}, "users=0: 1 to 100,000"),
        ({"requests_per_second": 0}, "requests_per_second=0: more than 0"),
        ({"requests_per_second": float("nan")}, "requests_per_second=nan: more than 0"),
        ({"burst": 0}, "burst=0: 1 to 1,000,000"),
        ({"users": 1, "input_tokens": -5}, "input_tokens=-5: at least 1"),
        ({"users": 1, "output_tokens": -1}, "output_tokens=-1: at least 0"),
        ({"users": 1, "input_tokens": 10**9}, "input_tokens=1000000000: at most 10,485,760"),
        ({"users": 1, "input_stddev": -1}, "input_stddev=-1: 0 to"),
        ({"users": 1, "output_stddev": float("inf")}, "output_stddev=inf: 0 to"),
        ({"users": 1, "output_tokens": 0, "output_stddev": 3}, "output_stddev=3: output_tokens=0 cannot vary"),
        ({"users": 1, "shared_tokens": 11}, "shared_tokens=11: 0 to input_tokens=10"),
        ({"users": 1, "shared_tokens": 10, "input_stddev": 2}, "the whole prompt is shared, so its length cannot vary"),
        ({"users": 1, "distinct_prompts": 0}, "distinct_prompts=0: 1 to 100,000"),
        ({"trace": TRACE, "output_stddev": 3}, "output_stddev=3: a trace states the length of each request"),
        ({"trace": TRACE, "distinct_prompts": 3}, "do not apply to a trace, whose hash_ids mark"),
    ],
)
def test_a_fault_of_a_load_is_one_sentence(values: dict[str, Any], expected: str) -> None:
    problems = Load(**{"input_tokens": 10, "output_tokens": 4, **values}).problems()
    assert len(problems) == 1
    assert expected in problems[0]


def test_all_faults_come_at_once() -> None:
    load = Load(requests_per_second=0, input_tokens=0, output_tokens=-2, output_stddev=-3, distinct_prompts=0)
    assert len(load.problems()) == 5


@pytest.mark.parametrize("arrivals", [{"users": 3}, {"requests_per_second": 0.5}, {"burst": 9}])
def test_a_load_without_faults_has_none(arrivals: dict[str, Any]) -> None:
    load = Load(**arrivals, input_tokens=9, output_tokens=4, input_stddev=3, output_stddev=40, shared_tokens=8)
    assert load.problems() == []
    assert Load.of_trace(TRACE).problems() == []


def test_the_lasting_rate_of_users_in_step_is_users_over_latency() -> None:
    """Little's law: 10 users with answers of 7 s are 10/7 a second, wherever the duration cuts the last answers."""
    for duration in (30, 33.5, 90):
        spans = [(7.0 * turn, 7.0 * turn, 7.0 * turn + 7) for turn in range(int(duration // 7) + 1) for _ in range(10)]
        assert lasting_rate(spans, duration) == pytest.approx(10 / 7)


def test_the_lasting_rate_of_arrivals_that_are_carried_is_theirs() -> None:
    spans = [(number / 2, number / 2 + 1, number / 2 + 12) for number in range(180)]
    assert lasting_rate(spans, 90) == pytest.approx(2, rel=0.01)


def test_the_lasting_rate_of_a_queue_that_grows_is_what_is_served() -> None:
    """Ten a second arrive, four a second are served."""
    spans = [(number / 10, number / 4, number / 4 + 0.25) for number in range(900)]
    assert lasting_rate(spans, 90) == pytest.approx(4, rel=0.01)


def test_without_an_answer_there_is_no_rate() -> None:
    assert lasting_rate([], 90) == 0
