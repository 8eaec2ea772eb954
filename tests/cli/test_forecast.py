"""`replicas forecast`: the contract of its JSON, its table, its defaults and its refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Run

DECLARED = """
from replicas.sizing import Component, Deployment, Traffic

DEPLOYMENTS = [
    Deployment(
        name="declared",
        instance_type="ml.g6e.12xlarge",
        components=[
            Component(model="llama-3.1-8b", traffic=Traffic(requests_per_second=3, input_tokens=700, output_tokens=90))
        ],
    )
]
"""


def test_json_holds_what_other_tools_rely_on(run: Run) -> None:
    asked = ("llama-2-13b", "--users", "200,100", "--input-tokens", "1000", "--output-tokens", "50", "--json")
    outcome = run("forecast", *asked)
    document = outcome.json
    assert outcome.code == 0
    assert (document["deployment"], document["engine"]) == ("llama-2-13b", "tgi-1.1.0")
    assert document["confidence"] == "calibrated"
    assert [point["users"] for point in document["points"]] == [100, 200]
    for point in document["points"]:
        assert {
            "users",
            "requests",
            "requests_per_second_elapsed",
            "requests_per_second_window",
            "latency_p50_seconds",
            "latency_p90_seconds",
            "latency_p99_seconds",
            "ttft_p50_seconds",
            "output_tokens_per_second",
            "usd_per_million_output_tokens",
        } <= set(point)
    assert document["limits"]["first"] == "memory bandwidth"
    assert run("forecast", *asked).out == outcome.out, "the same seed gives the same numbers"


def test_any_model_on_any_instance(run: Run) -> None:
    wanted = ("--model", "llama-2-70b", "--instance", "ml.p4de.24xlarge", "--engine", "vllm", "--tensor-parallel", "2")
    outcome = run("forecast", *wanted, "--copies", "1", "--users", "8", "--json")
    assert outcome.code == 0
    assert outcome.json["confidence"] == "order-of-magnitude"


def test_people_see_the_class_what_it_rests_on_and_what_saturates(run: Run) -> None:
    out = run("forecast", "llama-2-13b", "--rate", "10,40").out
    assert "arrivals/s" in out
    assert "confidence: unmeasured (tgi-1, fitted to the plateau" in out
    assert "saturates first: memory bandwidth: at 40 requests a second" in out


def test_the_declared_traffic_is_the_default(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "deployments.py").write_text(DECLARED)
    monkeypatch.chdir(tmp_path)
    (point,) = run("forecast", "declared", "--json").json["points"]
    assert point["requests_per_second_offered"] == 3
    assert point["output_tokens_per_second"] == pytest.approx(90 * point["requests_per_second_window"])
    (point,) = run("forecast", "declared", "--users", "4", "--json").json["points"]
    assert (point["users"], point["requests_per_second_offered"]) == (4, None)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "give NAME, --model or --config"),
        (["llama-2-13b", "--users", "1", "--rate", "1"], 2, "one of --users, --rate, --burst and --trace"),
        (["llama-2-13b", "--users", "x"], 2, "whole numbers from 1, separated by commas"),
        (["llama-2-13b", "--rate", "x"], 2, "--rate 'x'"),
        (["llama-2-13b", "--rate", "nan"], 1, "requests_per_second=nan: more than 0"),
        (["llama-2-13b", "--rate", "-1"], 1, "requests_per_second=-1.0: more than 0"),
        (["llama-2-13b", "--routing", "best"], 2, "LEAST_OUTSTANDING_REQUESTS or RANDOM"),
        (["llama-2-13b", "--input-tokens", "0"], 1, "input_tokens=0: at least 1"),
        (["llama-2-13b", "--input-tokens", "9999"], 1, "the component accepts at most 2,048"),
        (["llama-2-13b", "--shared-tokens", "5000"], 1, "shared_tokens=5000: 0 to input_tokens=1000"),
        (["llama-13b-mistral-7b", "--users", "1"], 2, "--component llama or mistral"),
        (["llama-13b-mistral-7b", "--component", "x"], 2, "no component 'x'"),
        (["nobody"], 1, "no deployment 'nobody'"),
        (["--model", "llama-2-7b"], 2, "need --instance"),
        (["llama-2-13b", "--duration", "0"], 1, "duration_seconds=0"),
    ],
)
def test_wrong_input_is_one_message(run: Run, arguments: list[str], code: int, words: str) -> None:
    outcome = run("forecast", *arguments)
    assert outcome.code == code
    assert words in outcome.said


def test_every_kind_of_load_has_the_figures_that_other_tools_rely_on(run: Run, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"timestamp": 0, "input_length": 900, "output_length": 40, "hash_ids": [1, 2]}\n' * 3)
    lengths = ("--input-tokens", "600", "--input-stddev", "300", "--output-tokens", "80", "--output-stddev", "60")
    for load in (("--users", "4", *lengths), ("--rate", "2", *lengths), ("--burst", "9", *lengths), ("--trace", trace)):
        (point,) = run("forecast", "llama-2-13b", *map(str, load), "--json").json["points"]
        for figure in ("requests_per_second", "latency_p50_seconds", "ttft_p50_seconds", "tpot_p50_seconds"):
            assert point[figure] > 0
        assert point["output_tokens_per_second"] > 0
        assert point["ttft_p50_seconds"] < point["latency_p50_seconds"]


def test_lengths_that_vary_take_users_out_of_step(run: Run) -> None:
    lengths = ("--input-tokens", "500", "--output-tokens", "200", "--output-stddev", "200")
    wanted = ("--model", "llama-3.1-8b", "--instance", "ml.g6e.xlarge", "--users", "32", *lengths)
    (point,) = run("forecast", *wanted, "--json").json["points"]
    assert point["latency_p90_seconds"] > 1.5 * point["latency_p50_seconds"]


def test_more_than_a_copy_takes_is_said_of_drawn_lengths_and_refused_of_a_trace(run: Run, tmp_path: Path) -> None:
    outcome = run("forecast", "llama-2-13b", "--users", "9", "--input-stddev", "900", "--json")
    assert any("requests were drawn longer than a copy accepts" in warning for warning in outcome.json["warnings"])
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"timestamp": 0, "input_length": 9000, "output_length": 40}\n')
    refused = run("forecast", "llama-2-13b", "--trace", str(trace))
    assert refused.code == 1
    assert "the longest is request 1 with 9,000 tokens: a prompt has at most 2,048" in refused.err


def test_the_engine_takes_the_stated_sequences_and_prefill_budget(run: Run) -> None:
    wanted = ("--model", "llama-3.1-8b", "--instance", "ml.g6e.xlarge", "--copies", "1", "--users", "32", "--json")
    (free,) = run("forecast", *wanted).json["limits"]["points"]
    bounded = run("forecast", *wanted, "--max-sequences", "4", "--max-prefill-tokens", "2048").json
    (limits,) = bounded["limits"]["points"]
    assert limits["running_mean"] <= 4 < free["running_mean"]


def test_a_rate_is_in_plain_digits_and_one_that_sends_nothing_is_refused_in_a_sentence(run: Run) -> None:
    one = ("--instance", "ml.p4de.24xlarge", "--engine", "vllm", "--copies", "1", "--output-tokens", "1")
    out = run("forecast", "--model", "llama-2-7b", *one, "--rate", "10000", "--duration", "0.1").out
    assert "10,000" in out
    assert "e+0" not in out
    refused = run("forecast", "llama-2-13b", "--rate", "0.001,5")
    assert refused.code == 1
    assert refused.err.count("\n") == 1
    assert (
        "requests_per_second=0.001 sends less than one request in 90 s: set the duration to at least 1,000 s"
        in refused.err
    )
