"""Fixtures: the command `replicas`, run in this process, and two deployed endpoints for it, one of each engine."""

from __future__ import annotations

import functools
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer.main

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from replicas import cli
from tests.conftest import ROOT
from tests.documents import validated
from tests.embedded import create_stack

TGI, VLLM = "llama-2-13b", "qwen3-8b"


class Outcome:
    """Output and exit code of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def said(self) -> str:
        """All output in one line, so that an assertion does not depend on line breaks."""
        return " ".join((self.out + " " + self.err).replace("│", " ").split())

    @property
    def json(self) -> Any:
        """The document, which satisfies its published schema."""
        return validated(json.loads(self.out))


Run = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def _commands_built_once() -> Iterator[None]:
    """Typer builds all commands that are loaded anew for every run; a process of its own runs one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, in the project's folder unless the test changes the folder afterwards."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)

    def command(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["replicas", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Outcome(code, out, err)

    return command


@pytest.fixture(scope="module")
def _endpoints(running_aws: EmbeddedAws, assembly: Path) -> dict[str, dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(running_aws.url).items():
            patch.setenv(variable, value)
        boto3.DEFAULT_SESSION = None
        outputs = {name: create_stack(assembly, name) for name in (TGI, VLLM)}
        for stack in outputs.values():
            await_log_group(stack["InferenceComponentName"])
        return outputs


def await_log_group(component: str) -> None:
    """Returns when the containers of a component have written their first lines, shortly after its stack settles."""
    group, logs = f"/aws/sagemaker/InferenceComponents/{component}", boto3.client("logs")
    deadline = time.monotonic() + 180
    while not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        assert time.monotonic() < deadline, f"{group} was not created"
        time.sleep(0.02)


@pytest.fixture
def endpoints(embedded: EmbeddedAws, _endpoints: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Outputs of both stacks, shared by the tests of a file: a test that changes a stack deploys its own."""
    return _endpoints


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the seconds that botocore waits between its retries."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)


@pytest.fixture
def present_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers for Node and the CDK CLI without starting them; one test of `doctor` starts the real ones."""
    monkeypatch.setattr("replicas.preflight.doctor._version_of", {"node": "24.19.0", "cdk": "2.1148.1"}.get)
