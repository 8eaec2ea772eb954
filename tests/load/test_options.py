"""Options of a command line become loads; what contradicts itself is refused, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replicas.errors import UsageError
from replicas.load import Load
from replicas.load.options import LoadOptions

BASE = Load(users=7, input_tokens=100, output_tokens=10)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.jsonl"
    path.write_text(
        "".join(f'{{"timestamp": {1000 * second}, "input_length": 9, "output_length": 2}}\n' for second in range(60))
    )
    return path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["7 users"]),
        ({"users": "9,3,9"}, ["3 users", "9 users"]),
        ({"users": "article"}, [f"{users} users" for users in range(100, 501, 50)]),
        ({"rate": "5,0.5"}, ["0.5 requests a second", "5 requests a second"]),
        ({"burst": "200"}, ["a burst of 200 requests"]),
    ],
)
def test_each_number_is_a_load_in_rising_order(options: dict[str, Any], expected: list[str]) -> None:
    loads = LoadOptions(**options).loads(BASE)
    assert [load.description for load in loads] == expected
    assert {(load.input_tokens, load.output_tokens) for load in loads} == {(100, 10)}
    assert all(not load.problems() for load in loads)


def test_lengths_replace_those_of_the_base() -> None:
    options = LoadOptions(rate="2", input_tokens=50, input_stddev=20, shared_tokens=8, distinct_prompts=4)
    assert options.load(BASE) == Load(
        requests_per_second=2,
        input_tokens=50,
        output_tokens=10,
        input_stddev=20,
        shared_tokens=8,
        distinct_prompts=4,
    )


def test_a_duration_takes_the_first_part_of_a_trace(trace: Path) -> None:
    assert LoadOptions(trace=trace).load(BASE).description == "the trace of 60 requests"
    assert LoadOptions(trace=trace, duration=9.5).load(BASE).description == "the trace of 10 requests"


def test_a_burst_says_that_it_has_no_duration() -> None:
    told: list[str] = []
    LoadOptions(burst="5", duration=30).load(BASE, told.append)
    assert told == ["--duration has no effect on a burst, which ends with its last answer"]


def test_what_contradicts_itself_is_refused_at_once(trace: Path) -> None:
    options = LoadOptions(users="x", rate="a,b", burst="1.5", trace=trace, input_tokens=-3)
    with pytest.raises(UsageError) as caught:
        options.loads(BASE)
    message = str(caught.value)
    assert "--users and --rate and --burst and --trace: give only one of" in message
    assert "--users 'x': give whole numbers" in message
    assert "--rate 'a,b': give numbers" in message
    assert "--burst '1.5': give whole numbers" in message
    assert "--input-tokens and --trace: a trace states lengths" in message
    assert "input_tokens=-3: at least 1" in message


def test_a_command_for_one_load_refuses_several() -> None:
    with pytest.raises(UsageError, match=r"2 loads are given \(3 users, 9 users\): give one"):
        LoadOptions(users="3,9").load(BASE)


@pytest.mark.parametrize("duration", [-5.0, 0.0, float("nan"), float("inf")])
def test_the_part_of_a_trace_lasts_some_time(duration: float, trace: Path) -> None:
    with pytest.raises(UsageError, match=r"--duration .*: must be more than 0 seconds"):
        LoadOptions(trace=trace, duration=duration).loads(BASE)
