"""The check in pipelines of others: the action, the pre-commit hook, the job of GitLab, the plugin of the CDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.conftest import ROOT
from tests.terminal import REPLICAS

pytestmark = pytest.mark.slow

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
EXAMPLES = ROOT / "docs" / "examples"
GITLAB, WORKFLOW = EXAMPLES / "gitlab-ci.yml", EXAMPLES / "github-workflow.yml"
PLUGIN, BAD = EXAMPLES / "plugin_app.py", EXAMPLES / "over-committed.yaml"
BIN = Path(sys.executable).parent
SARIF = Draft202012Validator(json.loads((ROOT / "tests" / "data" / "sarif-2.1.0.json").read_text()))


def ran(*command: str | Path, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    "command",
    [
        ("zizmor", "--offline", "--quiet", "action.yml", str(WORKFLOW)),
        ("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)),
        ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(GITLAB)),
        (sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"),
        (sys.executable, "-m", "pre_commit", "validate-config", "docs/examples/pre-commit-config.yaml"),
    ],
    ids=lambda command: " ".join(map(str, command[-3:-1])),
)
def test_their_own_linters_find_nothing(command: tuple[str, ...]) -> None:
    done = ran(*command)
    assert done.returncode == 0, done.stdout + done.stderr


# The action of GitHub


def action(folder: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the script of the action as its step does, with the defaults of its inputs; its outputs."""
    (step,) = [step for step in ACTION["runs"]["steps"] if step.get("id") == "check"]
    given = {name: str(declared["default"]) for name, declared in ACTION["inputs"].items()} | inputs
    variables = {
        variable: given[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
        for variable, expression in step["env"].items()
    }
    outputs, runner = folder / "outputs", folder / "runner"
    outputs.write_text("")
    (runner / "replicas").mkdir(parents=True, exist_ok=True)
    if not (runner / "replicas" / "bin").exists():
        (runner / "replicas" / "bin").symlink_to(BIN)  # in place of the step before, which installs
    places = {"GITHUB_OUTPUT": str(outputs), "RUNNER_TEMP": str(runner), "GITHUB_ACTION_PATH": str(ROOT)}
    done = ran("bash", "-e", "-o", "pipefail", "-c", step["run"], folder=folder, **variables, **places)
    return done, outputs.read_text()


def test_the_action_annotates_the_diff_and_writes_sarif(tmp_path: Path) -> None:
    (tmp_path / "a b.yaml").write_text(BAD.read_text())
    done, outputs = action(tmp_path, files="\na b.yaml\n  \n")
    assert done.returncode == 1, done.stderr
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::error file=a b.yaml,line=")]
    assert len(annotations) == 3
    assert outputs == "sarif=replicas.sarif\n"
    log = json.loads((tmp_path / "replicas.sarif").read_text())
    SARIF.validate(log)
    assert [result["level"] for result in log["runs"][0]["results"]].count("error") == 3


def test_the_action_checks_the_folder_of_the_cdk_by_default_and_fails_without_it(tmp_path: Path) -> None:
    done, outputs = action(tmp_path)
    assert (done.returncode, outputs) == (1, "")
    assert "cdk.out" in done.stderr


def test_no_input_of_the_action_is_an_option_or_a_command(tmp_path: Path) -> None:
    done, _ = action(tmp_path, files="--help\n$(touch forged)\n`touch forged`")
    assert done.returncode == 1
    assert "--help" in done.stderr
    assert not (tmp_path / "forged").exists()
    refused, _ = action(tmp_path, practice="yes\n::add-mask::x")
    assert refused.returncode == 2
    assert refused.stdout == "::error::practice: true or false, not what was given\n"


def test_every_input_of_the_action_is_used(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(BAD.read_text())
    done, _ = action(tmp_path, files="t.yaml", region="us-west-2", practice="true", **{"allow-unjudged": "true"})
    assert done.returncode == 1, done.stderr
    assert "::warning file=t.yaml" in done.stdout  # a rule of practice
    text = (ROOT / "action.yml").read_text()
    assert all(f"inputs.{name}" in text for name in ACTION["inputs"])


def test_a_report_of_an_earlier_run_is_not_sent_again(tmp_path: Path) -> None:
    (tmp_path / "replicas.sarif").write_text("{}")
    _, outputs = action(tmp_path, files="missing.yaml")
    assert outputs == ""
    assert not (tmp_path / "replicas.sarif").exists()


# The hook of pre-commit


def test_pre_commit_runs_the_hook_on_templates_alone(tmp_path: Path) -> None:
    """pre-commit runs the hook as declared, from this environment instead of one that it would install."""
    (hook,) = HOOK
    command, *rest = hook["entry"].split()
    assert command == "replicas"
    local: dict[str, Any] = {**hook, "language": "system", "entry": " ".join([str(REPLICAS), *rest])}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": [local]}]}))
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "endpoint.template.yaml").write_text(BAD.read_text())
    for git in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *git], cwd=tmp_path, check=True)
    home = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}

    refused = ran(sys.executable, "-m", "pre_commit", "run", "--all-files", folder=tmp_path, **home)
    assert refused.returncode == 1
    assert "9 copies reserve 9 accelerators" in refused.stdout

    passed = ran(sys.executable, "-m", "pre_commit", "run", "--files", "package.json", folder=tmp_path, **home)
    assert passed.returncode == 0
    assert "(no files to check)Skipped" in passed.stdout


# The job of GitLab


def test_the_job_of_gitlab_fails_on_a_problem_and_leaves_its_report(tmp_path: Path) -> None:
    (job,) = yaml.safe_load(GITLAB.read_text()).values()
    *installing, check = job["script"]
    assert [line.split()[0] for line in installing] == ["python3", ".replicas/bin/pip"]
    assert "image" not in job
    assert job["allow_failure"] == {"exit_codes": [3]}  # docs/rules.md: something could not be judged
    (tmp_path / ".replicas").mkdir()
    (tmp_path / ".replicas" / "bin").symlink_to(BIN)
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out" / "endpoint.template.yaml").write_text(BAD.read_text())

    done = ran("bash", "-e", "-c", check, folder=tmp_path)

    assert done.returncode == 1
    assert "9 copies reserve 9 accelerators" in done.stdout
    (report,) = job["artifacts"]["paths"]
    SARIF.validate(json.loads((tmp_path / report).read_text()))


# The plugin in an app of others


@pytest.mark.parametrize(("copies", "code"), [("8", 0), ("9", 1)])
def test_an_app_with_the_plugin_fails_where_its_copies_do_not_fit(tmp_path: Path, copies: str, code: int) -> None:
    source = PLUGIN.read_text()
    assert "COPIES = 8\n" in source
    (tmp_path / "app.py").write_text(source.replace("COPIES = 8\n", f"COPIES = {copies}\n"))
    done = ran(sys.executable, "app.py", folder=tmp_path, CDK_OUTDIR="cdk.out", PYTHONPATH=str(ROOT / "constructs"))
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert ("9 copies reserve 9 accelerators" in output) == (code == 1)
