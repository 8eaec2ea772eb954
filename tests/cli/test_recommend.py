"""The commands `replicas recommend` and `replicas fleet`: what they print, their JSON, their exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from replicas import cli
from tests.commands import Run

ASKED = ["recommend", "llama-2-13b", "--input-tokens", "1000", "--output-tokens", "50"]
EQUAL = ["--input-stddev", "0", "--output-stddev", "0"]
"""The article's requests are all alike."""
ON_P4D = [*ASKED, *EQUAL, "--users", "300", "--engine", "tgi-1.1.0", "--instance", "ml.p4d.24xlarge"]


@pytest.mark.slow
def test_it_shows_the_ranking_the_reason_and_the_lines_and_draws_the_frontier(run: Run, tmp_path: Path) -> None:
    finished = run(*ON_P4D, "--plot", str(tmp_path / "frontier.png"))

    assert finished.code == 0, finished.err
    assert "quick forecasts" in finished.err
    assert "1 x ml.p4d.24xlarge" in finished.out
    assert "Cheapest of the" in finished.out
    assert "traffic=Traffic(users=300, input_tokens=1000, output_tokens=50)" in finished.out
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")


def test_json_holds_everything_and_nothing_else_is_on_stdout(run: Run) -> None:
    document = run(*ON_P4D, "--json").json

    best = document["ranked"][0]
    assert (best["instance_type"], best["copies"], best["tensor_parallel"]) == ("ml.p4d.24xlarge", 8, 1)
    assert best["full_forecast"] is True
    assert best["forecast"]["confidence"] == "calibrated"
    assert best["usd_per_million_output_tokens"] == best["forecast"]["points"][0]["usd_per_million_output_tokens"]
    assert {"load", "objective", "missed", "unfit", "frontier", "why", "lines"} <= document.keys()
    assert document["frontier"][0]["usd_per_hour"] <= document["frontier"][-1]["usd_per_hour"]


def test_an_objective_that_nothing_holds_shows_the_nearest_and_fails(run: Run) -> None:
    finished = run(*ON_P4D, "--latency-p90", "0.5")

    assert finished.code == 1
    assert "No layout meets the objective." in finished.said
    assert "wanted 0.5 s" in finished.said
    assert "Deployment(" not in finished.said


@pytest.mark.parametrize("load", [[], ["--users", "3", "--rate", "2"]], ids=["no load", "both"])
def test_the_load_is_users_or_a_rate(run: Run, load: list[str]) -> None:
    finished = run(*ASKED, *load)

    assert finished.code == 2
    assert "--users" in finished.said
    assert "one of" in finished.said


def test_faults_are_told_together_without_a_traceback(run: Run) -> None:
    finished = run("recommend", "lama-2-13b", "--input-tokens", "0", "--output-tokens", "9", "--rate", "-2")

    assert finished.code == 1
    assert finished.out == ""
    for fault in ("model 'lama-2-13b' is not in the table; near:", "input_tokens=0", "requests_per_second=-2"):
        assert fault in finished.said
    assert "Traceback" not in finished.said


def test_a_plot_without_matplotlib_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    monkeypatch.setattr(sys, "argv", ["replicas", *ON_P4D, "--plot", str(tmp_path / "frontier.png")])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert "matplotlib is not installed. The extra `benchmark`" in capsys.readouterr().err


# ---- replicas fleet


@pytest.mark.slow
def test_a_fleet_is_shown_with_its_price_the_saving_and_the_lines(run: Run) -> None:
    finished = run("fleet", "docs/examples/fleet.yaml")

    assert finished.code == 0, finished.err
    assert "proven cheapest" in finished.said
    assert "Each model on a separate endpoint" in finished.said
    assert 'name="assistant"' in finished.said


@pytest.mark.slow
def test_a_fleet_as_json(run: Run) -> None:
    document = run("fleet", "docs/examples/fleet.yaml", "--json").json

    assert document["proven_cheapest"] is True
    assert document["usd_per_hour"] < document["usd_per_hour_alone"]
    assert sum(len(endpoint["models"]) for endpoint in document["endpoints"]) == 4


def test_a_file_that_describes_no_fleet_is_one_message(run: Run, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("models: 3\n")

    finished = run("fleet", str(tmp_path / "fleet.yaml"))

    assert finished.code == 1
    assert "does not describe a fleet" in finished.said
    assert "Traceback" not in finished.said


def test_a_trace_and_several_objectives_are_taken(run: Run, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(
        "".join(
            f'{{"timestamp": {500 * number}, "input_length": {300 + number}, "output_length": 30}}\n'
            for number in range(40)
        )
    )
    objective = "ttft_p90=2,tpot_p50=0.1,latency_p99=20"

    document = run(
        "recommend", "llama-2-13b", "--trace", str(trace), "--instance", "ml.g6e.xlarge", "--objective", objective,
        "--quantization", "none", "--json",
    ).json  # fmt: skip

    assert document["load"]["trace"] == {"requests": 40, "seconds": 19.5}
    assert document["objective"]["bounds"] == {
        "latency_p90": 60.0,
        "ttft_p90": 2.0,
        "tpot_p50": 0.1,
        "latency_p99": 20.0,
    }
    (point,) = document["ranked"][0]["forecast"]["points"]
    assert point["requests"] == 40
    assert point["ttft_p90_seconds"] <= 2
    assert point["tpot_p50_seconds"] <= 0.1


def test_assumed_lengths_are_said(run: Run) -> None:
    finished = run(*ASKED, "--rate", "1", "--instance", "ml.g6e.xlarge", "--quantization", "none", "--top", "1")
    assert "1,000 +- 500 tokens in, 50 +- 25 out" in finished.out
    assert "assumed to be 50% of their mean" in finished.err
