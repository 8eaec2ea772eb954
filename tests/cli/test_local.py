"""`replicas local`: what it prints, its exit codes, and that interrupting it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from embedded_aws import process
from replicas.cli.main import main
from tests.documents import validated

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).parent / "replicas"
START = ("local", "start", "--port=0", "--time-scale=3000", "--skip-bootstrap")


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Records of this test alone; whatever it leaves running is stopped, and is its failure."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache" / "embedded-aws"
    left = process.running()
    for record in left:
        process.stop(record)
    assert left == []


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, as the console script does."""

    def command(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["replicas", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Outcome(code, *capsys.readouterr())

    return command


@pytest.fixture
def stub_cdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CDK CLI that takes long; the file appears when it begins."""
    began = tmp_path / "began"
    cdk = tmp_path / "cdk"
    cdk.write_text(f"#!/bin/sh\ntouch {began}\nexec sleep 600\n")
    cdk.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return began


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ---- its life


def test_it_starts_is_seen_fails_as_told_and_stops(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    state = tmp_path / "aws.state"

    started = run(*START, f"--state={state}")
    script = f"{started.out}\nenv"
    environment = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, check=True).stdout
    (seen,) = validated(json.loads(run("local", "status", "--json").out))
    assert started.code == 0
    assert f"AWS_ENDPOINT_URL={seen['url']}\n" in environment
    assert "AWS_REGION=us-west-2\n" in environment
    assert "AWS_PROFILE" not in environment
    assert run("local", "status").out == f"{seen['url']}, process {seen['pid']}, region us-west-2\n"

    assert run("local", "fault").out == "no faults are pending\n"
    asked = run("local", "fault", "throttling", "--on=sagemaker:Create*", "--times=2")
    assert asked.out == "throttling on sagemaker:Create*, 2 more\n"
    both = run("local", "fault", "slow-deletion", "--seconds=90", "--json")
    schema = {"schema": "embedded-aws.fault/1"}
    assert validated(json.loads(both.out)) == [
        {**schema, "kind": "throttling", "on": "sagemaker:Create*", "times": 2, "seconds": 0},
        {**schema, "kind": "slow-deletion", "on": "*", "times": None, "seconds": 90},
    ]
    unknown = run("local", "fault", "earthquake")
    assert unknown.code == 2
    assert "unknown fault 'earthquake'; known faults: insufficient-capacity, copy-never-starts" in flat(unknown.err)
    assert run("local", "fault", "--clear").out == "no faults are pending\n"

    stopped = run("local", "stop")
    assert stopped.out == f"stopped the embedded AWS on {seen['url']}; its state is saved in {state}\n"
    assert state.exists()


def test_a_stop_names_port_and_state_in_its_document(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    record = process.Record(port=5566, pid=1, region="us-west-2", state="aws.state")
    monkeypatch.setattr(process, "find", lambda port: record)
    monkeypatch.setattr(process, "stop", lambda record: None)
    document = validated(json.loads(run("local", "stop", "--json").out))
    assert (document["stopped"], document["state"]) == (5566, "aws.state")


def flat(text: str) -> str:
    """Usage errors are broken into lines."""
    return " ".join(text.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_an_end_of_the_foreground_leaves_nothing_behind(folder: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [COMMAND, *START, "--foreground", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stderr
        assert "Ctrl-C stops it" in command.stderr.readline()
        (record,) = process.running()
        command.send_signal(number)
        out, err = command.communicate(timeout=180)

    assert (command.returncode, err) == (0, "")
    assert validated(json.loads(out))["pid"] == record.pid
    assert process.running() == []
    assert list(folder.iterdir()) == []


def test_an_end_while_it_bootstraps_leaves_nothing_behind(folder: Path, stub_cdk: Path) -> None:
    arguments = [argument for argument in START if argument != "--skip-bootstrap"]
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        until(lambda: stub_cdk.exists() or command.poll() is not None)
        assert len(process.running()) == 1
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=180)

    assert command.returncode != 0
    assert out == ""
    assert "Traceback" not in err
    assert list(folder.iterdir()) == []


# ---- what is refused


@pytest.mark.parametrize("arguments", [("stop",), ("stop", "--port=5566"), ("fault",), ("fault", "throttling")])
def test_where_none_runs_it_says_so(run: Run, arguments: tuple[str, ...]) -> None:
    outcome = run("local", *arguments)

    where = " on port 5566" if "--port=5566" in arguments else ""
    assert outcome == (1, "", f"no embedded AWS is running{where}: start one with `embedded-aws start`\n")


def test_status_without_one_is_a_failure_and_an_empty_list(run: Run) -> None:
    assert run("local", "status") == (1, "", "no embedded AWS is running: start one with `embedded-aws start`\n")
    assert run("local", "status", "--json") == (1, "[]\n", "")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--region=us-west-9", "unknown region 'us-west-9'; known regions: "),
        ("--port=70000", "Invalid value for '--port'"),
        ("--time-scale=0", "Invalid value for '--time-scale'"),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(run: Run, option: str, words: str) -> None:
    outcome = run("local", "start", option)

    assert outcome.code == 2
    assert words in flat(outcome.err)


def test_a_folder_for_the_state_that_is_not_there_is_one_message(run: Run, tmp_path: Path, folder: Path) -> None:
    outcome = run(*START, f"--state={tmp_path}/nowhere/aws.state")

    named = f"{tmp_path}/nowhere is not a writable folder: name another file with --state\n"
    assert outcome == (1, "", named)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [["start", "--port=0"], ["stop"], []])
def test_without_the_extra_it_says_what_to_install(arguments: list[str]) -> None:
    command = f"""
import sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name == "embedded_aws":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, NotInstalled())
sys.argv = ["replicas", "local", *{arguments}]
from replicas.cli.main import main
main()
"""
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)

    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("embedded_aws is not installed. The extra `local` of sagemaker")
    assert finished.stderr.count("\n") == 1
