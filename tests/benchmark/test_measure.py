"""The statistics against numpy and against counting by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.benchmark import records
from replicas.benchmark.measure import measure, spread
from replicas.benchmark.prompts import PromptTexts
from replicas.benchmark.records import Record
from replicas.load import DrawnRequest, Load
from replicas.load.objectives import Bounds
from tests.conftest import ROOT

LOAD = Load(users=5, input_tokens=100, output_tokens=50)
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
    point = measure(LOAD, entries, duration_seconds=duration, usd_per_hour=36.0)
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
    point = measure(replace(LOAD, users=users), entries, duration_seconds=90, usd_per_hour=None)
    assert point.requests_per_second_elapsed == pytest.approx(entry["requests_per_second"], rel=1e-3)
    assert point.requests_per_second_window == pytest.approx(inside / 90)


def test_records_survive_their_file_and_a_cut_off_last_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    kept = [Record(0.0, 1.5, 0.2, 50, 1000, None), Record(1.0, 0.1, None, 0, None, "throttled")]
    records.write(path, kept)
    with path.open("a") as file:
        file.write("[3.0, 1.")
    assert records.read(path) == kept


def tokens_of(prompt: str) -> int:
    return len(prompt.replace(".", " .").split()) + 1  # with the start of the sequence


def test_prompts_are_of_the_asked_length_and_differ_from_their_first_words_on() -> None:
    texts = PromptTexts(seed=1, own=1)
    some = [texts.text(DrawnRequest(1000, 50)) for _ in range(50)]
    assert {tokens_of(prompt) for prompt in some} == {1000}
    assert len({prompt[:40] for prompt in some}) == 50
    again = PromptTexts(seed=1, own=1)
    assert again.text(DrawnRequest(1000, 50)) == some[0], "the same seed gives the same prompts"


@pytest.mark.parametrize("tokens", [9, 40, 700, 50_000])
def test_a_prompt_of_any_length_has_it(tokens: int) -> None:
    texts = PromptTexts(seed=1, own=1)
    assert tokens_of(texts.text(DrawnRequest(tokens, 5))) == pytest.approx(tokens, abs=1)
    assert tokens_of(texts.text(DrawnRequest(tokens, 5, (("shared", tokens),)))) == pytest.approx(tokens, abs=1)


def test_prompts_have_in_common_what_their_requests_say() -> None:
    here, elsewhere = PromptTexts(seed=3, own=1), PromptTexts(seed=3, own=2)
    shared = ("shared", 100)
    first, second = (texts.text(DrawnRequest(300, 5, (shared, (("prompt", 7), 200)))) for texts in (here, elsewhere))
    assert first == second, "a prompt that repeats is the same in every process"
    other = here.text(DrawnRequest(300, 5, (shared, (("prompt", 8), 200))))
    assert other.split()[:100] == first.split()[:100]
    assert other.split()[100:130] != first.split()[100:130]
    own = [texts.text(DrawnRequest(300, 5, (shared,))).split() for texts in (here, elsewhere)]
    assert own[0][:100] == own[1][:100] == first.split()[:100]
    assert own[0][100:110] != own[1][100:110]


def test_goodput_counts_the_answers_that_keep_every_bound() -> None:
    entries = [Record(float(second), 2.0 if second % 4 else 6.0, 0.5, 11, None, None) for second in range(80)]
    load = Load(requests_per_second=1, input_tokens=9, output_tokens=11)
    bounds = Bounds.parse("latency_p90=3,ttft_p99=1,tpot_p50=0.2", option="--objective")
    point = measure(load, entries, duration_seconds=80, usd_per_hour=None, objective=bounds)
    assert point.requests_per_second == pytest.approx(1, rel=0.02)
    assert point.goodput_requests_per_second == pytest.approx(0.75, rel=0.02)
    assert point.misses == ("latency p90 6 s, wanted 3 s",)
    loose = Bounds.parse("latency_p50=3", option="--objective")
    assert measure(load, entries, duration_seconds=80, usd_per_hour=None, objective=loose).misses == ()
    failed = [*entries, Record(3.0, 1.0, None, 0, None, "throttled")]
    refused = measure(load, failed, duration_seconds=80, usd_per_hour=None, objective=loose)
    assert refused.misses == ("1 request was not answered",)


def test_a_burst_and_a_trace_are_measured_until_their_last_answer() -> None:
    entries = [Record(0.0, float(second), 0.5, 11, None, None) for second in range(1, 11)]
    point = measure(Load(burst=10, input_tokens=9, output_tokens=11), entries, duration_seconds=90, usd_per_hour=None)
    assert (point.duration_seconds, point.requests_per_second, point.burst) == (10.0, 1.0, 10)


def test_the_articles_table_is_complete() -> None:
    from replicas.load.options import ARTICLE_USERS

    article = json.loads((ROOT / "replicas/benchmark/data/article.json").read_text())
    assert tuple(point["users"] for point in article["points"]) == ARTICLE_USERS
    assert sum(point["requests"] for point in article["points"]) == 24_675
