"""Templates of others whose containers cannot start with their model: each was once called fine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.rules import check, check_file
from tests.commands import Run

TEMPLATES = Path(__file__).parent / "templates"
SNAPSHOTS = Path(__file__).parent.parent / "stacks/__snapshots__/test_snapshots"
MEMORY = {"copy-without-memory", "lengths-of-requests", "engine-without-model", "gated-without-token"}


@pytest.mark.parametrize(
    ("name", "rule", "words", "fix"),
    [
        ("w70b", "copy-without-memory", "131.4 of weights", "InstanceType="),
        ("vllm_heads", "copy-without-memory", "28 attention heads", "SM_VLLM_TENSOR_PARALLEL_SIZE=1 or 2 or 4"),
        ("vllm_len", "lengths-of-requests", "has a context of 40960 tokens", "SM_VLLM_MAX_MODEL_LEN=40960"),
        ("vllm_fp8block", "copy-without-memory", "feed-forward width 768", "SM_VLLM_TENSOR_PARALLEL_SIZE=1 or 2"),
        ("tgi_lengths", "lengths-of-requests", "leaves no room for an answer", "set MAX_INPUT_LENGTH=4095"),
        ("tgi_prefill", "copy-without-memory", "cannot split a prompt", "set MAX_BATCH_PREFILL_TOKENS=8000"),
    ],
)
def test_a_container_that_cannot_start_is_a_problem(name: str, rule: str, words: str, fix: str) -> None:
    report = check_file(TEMPLATES / f"{name}.json")
    (problem,) = [problem for problem in report.problems if problem.rule in MEMORY]
    assert (problem.rule, problem.logical_id) == (rule, "Component")
    assert words in problem.what
    assert fix in problem.fix


def test_a_gated_repository_without_a_token_is_a_warning_alone() -> None:
    report = check_file(TEMPLATES / "gated_no_token.json")
    assert [found.rule for found in report.problems if found.rule in MEMORY] == []
    assert [found.rule for found in report.warnings if found.rule in MEMORY] == ["gated-without-token"]


@pytest.mark.parametrize("name", ["t1", "t3", "max_lt_min_memory", "volume_on_nvme"])
def test_weights_and_engines_that_are_not_known_are_not_judged(name: str) -> None:
    report = check_file(TEMPLATES / f"{name}.json")
    assert "memory" in [question.question for question in report.unjudged]


@pytest.mark.parametrize("path", sorted(SNAPSHOTS.glob("*.json")), ids=lambda path: path.stem)
def test_what_this_project_deploys_is_judged_and_fits(path: Path) -> None:
    report = check(json.loads(path.read_text()), region="us-west-2")
    assert [found for found in (*report.problems, *report.warnings) if found.rule in MEMORY] == []
    assert [question for question in report.unjudged if question.question == "memory"] == []


def test_the_command_takes_the_model_of_a_container(run: Run, tmp_path: Path) -> None:
    template = json.loads((TEMPLATES / "w70b.json").read_text())
    template["Resources"]["Model"]["Properties"]["PrimaryContainer"]["Environment"]["SM_VLLM_MODEL"] = "org/private"
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))

    unnamed = run("check", str(path), "--json").json
    named = run("check", str(path), "--model", "Model=NousResearch/Meta-Llama-3.1-70B-Instruct", "--json")

    (question,) = [entry for entry in unnamed["unjudged"] if entry["question"] == "memory"]
    assert question["options"] == ["--model Component=MODEL"]
    assert named.code == 1
    assert "copy-without-memory" in [problem["rule"] for problem in named.json["problems"]]
    assert [entry for entry in named.json["unjudged"] if entry["question"] == "memory"] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Nobody=NousResearch/Llama-2-7b-chat-hf", "hosting component Nobody: use one of Model, Component"),
        ("Model=org/unknown", "Model=org/unknown: no file has this name"),
    ],
)
def test_a_wrong_model_option_is_one_line(run: Run, given: str, words: str) -> None:
    outcome = run("check", str(TEMPLATES / "w70b.json"), "--model", given)
    assert outcome.code == 1
    assert words in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
