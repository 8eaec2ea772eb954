"""No region, no network, a wrong name: every command says so in one message and ends with a code that says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_aws.server import EmbeddedAws
from tests.commands import TGI, Run

Outputs = dict[str, dict[str, str]]
COMMANDS = {
    "chat": ("chat", TGI, "Hi"),
    "status": ("status", TGI),
    "benchmark": ("benchmark", TGI, "--users", "1", "--duration", "1"),
    "teardown": ("teardown", TGI, "--yes"),
    "bills": ("bills",),
    "doctor": ("doctor", TGI),
    "preflight": ("preflight", TGI, "--template", "{template}"),
}
EVERY = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture
def ask(run: Run, assembly: Path, present_tools: None) -> Run:
    """Runs one of the commands."""
    template = assembly / f"{TGI}.template.json"
    return lambda *command: run(*(part.format(template=template) for part in command))


@EVERY
def test_without_a_region_each_says_how_to_name_one(
    ask: Run, embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    outcome = ask(*command)
    assert outcome.code == 1
    assert "no region is set: use --region us-west-2" in outcome.said


@EVERY
def test_where_nothing_answers_each_says_so(
    ask: Run, embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, quick_retries: None, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    outcome = ask(*command)
    assert outcome.code == 1
    assert "AWS does not answer" in outcome.said


@pytest.mark.parametrize("name", ["chat", "status", "benchmark", "teardown"])
def test_a_name_that_is_not_deployed_gets_the_nearest(run: Run, endpoints: Outputs, name: str) -> None:
    arguments = {"chat": ["Hi"], "teardown": ["--yes"]}.get(name, [])
    outcome = run(name, "llama-2-13", *arguments)
    assert outcome.code == 1
    assert "near: llama-2-13b" in outcome.err
