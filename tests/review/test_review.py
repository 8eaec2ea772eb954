"""`replicas review` on two revisions of a small project, each planned by its own code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import pytest

from replicas.review.template_report import MARKDOWN_LIMIT
from tests.conftest import ROOT
from tests.documents import validated

pytestmark = pytest.mark.slow  # the command in a process, and that of each revision
CDK_JSON = '{"app": ".venv/bin/python app.py"}'
# Writes a cloud assembly by hand: fast, and what it holds is plain to see.
APP = """
import json, os, pathlib, sys

import replicas
from replicas.deployment.file import load_catalogue
from replicas.sizing import plan

if pathlib.Path.cwd() not in pathlib.Path(replicas.__file__).parents:
    sys.exit(f"replicas is imported from another checkout: {replicas.__file__}")
if "AWS_ACCESS_KEY_ID" in os.environ:
    sys.exit("credentials are in the environment")

folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.mkdir(exist_ok=True)
artifacts = {}
for planned in map(plan, load_catalogue()):
    resources = {
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointName": planned.endpoint_name, "EndpointConfigName": {"Ref": "Config"}},
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ProductionVariants": [{"InstanceType": planned.instance.name}]},
        },
    }
    for part in planned.components:
        resources["Model" + part.name] = {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"PrimaryContainer": {"Environment": dict(part.environment)}},
        }
        resources["Component" + part.name] = {
            "Type": "AWS::SageMaker::InferenceComponent",
            "Properties": {
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "Specification": {"ModelName": {"Fn::GetAtt": ["Model" + part.name, "ModelName"]}},
                "RuntimeConfig": {"CopyCount": part.copies},
            },
        }
    (folder / f"{planned.name}.json").write_text(json.dumps({"Resources": resources}))
    artifacts[planned.name] = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": f"{planned.name}.json"},
    }
(folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": artifacts}))
"""

LLAMA = (
    'model="NousResearch/Llama-2-13b-chat-hf", engine="tgi-1.1.0", tensor_parallel=1, '
    "max_total_tokens=4096, max_input_tokens=2048"
)
HEAD = """from replicas.sizing import Component, Deployment, InstanceScaling, Rollout, Scaling, Traffic

DEPLOYMENTS = [
"""
TRAFFIC = "traffic=Traffic(users=100, input_tokens=1000, output_tokens=50)"


def deployments(**wishes: str) -> str:
    """A `deployments.py` of deployments on one p4d: their component's wishes, by name; `_` in a name is a dash."""
    entries = [
        f'    Deployment(name="{name.replace("_", "-")}", instance_type="ml.p4d.24xlarge", '
        f"components=[Component({LLAMA}, {wish})]),\n"
        for name, wish in wishes.items()
    ]
    return f"{HEAD}{''.join(entries)}]\n"


class Project:
    """The library and a small app under git, and the command run in it with a credential that must get no further."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.temporary = root / "temporary"
        self.temporary.mkdir()
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "replicas", self.root / "replicas", ignore=ignored)
        # Bytecode in the commits, checked by its source's hash: no checkout compiles the library again.
        compile_dir(self.root, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        for name, text in {"cdk.json": CDK_JSON, "app.py": APP, ".gitignore": ".venv\n"}.items():
            (self.root / name).write_text(text)
        (self.root / ".venv").symlink_to(sys.prefix)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout

    def commit(self, content: str) -> str:
        (self.root / "deployments.py").write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a commit")
        return self.git("rev-parse", "HEAD").strip()

    def review(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"AWS_ACCESS_KEY_ID": "x", "TMPDIR": str(self.temporary)}
        command = [str(Path(sys.executable).parent / "replicas"), "review", *arguments]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert list(self.temporary.iterdir()) == []
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def commits(project: Project) -> dict[str, str]:
    """Revisions: the library of the first sizes otherwise, and the deployments of each differ."""
    claims = project.root / "replicas" / "sizing" / "claims.py"
    now = claims.read_text()
    claims.write_text(now.replace("CPU_SHARE = Fraction(3, 4)", "CPU_SHARE = Fraction(1, 2)"))
    found = {"base": project.commit(deployments(kept="copies=4", fewer=f"copies=8, {TRAFFIC}", gone="copies=2"))}
    claims.write_text(now)
    scaled = f"copies=6, {TRAFFIC}, scaling=Scaling(max_copies=8)"
    found["head"] = project.commit(deployments(kept="copies=4, cpus=6.0", fewer=scaled, added="copies=1"))
    found["refused"] = project.commit(deployments(kept="copies=4, cpus=6.0", fewer="copies=9"))
    found["broken"] = project.commit("DEPLOYMENTS = [oops]\n")
    return found


@pytest.fixture(scope="module")
def told(project: Project, commits: dict[str, str]) -> dict[str, Any]:
    done = project.review("--base", commits["base"], "--head", commits["head"], "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = validated(json.loads(done.stdout))
    return document


def of(told: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in told["deployments"] if each["name"] == name]
    return dict(found)


def fact(told: dict[str, Any], name: str, what: str) -> tuple[str | None, str | None]:
    (found,) = [each for each in of(told, name)["facts"] if each["what"] == what]
    return found["before"], found["after"]


def test_every_deployment_has_its_verdict(told: dict[str, Any]) -> None:
    assert {each["name"]: each["verdict"] for each in told["deployments"]} == {
        "fewer": "changed",
        "added": "new",
        "gone": "removed",
    }
    assert (told["fits"], told["unchanged"]) == (True, 1)


def test_each_revision_is_planned_by_its_own_code(told: dict[str, Any]) -> None:
    """The base's library reserved half of the CPUs, and the head's three quarters: 6 and 9 of 96 for a copy."""
    assert fact(told, "fewer", "CPUs of a copy") == ("6", "9")
    assert fact(told, "fewer", "copies") == ("8", "6 / 6 / 8")
    assert fact(told, "fewer", "accelerators in use at the start") == ("8 of 8", "6 of 8")
    assert fact(told, "fewer", "KV-cache tokens of a copy") == ("18,736", "18,736")
    assert fact(told, "fewer", "USD an hour") == ("25.25", "25.25")
    assert fact(told, "gone", "copies") == ("2", None)


def test_capacity_and_latency_are_forecast_on_both_sides_at_the_declared_traffic(told: dict[str, Any]) -> None:
    (pair,) = of(told, "fewer")["forecasts"]
    before, after = pair["before"]["point"], pair["after"]["point"]
    assert pair["traffic"]["users"] == before["users"] == after["users"] == 100
    assert before["requests_per_second_window"] > after["requests_per_second_window"] > 0
    assert before["latency_p50_seconds"] < after["latency_p50_seconds"]
    assert of(told, "added")["forecasts"] == []


def test_scaling_that_saves_nothing_is_a_warning_of_the_change(told: dict[str, Any]) -> None:
    """From 6 to 8 copies on one instance of 8 accelerators: one instance is paid for either way."""
    compared = of(told, "fewer")
    (warning,) = [each for each in compared["warnings"] if each not in compared["warnings_before"]]
    assert warning.startswith(
        "scaling= from 6 to 8 copies saves no money, because 1 instance is paid for in both cases: set copies=8"
    )


def test_what_the_update_does_is_named(told: dict[str, Any]) -> None:
    assert [(each["kind"], each["logical_id"]) for each in of(told, "fewer")["effects"]] == [
        ("copies", "Componentfewer")
    ]
    assert of(told, "gone")["note"].startswith("removed stack: its endpoint keeps running")


def test_the_same_revisions_give_the_same_markdown_twice(project: Project, commits: dict[str, str]) -> None:
    arguments = ["--base", commits["base"], "--head", commits["head"], "--diffs"]
    first, second = project.review(*arguments), project.review(*arguments)
    assert first.stdout == second.stdout
    assert first.returncode == 0
    assert f"## Review: `{commits['base']}` to `{commits['head']}`" in first.stdout
    assert "Deployments: 1 changed, 1 new, 1 removed, 1 unchanged." in first.stdout
    assert "| copies | 8 | 6 / 6 / 8 |" in first.stdout
    assert re.search(r"\| latency p90, s at 100 users of 1,000 \+ 50 tokens \| \d+\.\d\d \| \d+\.\d\d \|", first.stdout)
    assert "inference component `Componentfewer` goes from `8` to `6` copies in place" in first.stdout
    assert "<details><summary><code>fewer</code></summary>" in first.stdout
    assert len(first.stdout) < MARKDOWN_LIMIT
    assert str(project.temporary) not in first.stdout


@pytest.fixture(scope="module")
def refused(project: Project, commits: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The review of a head in which one deployment cannot be planned."""
    return project.review("--base", commits["head"], "--head", commits["refused"])


def test_a_deployment_that_no_longer_plans_has_its_problems_and_exit_code_1(
    refused: subprocess.CompletedProcess[str],
) -> None:
    assert refused.returncode == 1
    assert "### `fewer`: cannot be planned\n\n> [!CAUTION]\n> - `9 copies need 9 accelerators" in refused.stdout
    assert "### `added`: removed" in refused.stdout
    assert "Templates are not compared: " in refused.stdout


def test_a_refused_deployment_is_said_to_be_refused_and_to_stay(refused: subprocess.CompletedProcess[str]) -> None:
    section = refused.stdout.partition("### `fewer`")[2].partition("###")[0]
    assert "Refused: the new template cannot be deployed, and the deployed stack does not change." in section
    assert "removed" not in section
    assert "destroyed" not in refused.stdout


def test_a_deployment_that_plans_again_is_no_fault_of_the_head(project: Project, commits: dict[str, str]) -> None:
    done = project.review("--base", commits["refused"], "--head", commits["head"])
    assert done.returncode == 0, done.stdout
    assert "It could not be planned before:\n- `9 copies need 9 accelerators" in done.stdout


def test_a_head_whose_deployments_cannot_be_read_is_exit_code_1(project: Project, commits: dict[str, str]) -> None:
    done = project.review("--base", commits["head"])  # the working tree: the last commit
    assert done.returncode == 1
    assert "The head has no plans: `deployments.py, line 1: NameError" in done.stdout
    assert "removed" not in done.stdout


def test_a_revision_that_does_not_exist(project: Project, commits: dict[str, str]) -> None:
    done = project.review("--base", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no revision 'nowhere'")
