"""`replicas benchmark` on the embedded AWS: what it measures, keeps, shows and survives."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import boto3
import psutil
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from tests.commands import TGI, VLLM, Run
from tests.conftest import ROOT
from tests.embedded import Deploy, environment

Outputs = dict[str, dict[str, str]]
SMALL = ("--duration", "1", "--input-tokens", "100", "--output-tokens", "10", "--warmup", "1")


def test_a_sweep_is_measured_kept_and_shown(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    outcome = run("benchmark", TGI, "--users", "2,6", *SMALL, "--out", str(tmp_path))
    assert outcome.code == 0, outcome.said
    document = json.loads((tmp_path / "result.json").read_text())
    assert [point["users"] for point in document["points"]] == [2, 6]
    for point in document["points"]:
        lines = (tmp_path / f"requests-{point['users']:05d}.jsonl").read_text().splitlines()
        assert point["requests"] == len(lines) > point["users"]
        assert point["output_tokens_mean"] == 10
        assert point["success_percent"] == 100
        assert point["ttft_seconds"]["p50"] <= point["latency_seconds"]["p50"]
        assert point["elapsed_seconds"] >= 1.0
    subject = document["subject"]
    assert (subject["copies"], subject["instance_type"]) == (8, "ml.p4d.24xlarge")
    assert subject["template_sha256"] is not None
    assert document["plan"]["components"][0]["kv_cache_tokens"] == 18_736
    assert set(document["versions"]) == {"replicas", "boto3", "locust"}
    page = (tmp_path / "index.html").read_text()
    assert page.count("data-chart ") == 3
    assert {path.name for path in tmp_path.glob("*.png")} == {"throughput.png", "latency.png", "ttft.png"}
    assert "article req/s" in outcome.out
    assert f"page with plots: {tmp_path / 'index.html'}" in outcome.said


def test_vllm_is_measured_too_and_counts_its_own_tokens(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    document = run("benchmark", VLLM, "--users", "2", *SMALL, "--out", str(tmp_path), "--json").json
    (point,) = document["points"]
    assert point["output_tokens_mean"] == 10
    assert point["input_tokens_mean"] == pytest.approx(100, abs=2)
    assert "article req/s" not in (tmp_path / "index.html").read_text(), "the article measured another model"


def test_answers_in_one_piece_have_no_time_to_the_first_token(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    (point,) = run("benchmark", TGI, "--users", "2", *SMALL, "--no-stream", "--out", str(tmp_path), "--json").json[
        "points"
    ]
    assert point["ttft_seconds"] is None
    assert point["output_tokens_mean"] == 10


FAILURES = {
    "throttled": Fault(FaultKind.THROTTLING, "sagemaker:InvokeEndpointWithResponseStream", times=2),
    "container answered 500 (424)": Fault(FaultKind.MODEL_ERROR, times=2),
    "model not ready (429)": Fault(FaultKind.NOT_READY, times=2),
    "dependency failed (530)": Fault(FaultKind.DEPENDENCY_ERROR, times=2),
    "stream was cut off (StreamBroken)": Fault(FaultKind.BROKEN_STREAM, times=2),
}


def test_failures_are_counted_by_kind_and_end_nothing(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, tmp_path: Path
) -> None:
    for fault in FAILURES.values():
        embedded.faults.add(replace(fault))
    # 11 users: ten first requests meet one fault each, and one is answered.
    document = run("benchmark", TGI, "--users", "11", *SMALL, "--warmup", "0", "--out", str(tmp_path), "--json").json
    (point,) = document["points"]
    assert point["errors"] == dict.fromkeys(FAILURES, 2)
    assert 0 < point["success_percent"] < 100
    assert "Errors" in (tmp_path / "index.html").read_text()


def test_an_endpoint_that_answers_nothing_is_not_benchmarked(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, tmp_path: Path
) -> None:
    embedded.faults.add(Fault(FaultKind.MODEL_ERROR))
    outcome = run("benchmark", TGI, "--users", "2", *SMALL, "--out", str(tmp_path / "none"))
    assert outcome.code == 1
    assert (
        "no request of the warm-up was answered: the model's container refused the request (HTTP 500)" in outcome.said
    )
    assert not (tmp_path / "none").exists()


def test_an_endpoint_without_copies_is_not_benchmarked(run: Run, deploy: Deploy) -> None:
    name = deploy("starcoder2-15b")["InferenceComponentName"]
    sagemaker = boto3.client("sagemaker")
    sagemaker.update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 0}
    )
    while sagemaker.describe_inference_component(InferenceComponentName=name)["RuntimeConfig"]["CurrentCopyCount"]:
        time.sleep(0.02)
    outcome = run("benchmark", "starcoder2-15b", *SMALL)
    assert outcome.code == 1
    assert "runs 0 copies: it cannot be measured yet" in outcome.said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody"], 1, "no stack 'nobody'"),
        (
            [TGI, "--users", "ten"],
            2,
            "--users 'ten': give whole numbers from 1, separated by commas (100,200), or ",
        ),
        ([TGI, "--users", "0"], 2, "--users '0'"),
        ([TGI, "--bind", "here"], 2, "--bind 'here': write HOST:PORT"),
        ([TGI, "--workers", "1", "--expect-workers", "1"], 2, "one of the two"),
        ([TGI, "--resume", "/none"], 1, "--resume requires the folder of an earlier run"),
        ([TGI, "--resume", "/none", "--out", "x"], 2, "remove --out"),
        ([TGI, "--input-tokens", "5000", "--warmup", "1"], 1, "`inputs` must have less than 2048 tokens"),
    ],
)
def test_wrong_input_is_one_message(run: Run, endpoints: Outputs, arguments: list[str], code: int, words: str) -> None:
    outcome = run("benchmark", *arguments)
    assert outcome.code == code
    assert words in outcome.said


def test_results_go_where_they_can_be_written_and_over_no_others(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    embedded.faults.add(Fault(FaultKind.MODEL_ERROR))  # a request would tell
    outcome = run("benchmark", TGI, *SMALL, "--out", str(tmp_path / "file" / "results"))
    assert (outcome.code, outcome.said.strip()) == (1, f"{tmp_path}/file/results: Not a directory")

    (tmp_path / "result.json").write_text("{}")
    outcome = run("benchmark", TGI, *SMALL, "--out", str(tmp_path))
    assert outcome.code == 1
    assert f"{tmp_path} has an earlier result: continue it with --resume {tmp_path}" in outcome.said
    outcome = run("benchmark", TGI, "--resume", str(tmp_path))
    assert outcome.code == 1
    assert "is not a result of this version" in outcome.said
    assert (tmp_path / "result.json").read_text() == "{}"


# ---- interruption, resumption, distribution


def started(aws: EmbeddedAws, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from replicas.cli import main; main()", "benchmark", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(aws), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_ctrl_c_keeps_what_was_measured_and_resume_goes_on(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, tmp_path: Path
) -> None:
    process = started(embedded, TGI, "--users", "2,4", *SMALL, "--duration", "3", "--out", str(tmp_path))
    second = tmp_path / "requests-00004.jsonl"
    deadline = time.monotonic() + 180
    while not (second.exists() and second.read_text()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 130, err
    assert f"continue with --resume {tmp_path}" in " ".join(err.split())
    before = json.loads((tmp_path / "result.json").read_text())["points"]
    assert [(point["users"], point["interrupted"]) for point in before] == [(2, False), (4, True)]
    assert before[1]["requests"] > 0
    assert "interrupted" in out
    assert re.search(r"^2 users, \d+ s: \d+ requests$", err, re.MULTILINE), "progress, where no terminal is"
    _nothing_runs_with(str(tmp_path))

    document = run("benchmark", TGI, "--resume", str(tmp_path), "--json").json
    assert document["settings"]["duration_seconds"] == 3, "the settings are those of the earlier run"
    resumed = document["points"]
    assert [(point["users"], point["interrupted"]) for point in resumed] == [(2, False), (4, False)]
    assert resumed[0] == before[0], "what was whole is not measured again"

    again = run("benchmark", TGI, "--resume", str(tmp_path))
    assert (again.code, json.loads((tmp_path / "result.json").read_text())["points"]) == (0, resumed)
    assert "every load is already measured: give other loads with --users, --rate, --burst or --trace" in again.said

    other = run("benchmark", TGI, "--fixed-prompt", "--resume", str(tmp_path))
    assert other.code == 1
    assert "this is not the same benchmark: - fixed_prompt was False, is True" in other.said


def test_two_workers_share_the_users(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    bind = f"127.0.0.1:{_free_port()}"
    document = run(
        *("benchmark", TGI, "--users", "6", *SMALL, "--workers", "2", "--bind", bind, "--out", str(tmp_path), "--json")
    ).json
    (point,) = document["points"]
    assert point["requests"] == len((tmp_path / "requests-00006.jsonl").read_text().splitlines()) > 6
    assert point["success_percent"] == 100
    began = sorted(json.loads(line)[0] for line in (tmp_path / "requests-00006.jsonl").read_text().splitlines())
    assert began[0] >= 0
    _nothing_runs_with(bind)


def test_workers_from_elsewhere_serve_a_whole_sweep_and_end_with_it(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, tmp_path: Path
) -> None:
    bind = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "replicas.benchmark.load", "--worker", bind]
    workers = [subprocess.Popen(command, env=environment(embedded)) for _ in range(2)]
    try:
        outcome = run(
            *("benchmark", TGI, "--users", "2,4", *SMALL, "--duration", "3", "--expect-workers", "2"),
            *("--bind", bind, "--out", str(tmp_path), "--json"),
        )
        assert [worker.wait(timeout=180) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert f"waiting for 2 workers: python -m replicas.benchmark.load --worker {bind}" in outcome.err
    for point in outcome.json["points"]:
        lines = (tmp_path / f"requests-{point['users']:05d}.jsonl").read_text().splitlines()
        assert point["requests"] == len(lines) > point["users"]
        assert point["success_percent"] == 100


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _nothing_runs_with(words: str) -> None:
    """No process of this computer was started with these words."""
    deadline = time.monotonic() + 180
    while alive := [process.info for process in psutil.process_iter(["cmdline"]) if words in _line(process)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def _line(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or ())


def test_requests_that_do_not_wait_for_answers_are_sent_when_they_are_due(
    run: Run, endpoints: Outputs, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(
        "".join(f'{{"timestamp": {200 * number}, "input_length": 90, "output_length": 5}}\n' for number in range(5))
    )
    lengths = ("--input-tokens", "80", "--output-tokens", "8", "--output-stddev", "4", "--warmup", "1")
    folder = ("--out", str(tmp_path / "run"), "--json")
    rates = run("benchmark", VLLM, "--rate", "5,20", "--duration", "2", *lengths, *folder).json
    assert [point["requests_per_second_offered"] for point in rates["points"]] == [5, 20]
    assert [point["users"] for point in rates["points"]] == [None, None]
    assert rates["points"][1]["requests"] == pytest.approx(40, abs=25)
    assert all(point["success_percent"] == 100 for point in rates["points"])
    assert [point["requests_per_second_offered"] for point in rates["forecast"]["points"]] == [5, 20]
    assert (tmp_path / "run" / "requests-rate-20.jsonl").exists()

    again = ("benchmark", VLLM, "--resume", str(tmp_path / "run"), "--json")
    burst = run(*again, "--burst", "12").json["points"][0]
    assert (burst["burst"], burst["requests"]) == (12, 12)

    replay = run("benchmark", VLLM, "--trace", str(trace), "--out", str(tmp_path / "replay"), "--json").json
    (point,) = replay["points"]
    assert (point["trace_requests"], point["requests"], point["output_tokens_mean"]) == (5, 5, 5)
    began = [json.loads(line)[0] for line in (tmp_path / "replay" / "requests-trace-5.jsonl").read_text().splitlines()]
    assert sorted(began) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8], abs=0.05)


def test_an_objective_is_judged_with_its_goodput(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    asked = ("benchmark", VLLM, "--rate", "4", *SMALL, "--out")
    kept = run(*asked, str(tmp_path / "kept"), "--objective", "latency_p90=30")
    assert kept.code == 0, kept.said
    assert "the objective is met; goodput" in kept.said
    missed = run(*asked, str(tmp_path / "missed"), "--objective", "latency_p90=0.000001")
    assert missed.code == 1
    assert "the objective latency_p90=1e-06 is missed by 4 requests a second" in missed.said
    assert "goodput 0.00 requests a second" in missed.said


def test_the_highest_load_that_holds_is_searched_in_few_steps_and_resumed(
    run: Run, endpoints: Outputs, tmp_path: Path
) -> None:
    asked = ("--hold", "latency_p90=0.000001", "--users", "4", *SMALL)
    nothing = run("benchmark", VLLM, *asked, "--out", str(tmp_path / "run"))
    assert nothing.code == 1
    assert "no measured load meets latency_p90=1e-06; the lowest measured load was users 1" in nothing.said
    measured = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [point["users"] for point in measured["points"]] == [1, 2, 4]
    again = run("benchmark", VLLM, "--hold", "latency_p90=0.000001", "--users", "4", "--resume", str(tmp_path / "run"))
    assert "2 users: latency p90" in again.said
    assert json.loads((tmp_path / "run" / "result.json").read_text())["points"] == measured["points"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--hold", "latency_p90=1", "--users", "1,2"], "--hold begins at one load, but 2 are given"),
        (["--hold", "latency_p90=1", "--objective", "ttft_p90=1"], "one of the two"),
        (["--rate", "3", "--workers", "2"], "--workers and --expect-workers need --users"),
        (["--rate", "0"], "requests_per_second=0.0: more than 0"),
        (["--hold", "fast"], "--hold 'fast': 'fast' is not one of latency, ttft, tpot"),
    ],
)
def test_loads_that_contradict_each_other_are_refused_before_anything_is_asked(
    run: Run, options: list[str], words: str
) -> None:
    refused = run("benchmark", VLLM, *options)
    assert refused.code == 2
    assert words in refused.said
