"""The exam: how its runs are split and judged, and what its last results say."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from statistics import median
from typing import Any

import pytest

from scripts.exam import report, results
from scripts.exam.predictions import forecast_run
from scripts.exam.rows import FITTED_SOURCES, Row, load_of, planned, rows


@cache
def exam() -> list[Row]:
    return rows()


@cache
def runs() -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = results.stored()["runs"]
    return stored


def unfitted() -> list[dict[str, Any]]:
    return [run for run in runs() if run["engine"].startswith("vllm") and not run["fitted"]]


def test_rows_are_split_by_source() -> None:
    """No source has rows in both parts, and each part has several."""
    fitted = {row.origin for row in exam() if row.is_fitted}
    judged_only = {row.origin for row in exam() if not row.is_fitted}
    assert fitted == set(FITTED_SOURCES)
    assert not fitted & judged_only
    assert len(judged_only) >= 3
    assert sum(not row.is_fitted for row in exam()) > 40


def test_the_results_are_of_these_rows() -> None:
    ours = [run for run in runs() if run["engine"].startswith("vllm")]
    assert [(run["origin"], run["load"], run["fitted"]) for run in ours] == [
        (row.origin, row.load, row.is_fitted) for row in exam()
    ]


@pytest.mark.parametrize("number", [53, 68, 79, 86])
def test_the_results_are_those_of_the_forecast_as_it_is(number: int) -> None:
    """Rows that take little time; `make exam` computes all of them anew."""
    place, row = next((place, row) for place, row in enumerate(exam()) if row.number == number)
    stored = runs()[place]["errors"]
    found = results._errors(forecast_run(row))
    assert found == pytest.approx(stored, abs=0.002)


def test_goals_on_runs_that_nothing_was_fitted_to() -> None:
    """End-to-end latency within 10 %, first tokens within 25 % and saturated throughput within 15 %, half of the time.

    The bias is within 10 %, and nothing is beyond a factor of two.
    """
    for figure, goal in (("latency", 0.10), ("ttft", 0.25), ("requests_per_second", 0.15)):
        errors = report.errors_of(unfitted(), figure)
        assert len(errors) >= report.FEWEST_RUNS
        assert median(map(abs, errors)) <= goal
        assert abs(median(errors)) <= 0.10
        assert all(0.5 <= 1 + error <= 2 for error in errors)
        measured = [run for run in unfitted() if run["errors"][figure] is not None]
        assert len({run["origin"] for run in measured}) >= report.FEWEST_SOURCES
    goals = {row[0]: row[-2] for row in report.goal_rows(runs()) if row[1] == "unfitted"}
    assert all(goal.endswith("reached") for goal in goals.values())


def test_runs_with_failed_requests_are_judged_as_overloaded_alone() -> None:
    overloaded = [run for run in runs() if run["overload_found"] is not None]
    assert len(overloaded) == 4
    assert all(run["overload_found"] for run in overloaded)
    assert all(error is None for run in overloaded for error in run["errors"].values())


def test_a_goal_without_enough_runs_grants_nothing() -> None:
    few = [{**run, "fitted": False} for run in unfitted()[:5]]
    assert all("too few runs to count" in row[-2] for row in report.goal_rows(few))


def test_rows_come_worst_first() -> None:
    shown = report.run_rows(runs(), 10)
    factors = [max(report._worst([run]) for run in runs() if not run["fitted"])]
    assert len(shown) == 10
    assert report._worst([_run_of(shown[0])]) == pytest.approx(factors[0])


def _run_of(shown: tuple[str, ...]) -> dict[str, Any]:
    def signed(cell: str) -> float | None:
        return (
            None
            if cell == "-"
            else next(
                error
                for run in runs()
                for error in run["errors"].values()
                if error is not None and f"{error:+.0%}" == cell
            )
        )

    rate, latency, ttft = shown[6:9]
    return {"errors": {"requests_per_second": signed(rate), "latency": signed(latency), "ttft": signed(ttft)}}


def test_a_run_is_planned_as_its_engine_was_started() -> None:
    """vLLM takes 1,024 requests on cards of 70 GiB and more, A100 apart (0.11.0, vllm/engine/arg_utils.py)."""
    row = next(row for row in exam() if row.number == 39)
    _, component = planned(row)
    assert component.environment["SM_VLLM_MAX_NUM_SEQS"] == "1024"
    _, stated = planned(replace(row, max_sequences=64, prefill_tokens=4096))
    assert stated.environment["SM_VLLM_MAX_NUM_SEQS"] == "64"
    assert stated.prefill_tokens == 4096


def test_lengths_vary_where_the_source_says_so_and_prompts_repeat() -> None:
    sharegpt = load_of(next(row for row in exam() if row.number == 14))
    assert (sharegpt.burst, sharegpt.input_stddev, sharegpt.output_stddev) == (1000, 258, 194)
    repeated = load_of(next(row for row in exam() if row.number == 2))
    assert (repeated.requests_per_second, repeated.distinct_prompts, repeated.shared_tokens) == (5, 70, 100)


def test_a_source_that_lists_its_requests_gives_the_spread_of_their_lengths() -> None:
    """LLMServingSim's answers have 519 to 784 tokens (requests.jsonl): not the spread of ShareGPT's answers."""
    listed = next(row for row in exam() if row.origin == "casys-kaist/LLMServingSim")
    load = load_of(listed)
    assert (load.input_stddev, load.output_stddev) == (637, 94)
    assert listed.varies
    found = results._errors(forecast_run(listed))
    assert found["ttft"] == pytest.approx(0, abs=0.3)
    assert found["latency"] == pytest.approx(0, abs=0.1)


def test_the_file_has_one_run_a_line() -> None:
    text = results.written(results.stored())
    assert text == results.PATH.read_text()
    assert json.loads(text) == results.stored()
