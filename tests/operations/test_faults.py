"""Whatever AWS refuses, every command says so in one message, ends with a code that says no, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from replicas.local.faults import Fault, FaultKind
from replicas.local.server import EmbeddedAws
from tests.embedded import settled
from tests.operations.conftest import TGI, Run

Outputs = dict[str, dict[str, str]]
COMMANDS = {
    "chat": ("chat", TGI, "Hi"),
    "status": ("status", TGI),
    "benchmark": ("benchmark", TGI, "--users", "1", "--duration", "1"),
    "teardown": ("teardown", TGI, "--yes"),
    "bills": ("bills",),
    "doctor": ("doctor", TGI),
}
EVERY = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@EVERY
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FaultKind.THROTTLING, "was throttled"),
        (FaultKind.EXPIRED_CREDENTIALS, "credentials have expired"),
        (FaultKind.ACCESS_DENIED, "is not allowed"),
    ],
)
def test_where_aws_refuses_everything_nothing_happens(
    run: Run,
    endpoints: Outputs,
    embedded: EmbeddedAws,
    quick_retries: None,
    command: tuple[str, ...],
    kind: FaultKind,
    words: str,
) -> None:
    embedded.faults.add(Fault(kind))
    outcome = run(*command)
    assert outcome.code == 1
    assert words in outcome.said
    embedded.faults.clear()
    assert run("status", TGI).code == 0, "the deployment is as it was"


@EVERY
def test_without_a_region_each_says_how_to_name_one(
    run: Run, embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    outcome = run(*command)
    assert outcome.code == 1
    assert "no region is set: --region us-west-2" in outcome.said


@EVERY
def test_where_nothing_answers_each_says_so(
    run: Run, embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, quick_retries: None, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    outcome = run(*command)
    assert outcome.code == 1
    assert "AWS does not answer" in outcome.said


@pytest.mark.parametrize("name", ["chat", "status", "benchmark", "teardown"])
def test_a_name_that_is_not_deployed_gets_the_nearest(run: Run, endpoints: Outputs, name: str) -> None:
    arguments = {"chat": ["Hi"], "teardown": ["--yes"]}.get(name, [])
    outcome = run(name, "llama-2-13", *arguments)
    assert outcome.code == 1
    assert "near: llama-2-13b" in outcome.err


def test_a_deployment_that_found_no_instances(run: Run, embedded: EmbeddedAws, assembly: Path) -> None:
    embedded.faults.add(Fault(FaultKind.INSUFFICIENT_CAPACITY))
    cloudformation = boto3.client("cloudformation")
    body = (assembly / "mistral-7b.template.json").read_text()
    cloudformation.create_stack(
        StackName="mistral-7b", TemplateBody=body, Capabilities=["CAPABILITY_IAM"], DisableRollback=True
    )
    assert settled("mistral-7b")["StackStatus"] == "CREATE_FAILED"
    embedded.faults.clear()
    status = run("status", "mistral-7b")
    assert status.code == 1
    assert "InsufficientInstanceCapacity" in status.said
    for command in (["chat", "mistral-7b", "Hi"], ["benchmark", "mistral-7b"]):
        assert "has no output EndpointName (it is CREATE_FAILED)" in run(*command).err
    torn = run("teardown", "mistral-7b", "--yes", "--json")
    assert torn.code == 0, torn.said
    assert {thing["kind"] for thing in json.loads(torn.out)["deleted"]} >= {"endpoint", "model", "stack"}
    assert settled("mistral-7b") == {}
