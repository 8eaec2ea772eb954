"""Results of other load generators: their keys, what of them can be used, and for which model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas.benchmark.foreign import read_foreign
from replicas.errors import OperationError
from replicas.load import Load
from tests.commands import Run

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
BENCH_SERVE = {
    "model_id": MODEL,
    "num_prompts": 100,
    "completed": 100,
    "request_rate": "inf",
    "max_concurrency": 16,
    "duration": 50.0,
    "total_input_tokens": 60_000,
    "total_output_tokens": 8_000,
    "request_throughput": 2.0,
    "median_ttft_ms": 80.0,
    "median_tpot_ms": 20.0,
    "median_e2el_ms": 1700.0,
}
"""Keys of the file that `bench serve --save-result` writes."""
AIPERF = {
    "input_config": {"endpoint": {"model_names": [MODEL]}, "loadgen": {"request_rate": 3.0}},
    "request_throughput": {"unit": "requests/sec", "avg": 2.9},
    "request_latency": {"unit": "ms", "avg": 2100.0, "p50": 2000.0},
    "time_to_first_token": {"unit": "ms", "p50": 90.0},
    "inter_token_latency": {"unit": "ms", "p50": 25.0},
    "input_sequence_length": {"avg": 550.0, "std": 120.0},
    "output_sequence_length": {"avg": 80.0, "std": 0.0},
    "benchmark_duration": {"unit": "sec", "avg": 60.0},
}
"""Keys of AIPerf's profile_export_aiperf.json."""


def guidellm(strategy: dict[str, Any], errored: int = 0) -> dict[str, Any]:
    """One benchmark of guidellm's benchmarks.json."""

    def spread(mean: float, median: float) -> dict[str, Any]:
        return {"successful": {"mean": mean, "median": median, "std_dev": 0.0}}

    return {
        "config": {"strategy": strategy},
        "duration": 30.0,
        "metrics": {
            "request_totals": {"successful": 90, "errored": errored},
            "requests_per_second": spread(3.0, 3.0),
            "request_latency": spread(1.6, 1.5),
            "time_to_first_token_ms": spread(75.0, 70.0),
            "inter_token_latency_ms": spread(19.0, 18.0),
            "prompt_token_count": spread(512.0, 512.0),
            "output_token_count": spread(80.0, 80.0),
        },
    }


def written(folder: Path, document: object) -> Path:
    path = folder / "run.json"
    path.write_text(json.dumps(document))
    return path


def test_bench_serve_is_read(tmp_path: Path) -> None:
    run = read_foreign(written(tmp_path, BENCH_SERVE))
    (point,) = run.points
    assert (run.model, run.duration_seconds) == (MODEL, 50.0)
    assert point.load == Load(users=16, input_tokens=600, output_tokens=80)
    assert (point.requests_per_second, point.latency_p50_seconds) == (2.0, 1.7)
    assert (point.ttft_p50_seconds, point.tpot_p50_seconds) == (0.08, 0.02)


def test_bench_serve_at_a_rate_and_all_at_once(tmp_path: Path) -> None:
    rate = {**BENCH_SERVE, "request_rate": 4.0, "max_concurrency": None, "input_lens": [500, 700] * 50}
    (point,) = read_foreign(written(tmp_path, rate)).points
    assert point.load == Load(requests_per_second=4.0, input_tokens=600, input_stddev=100, output_tokens=80)
    (burst,) = read_foreign(written(tmp_path, {**BENCH_SERVE, "max_concurrency": None})).points
    assert burst.load.burst == 100


def test_appended_results_are_points_of_one_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps({**BENCH_SERVE, "max_concurrency": users}) + "\n" for users in (1, 8)))
    assert [point.load.users for point in read_foreign(path).points] == [1, 8]


@pytest.mark.parametrize("is_older", [False, True])
def test_aiperf_is_read(tmp_path: Path, is_older: bool) -> None:
    records = {key: value for key, value in AIPERF.items() if key != "input_config"}
    document = {"input_config": AIPERF["input_config"], "records": records} if is_older else AIPERF
    run = read_foreign(written(tmp_path, document))
    (point,) = run.points
    assert (run.tool, run.model) == ("AIPerf", MODEL)
    assert point.load == Load(requests_per_second=3.0, input_tokens=550, input_stddev=120.0, output_tokens=80)
    assert (point.requests_per_second, point.latency_p50_seconds, point.tpot_p50_seconds) == (2.9, 2.0, 0.025)


def test_guidellm_is_read_and_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    strategies = [
        {"type_": "synchronous"},
        {"type_": "concurrent", "streams": 8},
        {"type_": "poisson", "rate": 2.5},
        {"type_": "throughput"},
    ]
    document = {"benchmarks": [*map(guidellm, strategies), guidellm({"type_": "synchronous"}, errored=3)]}
    run = read_foreign(written(tmp_path, document))
    assert [point.load.description for point in run.points] == ["1 users", "8 users", "2.5 requests a second"]
    assert run.points[0].latency_p50_seconds == 1.5
    assert "benchmark 4: strategy 'throughput' is neither users nor Poisson arrivals" in run.left_out
    assert "benchmark 5: 3 requests failed" in run.left_out


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"answer": 42}, "has no known format"),
        ([1], "has no known format"),
        ({**BENCH_SERVE, "completed": 90}, "10 requests failed"),
        ({**BENCH_SERVE, "request_rate": 3.0}, "the run has both a rate and a limit of concurrency"),
        ({**BENCH_SERVE, "total_input_tokens": -5}, "input_tokens=0: at least 1"),
        ({**AIPERF, "input_config": {}}, "input_config has neither concurrency nor request_rate"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, document: object, words: str) -> None:
    with pytest.raises(OperationError) as caught:
        read_foreign(written(tmp_path, document))
    assert words in str(caught.value)


WHERE = ("--instance", "ml.g6e.xlarge", "--copies", "1")


def test_a_run_of_another_tool_calibrates_and_says_what_it_improves(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    slow = [{"type_": "concurrent", "streams": users} for users in (1, 4, 16)]
    path = written(tmp_path, {"benchmarks": [guidellm(strategy) for strategy in slow]})
    told = run("calibrate", str(path), "--model", "llama-3.1-8b", *WHERE, "--json")
    document = told.json
    assert {each["load"] for each in document["held_back"]} == {"4 users"}
    assert (document["profile"] is not None) == document["improves"] == (told.code == 0)
    assert "names no model: " in told.err


def test_a_run_of_another_model_is_refused(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, BENCH_SERVE)
    refused = run("calibrate", str(path), "--model", "qwen3-8b", *WHERE)
    assert refused.code == 1
    assert f"was measured with {MODEL}, but plan serves Qwen/Qwen3-8B" in refused.said
    unnamed = run("calibrate", str(path))
    assert unnamed.code == 2
    assert "name the deployment with --deployment NAME, or with --model and --instance" in unnamed.said
