"""The workflows pass their linters, and the one with a right to write does what it should, whatever it is given."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMMENT = ROOT / ".github" / "workflows" / "diff-comment.yml"
DIFF = ROOT / ".github" / "workflows" / "diff.yml"
HEAD = "0123456789abcdef0123456789abcdef01234567"

# Answers like the GitHub CLI, from files named after the request, and writes down what it is asked to change.
GH = """#!/usr/bin/env python3
import os, pathlib, subprocess, sys
arguments, folder = sys.argv[2:], pathlib.Path(os.environ["GH_FOLDER"])
def option(name):
    return arguments[arguments.index(name) + 1] if name in arguments else None
path, _, query = next(a for a in arguments if a.startswith("repos/")).removeprefix("repos/owner/name/").partition("?")
path += query.removeprefix("name=") if query.startswith("name=") else ""
if option("--method"):
    (folder / "written").write_text(option("--method") + " " + path + "\\n" + open(option("--input")).read())
    sys.exit()
answer = (folder / path.replace("/", "_")).read_bytes()
if option("--jq"):
    answer = subprocess.run(["jq", "-r", option("--jq")], input=answer, capture_output=True, check=True).stdout
sys.stdout.buffer.write(answer)
"""


def load(workflow: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(workflow.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - its keys stay text: `on`
    return loaded


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job["steps"]]


def run(*command: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    env = environment or os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_zizmor_finds_nothing_unacknowledged() -> None:
    done = run("zizmor", "--offline", "--quiet", ".github")
    assert done.returncode == 0, done.stdout


def test_workflows_follow_their_schema() -> None:
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_holds_secrets_or_a_way_into_an_account(workflow: Path) -> None:
    assert not re.search(r"secrets|\bAWS_|aws-actions|id-token|configure-aws", workflow.read_text(), re.IGNORECASE)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_workflow_says_what_it_may_do(workflow: Path) -> None:
    expected = {} if workflow == COMMENT else {"contents": "read"}
    assert (load(workflow)["permissions"] or {}) == expected


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_command_has_an_expression_in_it(workflow: Path) -> None:
    assert not [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit(workflow: Path) -> None:
    for step in steps(workflow):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + HEAD))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_checkouts_keep_no_credentials(workflow: Path) -> None:
    for step in steps(workflow):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] == "false"


def test_the_commenting_workflow_uses_no_action_and_no_checkout() -> None:
    (step,) = steps(COMMENT)
    assert "uses" not in step
    assert not re.search(r"checkout|git (clone|fetch|pull)|gh (repo|pr) ", step["run"])


def test_the_commenting_workflow_may_write_nothing_but_comments() -> None:
    (job,) = load(COMMENT)["jobs"].values()
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert """'["success", "failure"]'""" in job["if"]
    assert "workflow_run.event == 'pull_request'" in job["if"]


class Comment:
    """Runs the step of the commenting workflow against a GitHub of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.members: dict[str, bytes] = {"number": b"7\n", "diff.md": b"No stack changes.\n"}
        self.pull: dict[str, Any] = {"state": "open", "head": {"sha": HEAD, "repo": {"full_name": "fork/name"}}}
        self.comments: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, int]] | None = None
        self.artifact_bytes = 1000
        self.page: int | str | None = 6
        """Number of the artifact that holds the page."""

    def run(self) -> subprocess.CompletedProcess[str]:
        if not all(map(shutil.which, ("bash", "jq", "unzip"))):
            pytest.skip("needs bash, jq and unzip, which GitHub's runners have")
        (self.folder / "gh").write_text(GH)
        (self.folder / "gh").chmod(0o755)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)
        (self.folder / "actions_artifacts_5_zip").write_bytes(packed.getvalue())
        artifacts = [{"id": 5, "size_in_bytes": self.artifact_bytes}] if self.artifacts is None else self.artifacts
        answers = {
            "actions_runs_42_artifactsdiff": {"artifacts": artifacts},
            "actions_runs_42_artifactspage": {"artifacts": [] if self.page is None else [{"id": self.page}]},
            "pulls_7": self.pull,
            "issues_7_comments": self.comments,
        }
        for name, answer in answers.items():
            (self.folder / name).write_text(json.dumps(answer))
        (self.folder / "temp").mkdir()
        (step,) = steps(COMMENT)
        environment = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "GH_FOLDER": str(self.folder),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "REPOSITORY": "owner/name",
            "SERVER": "https://github.com",
            "RUN": "42",
            "HEAD": f"{HEAD} fork/name",
        }
        return run("bash", "-e", "-c", step["run"], environment=environment)

    @property
    def written(self) -> tuple[str, str] | None:
        """The request that changes something, and the text in it."""
        path = self.folder / "written"
        if not path.exists():
            return None
        request, _, body = path.read_text().partition("\n")
        return request, json.loads(body)["body"]


@pytest.fixture
def comment(tmp_path: Path) -> Comment:
    return Comment(tmp_path)


def test_the_first_report_becomes_a_comment(comment: Comment) -> None:
    done = comment.run()
    assert comment.written, done.stderr
    request, body = comment.written
    assert request == "POST issues/7/comments"
    assert body.startswith(f"<!-- replicas-diff -->\n<sub>Written by the code of this pull request at {HEAD}, ")
    assert body.endswith(
        "</sub>\n\n[The page with instances, memory, cost and forecasts]"
        "(https://github.com/owner/name/actions/runs/42/artifacts/6), to download and open.\n\nNo stack changes.\n"
    )


