"""`make diff` (`replicas review --templates`): the CDK's CLI, the environment, and a real app under git."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from replicas.review.offline_cdk import app_message, by_name, diff_body, offline_environment, read_assembly

starts_the_cli = pytest.mark.slow  # the CDK CLI, and the app of each revision
COMMAND = [str(Path(sys.executable).parent / "replicas"), "review", "--templates"]


def test_the_body_of_a_diff_has_neither_name_nor_count() -> None:
    assert (
        diff_body("Stack a\nResources\n[+] x\n\n\n\n✨  Number of stacks with differences: 1\n\n") == "Resources\n[+] x"
    )
    assert diff_body("Stack a\nThere were no differences\n\n✨  Number of stacks with differences: 0\n") == ""


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        (
            'Traceback (most recent call last):\n  File "app.py", line 1, in <module>\n    plan()\n'
            "replicas.SizingError: 9 copies do not fit\n  at most 8\npython app.py: Subprocess exited with error 1\n",
            "replicas.SizingError: 9 copies do not fit at most 8",
        ),
        ("two faults:\n- one\n- two\npython app.py: Subprocess exited with error 1\n", "two faults: - one - two"),
        (
            "ERROR no such type (Rule)\n   a/B (B)\n\nERROR another\n   c\nSynthesis finished with errors\n",
            "no such type (Rule) (and 1 more)",
        ),
        ("python app.py: Subprocess exited with error 1\n", "it printed no message"),
    ],
    ids=["traceback", "last words", "validation", "nothing"],
)
def test_the_message_of_the_app_is_one_line(stderr: str, message: str) -> None:
    assert app_message(stderr) == message


def test_nothing_of_aws_is_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_REGION", "CDK_DEFAULT_ACCOUNT"):
        monkeypatch.setenv(name, "x")
    environment = offline_environment(tmp_path)
    assert {key: value for key, value in environment.items() if key.startswith(("AWS_", "CDK_DEFAULT"))} == {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_the_checkout_that_is_installed_may_import_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed, other = tmp_path / "installed", tmp_path / "other"
    monkeypatch.setattr("replicas.review.offline_cdk.editable_paths", lambda: [str(installed)])
    assert offline_environment(tmp_path, [installed])["DIFF_HIDDEN_PATHS"] == ""
    assert offline_environment(tmp_path, [other])["DIFF_HIDDEN_PATHS"] == str(installed)


def test_stacks_are_found_by_their_deployed_names_in_nested_assemblies_too(tmp_path: Path) -> None:
    write_assembly(tmp_path, {"a": "aws://1/x", "b": "aws://1/x"}, nested={"a": "aws://1/y"})
    found = by_name(list(read_assembly(tmp_path)))
    assert {name: stack.assembly.name for name, stack in found.items()} == {
        "a (aws://1/x)": tmp_path.name,
        "b": tmp_path.name,
        "a (aws://1/y)": "nested",
    }


def write_assembly(folder: Path, stacks: dict[str, str], nested: dict[str, str] | None = None) -> None:
    artifacts: dict[str, Any] = {}
    for name, environment in stacks.items():
        (folder / f"{name}.json").write_text("{}")
        properties = {"templateFile": f"{name}.json", "stackName": name}
        artifacts[f"id-{name}"] = {
            "type": "aws:cloudformation:stack",
            "environment": environment,
            "properties": properties,
        }
    if nested:
        (folder / "nested").mkdir()
        write_assembly(folder / "nested", nested)
        artifacts["stage"] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "nested"}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


class Repository:
    """A small project under git, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.temporary = folder / "project", folder / "temporary"
        self.root.mkdir()
        self.temporary.mkdir()
        self.write({".gitignore": ".venv\n", "constructs/replicas_cdk/__init__.py": "", "stacks/__init__.py": ""})
        (self.root / ".venv").symlink_to(sys.prefix)
        self.git("init", "--quiet", "--initial-branch=main")

    def write(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(content)

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a commit")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command with a credential in its environment, which must get no further."""
        environment = os.environ | {"AWS_ACCESS_KEY_ID": "x", "TMPDIR": str(self.temporary)}
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def diff(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            stdout, stderr = process.communicate()
        assert self.left_behind() == []
        return process.returncode, stdout, stderr

    def left_behind(self) -> list[str]:
        return [path.name for path in self.temporary.iterdir() if not path.name.startswith("pid")]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


CDK_JSON = '{"app": ".venv/bin/python app.py"}'
APP = """
import importlib.util, os, sys
from pathlib import Path

import aws_cdk as cdk
import replicas, replicas_cdk, stacks

for module in (replicas, replicas_cdk, stacks):
    if Path.cwd() not in Path(module.__file__).parents:
        sys.exit(f"{module.__name__} is imported from another checkout: {module.__file__}")
if importlib.util.find_spec("deployments"):
    sys.exit("another checkout is on the path")
if "AWS_ACCESS_KEY_ID" in os.environ:
    sys.exit("credentials are in the environment")

app = cdk.App()
for name, (endpoint, component) in replicas.STACKS.items():
    stack = cdk.Stack(app, name)
    properties = {"EndpointName": endpoint, "EndpointConfigName": "c"}
    made = cdk.CfnResource(stack, "Endpoint", type="AWS::SageMaker::Endpoint", properties=properties)
    cdk.CfnResource(
        stack,
        component,
        type="AWS::SageMaker::InferenceComponent",
        properties={
            "EndpointName": made.get_att("EndpointName"),
            "VariantName": "all",
            "Specification": {"ModelName": "m"},
            "RuntimeConfig": {"CopyCount": 1},
        },
    )
app.synth()
"""


@starts_the_cli
def test_two_revisions_of_a_real_app(repository: Repository) -> None:
    old = {"kept": ("kept", "A"), "renamed": ("old", "A"), "gone": ("gone", "A")}
    new = {"kept": ("kept", "A"), "renamed": ("new", "B"), "added": ("added", "A")}
    repository.write({"cdk.json": CDK_JSON, "app.py": APP, "replicas/__init__.py": f"STACKS = {old}"})
    repository.commit()
    repository.write({"replicas/__init__.py": f"STACKS = {new}"})  # not committed: the working tree counts

    code, stdout, stderr = repository.diff("--base", "main")

    assert code == 0, stderr
    assert "comparing 1 of 3 stacks" in stderr
    assert "Stack renamed\n" in stdout
    assert "[~] AWS::SageMaker::Endpoint Endpoint Endpoint replace" in stdout
    assert "Stack kept" not in stdout
    assert "added: new stack\n" in stdout
    assert "gone: removed stack: its endpoint keeps running" in stdout
    assert "!! renamed: endpoint `Endpoint` is replaced\n" in stdout
    assert "!! renamed: inference component `A` is removed and created again under another logical id\n" in stdout
    assert stdout.endswith(": 1 changed, 1 new, 1 removed, 1 unchanged.\n")
    assert "\x1b" not in stdout
    assert repository.git("status", "--short").split() == ["M", "replicas/__init__.py"]


@starts_the_cli
def test_a_base_from_before_the_app(repository: Repository) -> None:
    repository.commit()
    stack = {"type": "aws:cloudformation:stack", "environment": "aws://1/x", "properties": {"templateFile": "t.json"}}
    manifest = {"version": "36.0.0", "artifacts": {"first": stack}}
    app = (
        "import json, os, pathlib\nfolder = pathlib.Path(os.environ['CDK_OUTDIR'])\nfolder.mkdir(exist_ok=True)\n"
        f"(folder / 't.json').write_text('{{}}')\n(folder / 'manifest.json').write_text(json.dumps({manifest}))\n"
    )
    repository.write({"cdk.json": CDK_JSON, "app.py": app})

    code, stdout, stderr = repository.diff("--base", "HEAD")

    assert code == 0, stderr
    assert stdout.startswith("first: new stack\n")
    assert "The base has no cdk.json, so every stack is new." in stdout


@starts_the_cli
def test_a_revision_that_does_not_exist(repository: Repository) -> None:
    repository.write({"cdk.json": CDK_JSON})
    repository.commit()
    for revision in ("nowhere", "--all", "HEAD:cdk.json"):
        code, stdout, stderr = repository.diff(f"--base={revision}")
        assert (code, stdout) == (1, "")
        assert re.fullmatch(rf"no revision '{revision}' in .*: name a branch, a tag or a commit\n", stderr)


@starts_the_cli
def test_an_app_that_fails_has_its_say(repository: Repository) -> None:
    repository.write({"cdk.json": CDK_JSON, "app.py": "raise ValueError('9 copies\\ndo not fit')"})
    repository.commit()
    code, stdout, stderr = repository.diff("--base", "HEAD")
    assert (code, stdout) == (1, "")
    assert stderr.splitlines()[1:] == ["the working tree cannot be synthesised: ValueError: 9 copies do not fit"]


@starts_the_cli
@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_behind(repository: Repository, interruption: signal.Signals) -> None:
    app = (
        "import os, pathlib, time\n"
        f"folder = pathlib.Path({str(repository.temporary)!r})\n"
        "(folder / f'pid{pathlib.Path.cwd().name}').write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    repository.write({"cdk.json": CDK_JSON, "app.py": app})
    repository.commit()
    with repository.start("--base", "HEAD") as process:
        pids = [repository.temporary / f"pid{name}" for name in ("base", "project")]
        deadline = time.monotonic() + 180
        while not all(path.is_file() and path.read_text() for path in pids) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert repository.left_behind()
        process.send_signal(interruption)
        process.communicate()
    assert process.returncode == 130
    assert repository.left_behind() == []
    for path in pids:
        assert not is_alive(int(path.read_text()))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has collected yet does not."""
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.is_dir():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] not in "ZX"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0
