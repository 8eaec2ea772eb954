"""`replicas status --probe` measures starts, `calibrate` keeps them, `forecast --cold-start` names what it used."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from replicas.start.records import read_records, write_records
from tests.commands import TGI, VLLM, Run
from tests.documents import validated
from tests.start.test_records import RECORD

Outputs = dict[str, dict[str, str]]
OFFLINE = ("forecast", VLLM, "--cold-start")


def test_a_start_on_the_embedded_aws_is_measured_and_marked(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    """Its seconds are those of a simulation, here 3,000 times as fast as AWS (docs/embedded-aws.md)."""
    path = tmp_path / "starts.json"
    document = run("status", VLLM, "--probe", "--json", "--record", str(path)).json
    (start,) = document["starts"]
    assert (start["model"], start["engine"], start["instance_type"]) == (
        "Qwen/Qwen3-8B",
        "vllm-0.29.0",
        "ml.g6e.xlarge",
    )
    assert (start["origin"], start["copies"], start["accelerators"]) == ("embedded-aws", 1, 1)
    assert 0 < start["endpoint_seconds"] < 60
    assert 0 < start["component_seconds"] < 60
    assert start["measured"] <= datetime.now(UTC).date().isoformat()
    validated(json.loads(path.read_text()))
    assert [record.to_document() for record in read_records(path)] == [start]


def test_the_page_names_the_start(run: Run, endpoints: Outputs) -> None:
    outcome = run("status", TGI, "--probe")
    assert "start of llama-2-13b on " in outcome.said
    assert "8 copies served after " in outcome.said
    assert "simulated by an embedded AWS" in outcome.said


def test_phases_are_read_from_the_logs_of_the_containers(run: Run, endpoints: Outputs) -> None:
    logs = boto3.client("logs")
    group = f"/aws/sagemaker/InferenceComponents/{endpoints[VLLM]['InferenceComponentName']}"
    logs.create_log_stream(logGroupName=group, logStreamName="AllTraffic/i-1")
    now = int(datetime.now(UTC).timestamp() * 1000)
    lines = [
        "INFO 11-28 15:13:02 [default_loader.py:384] Loading weights took 11.11 seconds",
        "INFO 11-28 15:13:24 [gpu_model_runner.py:6046] Graph capturing finished in 4 secs, took 0.89 GiB",
        "INFO 11-28 15:13:24 [core.py:283] init engine (profile, create kv cache, warmup model) took 21.5 seconds",
    ]
    logs.put_log_events(
        logGroupName=group,
        logStreamName="AllTraffic/i-1",
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )
    (start,) = run("status", VLLM, "--probe", "--json").json["starts"]
    assert start["phase_seconds"] == {"load": 11.11, "capture": 4.0, "compile": 17.5}


def test_without_a_stack_the_descriptions_tell_the_start(run: Run, endpoints: Outputs) -> None:
    name = endpoints[VLLM]["EndpointName"]
    (start,) = run("status", "--endpoint", name, "--probe", "--json").json["starts"]
    assert start["endpoint_seconds"] is None
    assert 0 < start["component_seconds"] < 60


def test_without_a_probe_nothing_is_measured(run: Run, endpoints: Outputs) -> None:
    assert run("status", VLLM, "--json").json["starts"] == []
    outcome = run("status", VLLM, "--record", "starts.json")
    assert outcome.code == 2
    assert "--record writes what --probe measures: add --probe" in outcome.said


def test_a_simulated_start_is_kept_and_not_used(run: Run, endpoints: Outputs, tmp_path: Path) -> None:
    path, kept = tmp_path / "starts.json", tmp_path / "kept.json"
    assert run("status", VLLM, "--probe", "--record", str(path)).code == 0
    outcome = run("calibrate", str(path), "--out", str(kept))
    assert outcome.code == 0, outcome.err
    assert "on a simulated AWS, so no forecast uses it" in outcome.said
    before = run(*OFFLINE, "--json").json
    after = run(*OFFLINE, "--profile", str(kept), "--json").json
    assert after["measured"] is None
    assert after["phases"] == before["phases"]
    assert "whose times are simulated" in after["notes"][0]


def test_a_start_on_aws_is_kept_and_used_with_its_date(run: Run, tmp_path: Path) -> None:
    path, kept = tmp_path / "starts.json", tmp_path / "kept.json"
    write_records([RECORD], path)
    document = run("calibrate", str(path), "--out", str(kept), "--json").json
    assert (document["path"], document["simulated"]) == (str(kept), 0)
    outcome = run(*OFFLINE, "--profile", str(kept))
    assert "measured on AWS on 2026-11-20" in outcome.said
    assert "1 copy served 310 s after the request to create the component" in outcome.said


def test_kept_starts_are_found_beside_deployments(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "deployments.py").write_text(Path("deployments.py").read_text())
    monkeypatch.chdir(folder)
    write_records([RECORD], Path("measured.json"))
    assert run("calibrate", "measured.json").code == 0
    assert run(*OFFLINE, "--json").json["measured"]["measured"] == "2026-11-20"


BAD: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({"model": "Qwen/Qwen3-4B"}, (), "was measured with Qwen/Qwen3-4B, but qwen3-8b serves Qwen/Qwen3-8B"),
    ({"deployment": "no-such"}, (), "no-such"),
    ({}, ("--deployment", "llama-2-13b"), "but llama-2-13b serves NousResearch/Llama-2-13b-chat-hf"),
    ({"deployment": "search"}, (), "qwen3-8b"),
]


@pytest.mark.parametrize(("changes", "flags", "sentence"), BAD)
def test_a_record_that_is_of_something_else_is_refused_in_one_sentence(
    run: Run, tmp_path: Path, changes: dict[str, Any], flags: tuple[str, ...], sentence: str
) -> None:
    path = tmp_path / "starts.json"
    write_records([replace(RECORD, **changes)], path)
    outcome = run("calibrate", str(path), "--out", str(tmp_path / "kept.json"), *flags)
    assert outcome.code in (1, 2), outcome.out
    assert sentence in outcome.said
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "kept.json").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--users", "10"), "--cold-start does not forecast a load: remove the options of the load"),
        (("--profile", "none.json"), "none.json cannot be read"),
        (("--component", "no-such"), "no-such"),
    ],
)
def test_a_cold_start_with_wrong_options_is_refused(run: Run, flags: tuple[str, ...], sentence: str) -> None:
    outcome = run(*OFFLINE, *flags)
    assert outcome.code in (1, 2)
    assert sentence in outcome.said


def test_a_cold_start_of_several_components_asks_for_one(run: Run) -> None:
    outcome = run("forecast", "search", "--cold-start")
    assert outcome.code == 2
    assert (
        run("forecast", "search", "--cold-start", "--component", "reranker", "--json").json["component"] == "reranker"
    )