@pytest.mark.parametrize("page", [None, "6) [elsewhere](https://example.org"])
def test_a_page_that_has_no_number_is_not_linked(comment: Comment, page: str | None) -> None:
    comment.page = page
    comment.run()
    assert comment.written
    assert "artifacts/" not in comment.written[1]
    assert comment.written[1].endswith("</sub>\n\nNo stack changes.\n")


def test_a_later_report_replaces_our_comment_and_nobody_elses(comment: Comment) -> None:
    marked = "<!-- replicas-diff -->\nold"
    comment.comments = [
        {"id": 1, "user": {"login": "someone"}, "body": marked},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "of another workflow"},
        {"id": 3, "user": {"login": "github-actions[bot]"}, "body": marked},
    ]
    comment.run()
    assert comment.written
    assert comment.written[0] == "PATCH issues/comments/3"


def test_the_text_of_the_artifact_is_never_run(comment: Comment) -> None:
    hostile = "$(touch owned) `touch owned` ${{ github.token }} \"; touch owned; '\n::set-output name=x::y\n@file\n"
    comment.members["diff.md"] = hostile.encode()
    done = comment.run()
    assert comment.written, done.stderr
    assert hostile in comment.written[1]
    assert not list(comment.folder.rglob("owned"))
    assert "::set-output" not in done.stdout


@pytest.mark.parametrize("number", ["", "7x", "7; touch owned", "$(id)", "../../7", "07", "7\n8", "-7", "9" * 30])
def test_a_number_that_is_none_is_refused(comment: Comment, number: str) -> None:
    comment.members["number"] = number.encode()
    assert comment.run().returncode == 1
    assert comment.written is None
    assert not list(comment.folder.rglob("owned"))


@pytest.mark.parametrize(
    "pull",
    [
        {"state": "open", "head": {"sha": "f" * 40, "repo": {"full_name": "fork/name"}}},
        {"state": "open", "head": {"sha": HEAD, "repo": {"full_name": "other/name"}}},
        {"state": "open", "head": {"sha": HEAD, "repo": None}},
        {"state": "closed", "head": {"sha": HEAD, "repo": {"full_name": "fork/name"}}},
    ],
    ids=["another commit", "another fork", "a deleted fork", "closed"],
)
def test_a_pull_request_that_the_run_was_not_for_gets_no_comment(comment: Comment, pull: dict[str, Any]) -> None:
    comment.pull = pull
    assert "nothing to post" in comment.run().stdout
    assert comment.written is None


@pytest.mark.parametrize("size", [70_000, 50_000_000])
def test_a_report_that_is_too_long_is_refused(comment: Comment, size: int) -> None:
    comment.members["diff.md"] = b"x" * size
    assert comment.run().returncode == 1
    assert comment.written is None
    assert sum(path.stat().st_size for path in (comment.folder / "temp").iterdir()) < 1_000_000


def test_a_run_that_left_no_report_is_no_fault(comment: Comment) -> None:
    comment.artifacts = []
    done = comment.run()
    assert (done.returncode, comment.written) == (0, None)
    assert "no report" in done.stdout


def test_the_report_of_a_run_is_that_of_the_review(tmp_path: Path) -> None:
    """The step that compares: the report is kept, and handed on, whether all deployments can be planned or not."""
    (step,) = [step for step in steps(DIFF) if step.get("id") == "review"]
    for code, fits in ((0, "yes"), (1, "no")):
        folder = tmp_path / fits
        (folder / ".venv" / "bin").mkdir(parents=True)
        commands = {
            folder / "git": "echo abc",
            folder / ".venv" / "bin" / "replicas": f'echo "reviewed: $@"; exit {code}',
        }
        for path, line in commands.items():
            path.write_text(f"#!/bin/sh\n{line}\n")
            path.chmod(0o755)
        environment = {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "BASE": "origin/main",
            "NUMBER": "7",
            "REPORT": str(folder / "report"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_OUTPUT": str(folder / "output"),
        }
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert (folder / "report" / "diff.md").read_text() == "reviewed: review --base abc --diffs\n"
        assert (folder / "report" / "number").read_text() == "7\n"
        assert (folder / "summary").read_text() == "reviewed: review --base abc --diffs\n"
        assert (folder / "output").read_text() == f"fits={fits}\n"


@pytest.mark.parametrize(("code", "page", "passes"), [(0, True, True), (1, True, True), (1, False, False)])
def test_the_page_is_kept_whether_all_deployments_can_be_planned_or_not(
    tmp_path: Path, code: int, page: bool, passes: bool
) -> None:
    (step,) = [step for step in steps(DIFF) if step.get("name") == "Write the page"]
    written = 'mkdir -p "$5" && echo "$@" > "$5/index.html"; ' if page else ""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for path, line in ((tmp_path / "git", "echo abc"), (tmp_path / ".venv/bin/replicas", f"{written}exit {code}")):
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "BASE": "origin/main",
        "PAGE": str(tmp_path / "page"),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode == 0) is passes
    if page:
        assert (tmp_path / "page" / "index.html").read_text() == f"report --base abc --output {tmp_path / 'page'}\n"


def test_an_artifact_that_is_too_large_is_not_even_fetched(comment: Comment) -> None:
    comment.artifact_bytes = 1_000_000
    assert comment.run().returncode == 1
    assert not (comment.folder / "temp" / "diff.zip").exists()


def test_an_artifact_without_a_report_is_refused(comment: Comment) -> None:
    del comment.members["diff.md"]
    assert comment.run().returncode != 0
    assert comment.written is None
