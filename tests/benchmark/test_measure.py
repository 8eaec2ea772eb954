"""The statistics against numpy and against counting by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.benchmark import records
from replicas.benchmark.measure import measure, spread
from replicas.benchmark.prompts import prompts
from replicas.benchmark.records import Record
from tests.conftest import ROOT

times = st.floats(0.001, 100)
measured = st.builds(
    Record,
    began=times,
    seconds=times,
    ttft_seconds=st.none() | st.floats(0.0001, 0.001),
    output_tokens=st.integers(0, 50),
    input_tokens=st.none() | st.integers(1, 1000),
    error=st.sampled_from([None, None, "throttled", "no answer within 70 s"]),
)


@given(st.lists(times, min_size=1, max_size=60))
def test_percentiles_are_those_of_numpy(values: list[float]) -> None:
    found = spread(values)
    assert found
    wanted = np.percentile(values, [50, 90, 99])
    assert [found.p50, found.p90, found.p99] == pytest.approx(list(wanted))
    assert (found.mean, found.longest) == (pytest.approx(np.mean(values)), max(values))


@given(st.lists(measured, max_size=40), st.integers(1, 90))
def test_every_request_is_counted_once(entries: list[Record], duration: int) -> None:
    point = measure(5, entries, duration_seconds=duration, usd_per_hour=36.0)
    assert point.requests == len(entries) == sum(point.errors.values()) + sum(each.error is None for each in entries)
    window = [each for each in entries if each.error is None and each.began + each.seconds <= duration]
    assert point.requests_in_window == len(window)
    tokens = sum(each.output_tokens for each in window)
    assert point.output_tokens_per_second == pytest.approx(tokens / duration)
    if tokens:  # 36 USD an hour are a cent a second
        assert point.usd_per_million_output_tokens == pytest.approx(0.01 * duration / tokens * 1e6)
    else:
        assert point.usd_per_million_output_tokens is None


@pytest.mark.parametrize("users", [100, 200, 500])
def test_the_two_rates_are_the_articles(users: int) -> None:
    """Its req/s is requests over 90 s and the drain; what was answered in the window is (requests - users) / 90."""
    article = json.loads((ROOT / "replicas/benchmark/data/article.json").read_text())
    entry = next(point for point in article["points"] if point["users"] == users)
    elapsed = entry["requests"] / entry["requests_per_second"]
    inside = entry["requests"] - users
    step = 90 / inside
    entries = [Record(index * step * 0.99, 0.001, None, 50, None, None) for index in range(inside)]
    entries += [Record(89.0, elapsed - 89.0, None, 50, None, None)] * users
    point = measure(users, entries, duration_seconds=90, usd_per_hour=None)
    assert point.requests_per_second_elapsed == pytest.approx(entry["requests_per_second"], rel=1e-3)
    assert point.requests_per_second_window == pytest.approx(inside / 90)


def test_records_survive_their_file_and_a_cut_off_last_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    kept = [Record(0.0, 1.5, 0.2, 50, 1000, None), Record(1.0, 0.1, None, 0, None, "throttled")]
    records.write(path, kept)
    with path.open("a") as file:
        file.write("[3.0, 1.")
    assert records.read(path) == kept


def test_prompts_are_of_the_asked_length_and_differ_from_their_first_words_on() -> None:
    varied = prompts(1000, fixed=False, seed=1)
    some = [next(varied) for _ in range(50)]
    assert {len(prompt.replace(".", " .").split()) + 1 for prompt in some} == {1000}
    assert len({prompt[:40] for prompt in some}) == 50
    assert [next(prompts(1000, fixed=False, seed=1))] == some[:1], "the same seed gives the same prompts"
    fixed = prompts(20, fixed=True, seed=1)
    assert next(fixed) == next(fixed)


def test_the_articles_table_is_complete() -> None:
    from replicas.load.options import ARTICLE_USERS

    article = json.loads((ROOT / "replicas/benchmark/data/article.json").read_text())
    assert tuple(point["users"] for point in article["points"]) == ARTICLE_USERS
    assert sum(point["requests"] for point in article["points"]) == 24_675
